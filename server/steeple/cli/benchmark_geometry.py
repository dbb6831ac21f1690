"""``steeple benchmark geometry``: how precisely outlines lie on what they surround."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output
from steeple.cli.photo_files import find_photos
from steeple.cli.stages import staged
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.server.geometry import Agreement, Outlined

_PIXELS: Final = {"outline": "outline's corners, px", "photo": "photo's corners, px"}


def geometry(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Photos anywhere below it; with manifest.csv, pairs of them as well."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Release to measure.")
    ] = DEFAULT_MODEL,
    photos: Annotated[
        int, typer.Option("--photos", metavar="N", min=1, help="Photos at most, evenly chosen by path.")
    ] = 100,
    real_pairs: Annotated[
        int, typer.Option("--real-pairs", metavar="N", min=0, help="Pairs of the manifest tried, at most.")
    ] = 300,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", metavar="FILE.csv", help="Pairs of photos with known homographies.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure how far outlines are off: by what index, recogniser and verification make of known geometry.

    All errors are in pixels of a query that fits 640x480, means over the corners. "Outline's corners" are those of
    the answer's outline, "photo's corners" those of the part of the reference photo that the query shows.

    \b
    known views   each photo below DIR in a view of itself through a random homography: scale 0.6 to 1.5, rotation up
                  to 15 degrees, tilt up to 30 degrees, shift up to a tenth
    known pairs   with --pairs: columns query, reference, h11, h12 ... h33; paths relative to the file, and the matrix
                  that maps pixels of the reference photo to those of the query, row by row
    real pairs    if DIR has the manifest.csv of `steeple evaluate`: photos of one landmark, where RootSIFT and MAGSAC
                  (3 px) find a homography with 60 inliers or more over a fifth of the query; how far the outline's
                  model is from it at the corners of the inliers' hull

    \b
    Examples:
      steeple benchmark geometry photos/
      steeple benchmark geometry photos/ --model releases/delf-mine --photos 30 --json
      steeple benchmark geometry --pairs pairs.csv
    """
    from steeple.delf import ModelRelease
    from steeple.delf.photo_files import evenly
    from steeple.server.evaluation import Dataset
    from steeple.server.evaluation.dataset import MANIFEST
    from steeple.server.geometry import Finder, measure_agreement, measure_pairs, measure_views, pairs_of, read_pairs

    if folder is None and pairs is None:
        raise InvalidArgumentError("give a folder of photos, or pairs of photos with --pairs FILE.csv")
    output = Output(as_json=json)
    release = ModelRelease.load(model)
    known_pairs = read_pairs(pairs) if pairs else []
    paths = evenly(find_photos([folder]), photos) if folder else []
    dataset = Dataset.open(folder) if folder and (folder / MANIFEST).is_file() else None
    tried = pairs_of(dataset, real_pairs) if dataset and real_pairs else []
    finder = Finder(release)
    with staged(output) as progress:
        facts: dict[str, Any] = {
            "model": release.name,
            "tflite_sha256": release.tflite_sha256,
            "known_views": _known(measure_views(paths, finder, progress)) if paths else None,
            "known_pairs": _known(measure_pairs(known_pairs, finder, progress)) if known_pairs else None,
            "real_pairs": _real(len(tried), measure_agreement(tried, finder, progress)) if tried else None,
        }
    output.document(facts)
    _print(output, facts)


def _known(results: Sequence[Outlined]) -> dict[str, Any]:
    verified = [result for result in results if result.verified]
    return {
        "count": len(results),
        "verified": round(len(verified) / len(results), 4),
        "identified": round(sum(result.identified for result in results) / len(results), 4),
        "inliers": _quantile([result.inliers for result in verified], 0.5),
        "outline_error": _spread(result.outline_error for result in verified),
        "photo_error": _spread(result.photo_error for result in verified),
    }


def _real(tried: int, results: Sequence[Agreement]) -> dict[str, Any]:
    return {
        "tried": tried,
        "count": len(results),
        "verified": round(sum(result.verified for result in results) / len(results), 4) if results else None,
        "rootsift_inliers": _quantile([result.inliers for result in results], 0.5),
        "error": _spread(result.error for result in results),
    }


def _spread(errors: Iterable[float]) -> dict[str, float | int | None]:
    """Median and 90th percentile, and of how many outlines: of some the model cannot be told."""
    told = [error for error in errors if error == error]  # noqa: PLR0124 - NaN is not itself
    return {"median": _quantile(told, 0.5), "p90": _quantile(told, 0.9), "of": len(told)}


def _quantile(values: Sequence[float], share: float) -> float | None:
    import numpy as np

    return round(float(np.quantile(values, share)), 3) if values else None


def _print(output: Output, facts: Mapping[str, Any]) -> None:
    columns = [Column(facts["model"]), Column("median", "right"), Column("90 %", "right"), Column("of", "right")]
    for name, what in (("known_views", "known views"), ("known_pairs", "known pairs")):
        known = facts[name]
        if known is None:
            continue
        rows = [_row(title, known[f"{corner}_error"]) for corner, title in _PIXELS.items()]
        output.table(columns, rows, title=f"{known['count']} {what}")
        output.say(
            f"verified {known['verified']:.3f}, identified {known['identified']:.3f}, "
            f"{_text(known['inliers'], 0)} inliers (median)"
        )
        output.say("")
    real = facts["real_pairs"]
    if real is None:
        return
    if not real["count"]:
        output.say(f"real pairs: none of {real['tried']} tried has a homography beyond doubt (RootSIFT+MAGSAC)")
        return
    output.table(columns, [_row("corners of the hull, px", real["error"])], title="real pairs")
    output.say(
        f"agreement with RootSIFT+MAGSAC on {real['count']} real pairs of {real['tried']} tried; "
        f"verified {_text(real['verified'], 3)}, {_text(real['rootsift_inliers'], 0)} RootSIFT inliers (median)"
    )


def _row(title: str, spread: Mapping[str, float | int | None]) -> tuple[str, str, str, str]:
    return title, _text(spread["median"], 2), _text(spread["p90"], 2), str(spread["of"])


def _text(number: float | None, digits: int) -> str:
    return "n/a" if number is None else f"{number:.{digits}f}"
