"""``steeple benchmark catalogue``: lists, filters, orders and searches of a large catalogue."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Cell, Column, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steeple.cli.catalogue_calls import MeasuredCall

_FAILED: Final = 1


def catalogue(
    landmarks: Annotated[int, typer.Option("--landmarks", metavar="N", min=1, help="In the catalogue.")] = 100_000,
    images: Annotated[int, typer.Option("--images", metavar="N", min=0, help="Reference images.")] = 1_000_000,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Of each call; the median counts.")] = 5,
    limit_ms: Annotated[float, typer.Option("--limit-ms", metavar="MS", min=1, help="That no call may take.")] = 100.0,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Data folder to keep and to use again.")
    ] = None,
    only_fill: Annotated[bool, typer.Option("--only-fill", help="Make the data folder, and measure nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a catalogue of synthetic rows, and time what a person who looks through it waits for.

    The landmarks have names, aliases, labels, metadata and places; the reference images have neither photos nor
    features, so nothing is searched in photos. A server of its own is asked over a connection, and times are from
    request to response. Exits with 1 if the median of a call is more than the limit; changes are timed beside, and
    have none.

    \b
    Examples:
      steeple benchmark catalogue
      steeple benchmark catalogue --folder /var/tmp/large --json | jq '.calls[] | select(.median_ms > 50)'
      steeple benchmark catalogue --folder /var/tmp/large --only-fill
      steeple serve --data-dir /var/tmp/large
    """
    from steeple.server.scale.catalogue_rows import CatalogueSize, fill_rows

    output = Output(as_json=json)
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steeple-benchmark-")))
        began = time.monotonic()
        with output.steps() as progress:
            made = fill_rows(folder, CatalogueSize(landmarks, images), progress)
        seconds = time.monotonic() - began if made else None
        calls = [] if only_fill else _measured(folder, runs, output)
    passed = all(call.median_ms <= limit_ms for call in calls if call.bound)
    output.document(
        {
            "landmarks": landmarks,
            "images": images,
            "fill_seconds": seconds,
            "runs": runs,
            "limit_ms": limit_ms,
            "passed": passed,
            "calls": [asdict(call) for call in calls],
        }
    )
    if seconds is not None:
        output.say(f"{landmarks:,} landmarks and {images:,} reference images written in {seconds:.0f} s")
    if calls:
        _print(output, calls, limit_ms)
    if not passed:
        raise typer.Exit(_FAILED)


def _measured(folder: Path, runs: int, output: Output) -> list[MeasuredCall]:
    from steeple.cli.catalogue_calls import CatalogueCalls
    from steeple.cli.local_server import local_server
    from steeple.client import Client

    calls: list[MeasuredCall] = []
    with local_server(folder, folder / "benchmark-server.log") as address, Client(address) as client:
        client.wait_until_ready()
        asking = CatalogueCalls(address, runs)
        try:
            for source in (asking.reads(), asking.writes(client)):
                for call in source:
                    calls.append(call)
                    output.note(f"{call.kind}: {call.asked}: {call.median_ms:.1f} ms")
        finally:
            asking.close()
    return calls


def _print(output: Output, calls: Sequence[MeasuredCall], limit_ms: float) -> None:
    output.table(
        (
            Column("call"),
            Column("asked"),
            Column("of", "right"),
            Column("median ms", "right"),
            Column("slowest ms", "right"),
        ),
        [
            (
                call.kind,
                call.asked,
                "" if call.total is None else f"{call.total:,}",
                Cell(f"{call.median_ms:.1f}", "red" if call.bound and call.median_ms > limit_ms else ""),
                f"{call.slowest_ms:.1f}",
            )
            for call in calls
        ],
    )
    bound = [call for call in calls if call.bound]
    over = sum(call.median_ms > limit_ms for call in bound)
    slowest = max(bound, key=lambda call: call.median_ms)
    output.say(
        f"{over} of {len(bound)} calls take more than {limit_ms:g} ms; the slowest takes {slowest.median_ms:.1f} ms "
        f"({slowest.kind}: {slowest.asked})"
    )
