"""``steeple benchmark discovery``: how well a heap of photos is sorted."""

from __future__ import annotations

import platform
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output, without_nan
from steeple.cli.stages import staged

if TYPE_CHECKING:
    from steeple.server.discovery.trial import TrialResult


def discovery(
    photos: Annotated[Path, typer.Argument(metavar="FOLDER", help="Photos with known answers, as for evaluate.")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Model release.")] = DEFAULT_MODEL,
    radius: Annotated[
        float, typer.Option("--radius", metavar="METERS", help="Photos so near each other are of one place.")
    ] = 200.0,
    reach: Annotated[
        float, typer.Option("--reach", metavar="METERS", help="Photos farther apart are not compared.")
    ] = 5000.0,
    min_views: Annotated[int, typer.Option("--min-views", metavar="N", min=1, help="Views of a proposal.")] = 2,
    threads: Annotated[int, typer.Option("--threads", metavar="N", min=1, help="Photos extracted at a time.")] = 1,
    json: JsonOption = False,
) -> None:
    """Sort photos of known landmarks as `steeple discover` does, and compare.

    Photos of no landmark lie among them. Where photos were taken is left out, then simulated, with one landmark a
    place and with four; if photos say it, that is tried as well.

    \b
    Examples:
      steeple benchmark discovery photos/
      steeple benchmark discovery photos/ --threads 4 --json | jq '.scenarios[].figures.f1'
    """
    from steeple.delf import ModelRelease
    from steeple.server.discovery import DiscoveryOptions
    from steeple.server.discovery.trial import sort_heap
    from steeple.server.evaluation import Dataset

    output = Output(as_json=json)
    options = DiscoveryOptions(radius_meters=radius, reach_meters=reach, min_views=min_views)
    dataset, release = Dataset.open(photos), ModelRelease.load(model)
    with staged(output) as progress:
        result = sort_heap(dataset, release, options, progress, extractors=threads)
    _print(output, result, release.name)


def _print(output: Output, result: TrialResult, model: str) -> None:
    output.document({"model": model, "python": platform.python_version(), **without_nan(asdict(result))})
    output.table(
        (
            Column("places"),
            Column("proposals", "right"),
            Column("precision", "right"),
            Column("recall", "right"),
            Column("F1", "right"),
            Column("purity", "right"),
            Column("covered", "right"),
            Column("strangers grouped", "right"),
        ),
        [
            (
                each.places,
                str(each.figures.groups),
                f"{each.figures.precision:.3f}",
                f"{each.figures.recall:.3f}",
                f"{each.figures.f1:.3f}",
                f"{each.figures.purity:.3f}",
                f"{each.figures.covered:.3f}",
                f"{each.figures.strangers_grouped:.3f}",
            )
            for each in result.scenarios
        ],
        title=f"{result.photos} photos of {result.landmarks} landmarks and {result.strangers} strangers ({model})",
    )
    milliseconds = [f"{1000 * seconds:.0f} ms" for seconds in (result.extract_seconds, result.match_seconds)]
    output.say(f"a photo: {milliseconds[0]} for its features, {milliseconds[1]} to match it", "dim")
