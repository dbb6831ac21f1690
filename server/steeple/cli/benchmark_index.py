"""``steeple benchmark index``: recall, time and memory of the index in a catalogue of any size."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.delf import ModelRelease
    from steeple.server.index import FaissIndex
    from steeple.server.index.codebook import Codebook
    from steeple.server.scale import OperatingPoint, SyntheticCatalogue, SyntheticLists

_DISTANCES: Final = (0.35, 0.58)
_TRAINING_IMAGES: Final = 1 << 14


@dataclass(frozen=True)
class Built:
    """What filling the index took.

    Attributes:
        index: As :class:`~steeple.server.index.IndexStats` calls it.
        descriptors: In it.
        train_seconds: Of the codebook; 0 if it is the release's.
        add_seconds: Until the last image was searchable.
        save_seconds: Until the file was on the disk.
        file_bytes_per_descriptor: Of all files of the snapshot.
        resident_bytes_per_descriptor: How much more memory the process has resident after all searches than before
            the index was opened from its snapshot.
    """

    index: str
    descriptors: int
    train_seconds: float
    add_seconds: float
    save_seconds: float
    file_bytes_per_descriptor: float
    resident_bytes_per_descriptor: float


def index(
    descriptors: Annotated[
        int, typer.Option("--descriptors", metavar="N", min=1000, help="Size of the catalogue.")
    ] = 1_000_000,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME|DIR", help="Release whose codebook descriptors are drawn from.")
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
    json: JsonOption = False,
) -> None:
    """Measure the index at a given size: recall against time, memory, and FAISS's own call beside it.

    The catalogue is synthetic: images of 1000 descriptors each, drawn from the release's codebook. Queries are copies
    of some of them, moved by 0.35, and by 0.58, as far as features of one spot are apart in two photos at the median.

    \b
    recall    copies whose original is the first neighbour found
    ms        a query of 500 descriptors, 20 neighbours each; median
    FAISS     the same search by FAISS alone, over the same file, by turns with it

    \b
    Examples:
      steeple benchmark index
      steeple benchmark index --descriptors 10000000 --folder index-10m --json
      steeple benchmark index --descriptors 1000000000 --codes --code-size 10 --mapped-limit 6
    """
    from steeple.delf import ModelRelease
    from steeple.server.scale import IMAGE_DESCRIPTORS, SyntheticCatalogue, measure_points

    output = Output(as_json=json)
    points_at = _numbers(probes)
    release = ModelRelease.load(model)
    catalogue = SyntheticCatalogue(release)
    images = descriptors // IMAGE_DESCRIPTORS
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steeple-benchmark-")))
        drawn: SyntheticLists | None = None
        if as_codes:
            drawn, seconds = _draw(output, release, catalogue, folder, images, lists, code_size)
        else:
            seconds = _fill(output, release, catalogue, folder, images, lists, code_size)
        queries = {
            distance: drawn.copies(copies, distance) if drawn else catalogue.copies(images, copies, distance)
            for distance in _DISTANCES
        }
        before = _resident_bytes()
        opened, raw = _open(folder, release)
        opened.mapped_limit = None if mapped_limit is None else int(1e9 * mapped_limit)
        steps = len(points_at) * (len(_DISTANCES) + runs + 1)
        with output.progress("searching", steps) as done:
            points = measure_points(
                opened, raw, queries, points_at, release.index.neighbours, runs, lambda: done.advance("")
            )
        stats = opened.stats()
        built = Built(
            index=stats.kind,
            descriptors=stats.descriptors,
            file_bytes_per_descriptor=sum(file.stat().st_size for file in folder.iterdir()) / stats.descriptors,
            resident_bytes_per_descriptor=(_resident_bytes() - before) / stats.descriptors,
            **seconds,
        )
    output.document({"model": release.name, **asdict(built), "points": [asdict(point) for point in points]})
    _print(output, built, points)


def _fill(
    output: Output,
    release: ModelRelease,
    catalogue: SyntheticCatalogue,
    folder: Path,
    images: int,
    lists: int | None,
    code_size: int | None,
) -> dict[str, float]:
    """Makes the index in ``folder``, or goes on with one that is not finished."""
    from steeple.server.index import FaissIndex
    from steeple.server.index.snapshot import SnapshotFolder

    began = time.monotonic()
    if SnapshotFolder(folder).exists:
        filled, there = FaissIndex.restore(folder, release)
    else:
        filled, there = FaissIndex(release, codebook=_codebook(output, release, catalogue, images, lists, code_size)), 0
    trained = time.monotonic()
    if there > images:
        raise InvalidArgumentError(f"{folder} holds {there} images, more than {images}; choose another --folder")
    with output.progress("adding", images - there) as done:
        for number in range(there, images):
            filled.add(number, catalogue.image(number))
            if filled.wants_snapshot:
                filled.snapshot(folder, number + 1)
            done.advance("")
    added = time.monotonic()
    if there < images or len(filled.sealed) != 1:
        filled.snapshot(folder, images, whole=True)
    saved = time.monotonic()
    return {
        "train_seconds": round(trained - began, 2),
        "add_seconds": round(added - trained, 2),
        "save_seconds": round(saved - added, 2),
    }


def _codebook(
    output: Output,
    release: ModelRelease,
    catalogue: SyntheticCatalogue,
    images: int,
    lists: int | None,
    code_size: int | None,
) -> Codebook:
    """The release's, or one trained for the size of the catalogue."""
    import numpy as np

    from steeple.server.index import training
    from steeple.server.index.codebook import Codebook
    from steeple.server.index_factory import IndexFactory
    from steeple.server.scale import IMAGE_DESCRIPTORS

    codebook = Codebook.of(release)
    total = images * IMAGE_DESCRIPTORS
    wanted = lists or (codebook.lists if total <= codebook.comfort else training.lists_for(total))
    size = code_size or codebook.code_size
    if (wanted, size) == (codebook.lists, codebook.code_size):
        return codebook
    output.note(f"training a codebook of {wanted:,} lists")
    some = min(_TRAINING_IMAGES, training.SAMPLES_PER_LIST * wanted // IMAGE_DESCRIPTORS + 1)
    # Not of the catalogue: a server trains on what it has, and grows.
    samples = np.concatenate([catalogue.image(images + number) for number in range(some)])
    return training.train(samples, IndexFactory.automatic(wanted, size), probes=release.index.probes)


def _draw(
    output: Output,
    release: ModelRelease,
    catalogue: SyntheticCatalogue,
    folder: Path,
    images: int,
    lists: int | None,
    code_size: int | None,
) -> tuple[SyntheticLists, dict[str, float]]:
    """Makes the index in ``folder`` of codes, or takes the one that is there."""
    from steeple.server.index import FaissIndex
    from steeple.server.index.snapshot import SnapshotFolder
    from steeple.server.scale import SyntheticLists

    began = time.monotonic()
    if SnapshotFolder(folder).exists:
        opened, there = FaissIndex.restore(folder, release)
        if there != images:
            raise InvalidArgumentError(f"{folder} holds {there} images, not {images}; choose another --folder")
        drawn = SyntheticLists(opened.codebook, images)
        return drawn, {"train_seconds": 0.0, "add_seconds": 0.0, "save_seconds": 0.0}
    codebook = _codebook(output, release, catalogue, images, lists, code_size)
    trained = time.monotonic()
    drawn = SyntheticLists(codebook, images)
    with output.progress("writing lists", codebook.lists) as done:
        filled = drawn.index(release, folder, lambda: done.advance(""))
    written = time.monotonic()
    filled.snapshot(folder, images)
    return drawn, {
        "train_seconds": round(trained - began, 2),
        "add_seconds": round(written - trained, 2),
        "save_seconds": round(time.monotonic() - written, 2),
    }


def _open(folder: Path, release: ModelRelease) -> tuple[FaissIndex, Callable[[Any, int, int], object]]:
    """The index, and FAISS's own search over the same file."""
    import faiss

    from steeple.server.index import FaissIndex

    opened, _ = FaissIndex.restore(folder, release)
    alone = opened.sealed[0].faiss_index()
    parameters: Any = faiss.SearchParametersIVF

    def raw(queries: Any, neighbours: int, probes: int) -> object:  # noqa: ANN401 - FAISS is untyped
        within = opened.codebook.graph_parameters(probes)
        return alone.search(queries, neighbours, params=parameters(nprobe=probes, quantizer_params=within))

    return opened, raw


def _resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    return 0


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise InvalidArgumentError(f"--probes takes numbers of lists, such as 1,4,16, not {text!r}")
    return numbers


def _print(output: Output, built: Built, points: list[OperatingPoint]) -> None:
    output.facts(
        [
            ("index", f"{built.index}, {built.descriptors:,} synthetic descriptors"),
            ("built in", f"{built.train_seconds:.1f} s for the codebook, {built.add_seconds:.1f} s to add them"),
            ("bytes a descriptor", f"{built.resident_bytes_per_descriptor:.1f} resident, "
             f"{built.file_bytes_per_descriptor:.1f} in files"),
        ]
    )  # fmt: skip
    output.table(
        (
            Column("probes", "right"),
            *(Column(f"recall at {distance}", "right") for distance in _DISTANCES),
            Column("ms", "right"),
            Column("FAISS ms", "right"),
            Column("ratio", "right"),
        ),
        [
            (
                str(point.probes),
                *(f"{point.recall[distance]:.3f}" for distance in _DISTANCES),
                f"{point.milliseconds:.1f}",
                f"{point.raw_milliseconds:.1f}",
                f"{point.ratio:.2f}",
            )
            for point in points
        ],
    )
