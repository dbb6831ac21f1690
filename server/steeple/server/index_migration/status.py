"""Which indexes there are of a catalogue, and how far each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steeple.delf.release import ModelRelease
from steeple.errors import SnapshotError, SteepleError
from steeple.server.catalogue import Catalogue
from steeple.server.index import FaissIndex
from steeple.server.index.snapshot import SnapshotFolder
from steeple.server.index_migration.migrating import EngineName
from steeple.server.shared_index import SharedEngine, reading
from steeple.server.shared_index.states import SharedStates


@dataclass(frozen=True)
class IndexStatus:
    """An index of a model release.

    Attributes:
        model: Name of the release.
        engine: What keeps it.
        serves: Whether the settings have it serve.
        kind: Of the index; empty: there is none.
        generation: Of Milvus's collection; 0: none serves, or it is FAISS's.
        sequence: Of the last change of the catalogue that it has; of FAISS's, when it was saved last.
        catalogue_sequence: Of the catalogue's last change.
        images: In it.
        descriptors: Of these.
        catalogue_images: That it should have.
        catalogue_descriptors: Of these.
        images_done: Of a new one that is being made.
        problem: Why there is no more to tell; empty if there is.
    """

    model: str
    engine: EngineName
    serves: bool
    kind: str
    generation: int
    sequence: int
    catalogue_sequence: int
    images: int
    descriptors: int
    catalogue_images: int
    catalogue_descriptors: int
    images_done: int
    problem: str


def statuses(
    catalogue: Catalogue, releases: Sequence[ModelRelease], folder: Path, engine: SharedEngine | None
) -> list[IndexStatus]:
    """Of each release, the indexes of the engines.

    Args:
        catalogue: Of which they are.
        releases: That are served.
        folder: Of FAISS's indexes.
        engine: Milvus; None: FAISS serves, and there is none.
    """
    return [
        status
        for release in releases
        for status in (
            _faiss(catalogue, release, folder, serves=engine is None),
            *(() if engine is None else (_milvus(catalogue, release, engine),)),
        )
    ]


def _faiss(catalogue: Catalogue, release: ModelRelease, folder: Path, *, serves: bool) -> IndexStatus:
    kind, sequence, images, descriptors, problem = "", 0, 0, 0, ""
    if SnapshotFolder(folder / release.name).exists:
        try:
            index, sequence = FaissIndex.restore(folder / release.name, release)
        except SnapshotError as error:
            problem = error.message
        else:
            stats = index.stats()
            kind, images, descriptors = stats.kind.partition(" on ")[0], int(stats.images), int(stats.descriptors)
    else:
        problem = "none is saved"
    totals = reading.totals(catalogue, release.name)
    return IndexStatus(
        release.name,
        EngineName.FAISS,
        serves,
        kind,
        0,
        sequence,
        totals.sequence,
        images,
        descriptors,
        totals.images,
        totals.descriptors,
        0,
        problem,
    )


def _milvus(catalogue: Catalogue, release: ModelRelease, engine: SharedEngine) -> IndexStatus:
    state, totals = SharedStates(catalogue.database, release.name).read(), reading.totals(catalogue, release.name)
    kind, images, descriptors, problem = "", 0, 0, ""
    try:
        generations = engine.generations(release)
        serving = generations.serving()
        if not state.generation or serving != state.generation:
            problem = "none serves" if not serving else "what serves is being replaced"
        else:
            generations.await_clock(state.clock)
            stats = generations.index.stats()
            kind, images, descriptors = stats.kind.partition(" on ")[0], stats.images, stats.descriptors
    except SteepleError as error:
        problem = error.message
    return IndexStatus(
        release.name,
        EngineName.MILVUS,
        True,
        kind,
        state.generation,
        state.sequence,
        totals.sequence,
        images,
        descriptors,
        totals.images,
        totals.descriptors,
        state.building_images,
        problem,
    )
