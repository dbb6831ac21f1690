"""``steeple benchmark index``: recall, time and memory of the index in a catalogue of any size."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption, PlotOption
from steeple.cli.output import Output
from steeple.cli.stages import staged, steps_of
from steeple.cli.writable import CHARTS, check_writable, write_text
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.cli.benchmark_index_report import Measured
    from steeple.server.index import FaissIndex
    from steeple.server.scale import Built

DISTANCES: Final = (0.35, 0.58)
"""That copies are moved by."""


def index(
    descriptors: Annotated[
        int, typer.Option("--descriptors", metavar="N", min=1000, help="Size of the catalogue.")
    ] = 1_000_000,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME|DIR",
            autocompletion=completion.releases,
            help="Release whose codebook descriptors are drawn from.",
        ),
    ] = DEFAULT_MODEL,
    lists: Annotated[
        int | None,
        typer.Option("--lists", metavar="L", min=1, help="Inverted lists. Default: what a server would come to have."),
    ] = None,
    code_size: Annotated[
        int | None, typer.Option("--code-size", metavar="BYTES", min=1, help="Of a code; a divisor of 40.")
    ] = None,
    probes: Annotated[
        str, typer.Option("--probes", metavar="A,B,...", help="Inverted lists visited, one operating point each.")
    ] = "1,4,8,16,32,64",
    copies: Annotated[
        int, typer.Option("--copies", metavar="N", min=1, help="Queries that recall is measured on.")
    ] = 2000,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Queries timed at each point.")] = 11,
    compare: Annotated[
        list[str] | None,
        typer.Option("--compare", metavar="FACTORY", help="Another index of FAISS's, on the same data; repeatable."),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Time whole queries too, verification included.")] = False,
    through_server: Annotated[
        bool, typer.Option("--through-server", help="Time whole queries through a server of its own, too.")
    ] = False,
    queries: Annotated[int, typer.Option("--queries", metavar="N", min=1, help="Whole queries of each kind.")] = 50,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Keep the index here, and use it if it is there already."),
    ] = None,
    as_codes: Annotated[
        bool, typer.Option("--codes", help="Draw codes instead of descriptors: for more than some ten millions.")
    ] = False,
    mapped_limit: Annotated[
        float | None,
        typer.Option("--mapped-limit", metavar="GB", min=0.0, help="Of the index's file in the process's memory."),
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Measure the index at a given size: recall against time, memory, and FAISS's own call beside it.

    The catalogue is synthetic: images of 1000 descriptors each, drawn from the release's codebook, thus from the
    distribution of the descriptors that it was trained on. Queries are copies of some of them, moved by 0.35, and by
    0.58, as far as features of one spot are apart in two photos at the median.

    \b
    recall    copies whose original is the first neighbour found
    ms        a query of 500 descriptors, 20 neighbours each; median
    FAISS     the same search by FAISS alone, over the same file, by turns with it

    \b
    --compare         indexes of other factory strings, in memory, trained and filled with the same descriptors
    --verify          500 features are searched for, 20 images verified, finalists re-matched. Half of the queries show
                      an image: 150 features are copies of its descriptors, moved by 0.58, where a similarity puts
                      them. All else are copies of 20 images' descriptors at random places.
    --through-server  the same queries to a server in a process of its own, with the catalogue in its database;
                      "search" and "verify" as it reports them. With --folder, its data folder stays there too.

    \b
    Examples:
      steeple benchmark index --plot recall.svg
      steeple benchmark index --descriptors 10000000 --folder index-10m --through-server --json
      steeple benchmark index --compare IVF1024,PQ20x4fsr --compare OPQ10,IVF1024,PQ10
      steeple benchmark index --descriptors 1000000000 --codes --code-size 10 --mapped-limit 6 --verify
    """
    from threadpoolctl import threadpool_limits

    from steeple.cli.benchmark_index_report import Report, chart, show
    from steeple.cli.synthetic_server import synthetic_server
    from steeple.delf import ModelRelease
    from steeple.server.scale import (
        IMAGE_DESCRIPTORS,
        Size,
        SyntheticPhotos,
        check_factory,
        fill,
        fill_with_codes,
        measure_factory,
        measure_points,
        measure_queries,
        open_beside_faiss,
        within_process,
    )
    from steeple.server.scale.processes import resident_bytes

    output = Output(as_json=json)
    points_at = _numbers(probes)
    if plot is not None:
        check_writable(plot, "--plot", CHARTS)
    if as_codes and (compare or through_server):
        raise InvalidArgumentError("--compare and --through-server need descriptors: leave --codes out")
    for factory in compare or ():
        check_factory(factory)
    release = ModelRelease.load(model)
    images = descriptors // IMAGE_DESCRIPTORS
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steeple-benchmark-")))
        progress = stack.enter_context(staged(output))
        built = (fill_with_codes if as_codes else fill)(release, folder, Size(images, lists, code_size), progress)
        photos = SyntheticPhotos(release.name, built.image, images) if verify or through_server else None
        moved = {distance: built.copies(copies, distance) for distance in DISTANCES}
        before = resident_bytes()
        opened, raw = open_beside_faiss(folder, release)
        opened.mapped_limit = None if mapped_limit is None else int(1e9 * mapped_limit)
        searching = steps_of(progress, "searching", len(points_at) * (len(DISTANCES) + runs + 1))
        points = measure_points(opened, raw, moved, points_at, release.index.neighbours, runs, searching)
        measured = _measured(opened, folder, built, resident_bytes() - before)
        compared = [
            measure_factory(factory, release, images, moved, points_at, runs, progress) for factory in compare or ()
        ]
        opened.probes = release.index.probes
        within, served = [], []
        if photos is not None and verify:
            asking = steps_of(progress, "asking", 4 * queries)
            ask = within_process(release, opened, photos)
            with threadpool_limits(limits=1, user_api="blas"):  # as a server has it
                within = measure_queries(ask, raw, release, photos, queries, asking)
        if photos is not None and through_server:
            with synthetic_server(folder, release, photos, images, progress) as ask:
                asking = steps_of(progress, "asking the server", 4 * queries)
                served = measure_queries(ask, raw, release, photos, queries, asking)
    report = Report(release.name, release.index.probes, measured, points, compared, within, served)
    output.document(report.document())
    show(output, report)
    if plot is not None:
        write_text(plot, chart(report))
        output.note(f"drawn: {plot}")


def _measured(opened: FaissIndex, folder: Path, built: Built, resident: int) -> Measured:
    from steeple.cli.benchmark_index_report import Measured

    stats = opened.stats()
    return Measured(
        index=stats.kind,
        descriptors=stats.descriptors,
        train_seconds=built.train_seconds,
        add_seconds=built.add_seconds,
        save_seconds=built.save_seconds,
        file_bytes_per_descriptor=sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
        / stats.descriptors,
        resident_bytes_per_descriptor=resident / stats.descriptors,
    )


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise InvalidArgumentError(f"--probes takes numbers of lists, such as 1,4,16, not {text!r}")
    return numbers
