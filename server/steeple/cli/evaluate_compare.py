"""``steeple evaluate compare``: whether one system is better than another."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.evaluate_lab import FIGURES
from steeple.cli.options import JsonOption
from steeple.cli.output import Column, Output, without_nan
from steeple.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from steeple.lab.answers import SystemAnswers

_RESAMPLES: Final = 10_000


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A system: RUN:NAME, or NAME with --run.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The one that it is compared with.")],
    run: Annotated[Path | None, typer.Option("--run", metavar="RUN", help="Folder of the run that has both.")] = None,
    resamples: Annotated[int, typer.Option("--resamples", metavar="N", min=100, help="Of the bootstrap.")] = _RESAMPLES,
    json: JsonOption = False,
) -> None:
    """Say whether system A is better than system B, or only looks so.

    Both are measured on the same queries, drawn anew thousands of times (paired bootstrap): the interval is that of
    the difference, A less B. Better or worse is said where it leaves 0 out. "No difference shown" does not mean that
    there is none: few queries show little. Nothing is corrected for comparing several figures, or several systems.

    \b
    Examples:
      steeple evaluate compare rootsift gem --run lab-runs/photos
      steeple evaluate compare monday:steeple tuesday:steeple --json
    """
    from steeple.lab.compare import compare as compared

    output = Output(as_json=json)
    comparison = compared(_load(first, run), _load(second, run), resamples=resamples)
    output.document(without_nan({"first": first, "second": second, "resamples": resamples, **asdict(comparison)}, 6))
    output.say(f"{first} against {second}: {comparison.queries:,} queries, {comparison.distractors:,} distractors")
    if not comparison.same_photos:
        output.note("same queries, but other galleries, training photos or sizes of photos")
    output.table(
        (
            Column("figure"),
            Column("A", "right"),
            Column("B", "right"),
            Column("A - B", "right"),
            Column("95 % interval", "right"),
            Column("p", "right"),
            Column("A is"),
        ),
        [
            (
                FIGURES.get(each.figure, each.figure),
                f"{each.first:.3f}",
                f"{each.second:.3f}",
                f"{each.difference:+.3f}",
                f"{each.interval[0]:+.3f} to {each.interval[1]:+.3f}",
                f"{each.p:.4f}",
                each.verdict.value,
            )
            for each in comparison.differences
        ],
    )


def _load(name: str, run: Path | None) -> SystemAnswers:
    from steeple.lab.answers import load_answers
    from steeple.lab.runner import answers_path

    folder, found, system = name.rpartition(":")
    within = Path(folder) if found else run
    if within is None:
        raise InvalidArgumentError(f"{name!r} does not say of which run: write RUN:NAME, or give --run")
    path = answers_path(within, system)
    if not path.is_file():
        there = sorted(each.stem for each in path.parent.glob("*.parquet"))
        raise NotFoundError(
            f"{within} has no answers of a system {system!r}; it has {', '.join(there) or 'none of any'}"
        )
    return load_answers(path)
