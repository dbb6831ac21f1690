"""``steeple evaluate matching``: how well local features match pictures whose geometry is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Column, Output, without_nan
from steeple.cli.stages import staged
from steeple.errors import InvalidArgumentError


def matching(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="HPatches, WxBS, or any photos, which are warped.")],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="KIND", help="Local features of this kind alone; repeatable. Default: all."),
    ] = None,
    photos: Annotated[int, typer.Option("--photos", metavar="N", min=1, help="Photos that are warped, at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """Match pairs of pictures whose geometry is known, with every kind of local features.

    Nothing is searched: this is about the features alone. Matches are mutual nearest neighbours.

    \b
    Figures
      MMA         matches that lie within 3 pixels of where they should (mean over pairs)
      homography  pairs whose estimated homography moves corners by at most 3 pixels
      AUC         area under the errors of corners, up to 5 pixels
      recall      of known correspondences, within 3 pixels of their epipolar lines (WxBS)

    \b
    Examples:
      steeple evaluate matching hpatches-sequences-release/
      steeple evaluate matching photos/ --photos 20 --only rootsift --only delf-quantized
    """
    from steeple.lab.matching import evaluate_matching, open_pairs
    from steeple.lab.parts import Parts

    output = Output(as_json=json)
    kinds = Parts.shipped().extractors
    for name in only or ():
        if name not in kinds:
            raise InvalidArgumentError(
                f"--only: there is no kind {name!r} of local features; there are {', '.join(kinds)}"
            )
    pairs = open_pairs(folder, photos=photos)
    found: list[dict[str, Any]] = []
    with staged(output) as progress:
        for name in only or kinds:
            result = evaluate_matching(kinds[name].make(), pairs, _told(progress, name, len(pairs)))
            groups = {group: asdict(figures) for group, figures in result.by_group.items()}
            found.append(
                {"kind": name, "title": kinds[name].title, "overall": asdict(result.overall), "by_group": groups}
            )
    output.document(without_nan({"pairs": len(pairs), "kinds": found}, 6))
    output.say(f"{folder}: {len(pairs):,} pairs")
    output.table(
        (
            Column("kind"),
            Column("features", "right"),
            Column("matches", "right"),
            Column("MMA@3", "right"),
            Column("homography@3", "right"),
            Column("AUC@5", "right"),
            Column("recall@3", "right"),
        ),
        [(each["kind"], *_row(each["overall"])) for each in found],
    )


def _told(progress: Any, name: str, total: int) -> Any:  # noqa: ANN401 - of `staged`, and what the lab calls
    return lambda done: progress(name, done, total)


def _row(figures: Mapping[str, Any]) -> tuple[str, ...]:
    shares = (
        figures["mean_matching_accuracy"].get(3),
        figures["homography_accuracy"].get(3),
        figures["homography_auc"].get(5),
        figures["correspondence_recall"].get(3),
    )
    counts = (f"{figures['features']:,.0f}", f"{figures['matches']:,.0f}")
    return (*counts, *("n/a" if share is None else f"{share:.3f}" for share in shares))
