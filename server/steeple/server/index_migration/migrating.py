"""Makes the index of another engine beside the one that serves, and compares the two."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from steeple.delf.photo_files import evenly
from steeple.delf.release import ModelRelease
from steeple.errors import UnavailableError
from steeple.server.catalogue import Catalogue
from steeple.server.index import IndexStats
from steeple.server.index.snapshot import SnapshotFolder
from steeple.server.index_factory import IndexFactory
from steeple.server.index_keeper import IndexKeeper, IndexOptions
from steeple.server.index_migration.comparing import Agreement, compare
from steeple.server.index_rebuild import Rebuild
from steeple.server.keeper import Stop
from steeple.server.shared_index import SharedEngine, SharedIndexKeeper, SharedKeepers, reading

log = logging.getLogger(__name__)

_TRIES: Final = 20  # until the catalogue stays the same for as long as it takes to look at an index

Told = Callable[[str, int, int], None]


class EngineName(StrEnum):
    """What keeps an index."""

    FAISS = "faiss"
    MILVUS = "milvus"


@dataclass(frozen=True)
class Counts:
    """Images and their descriptors."""

    images: int
    descriptors: int


@dataclass(frozen=True)
class Moved:
    """The index of a model release, in both engines.

    Attributes:
        model: Name of the release.
        catalogue: What searches are to find.
        faiss: What FAISS's index has.
        milvus: What Milvus's has.
        agreement: Whether they answer alike.
        least: Share of queries whose nearest must be of the same image.
    """

    model: str
    catalogue: Counts
    faiss: Counts
    milvus: Counts
    agreement: Agreement
    least: float

    @property
    def objection(self) -> str:
        """Why the new index must not be relied on; empty if it may."""
        if not self.catalogue == self.faiss == self.milvus:
            return (
                f"the catalogue has {_told(self.catalogue)} by {self.model}, FAISS {_told(self.faiss)} and Milvus "
                f"{_told(self.milvus)}: make the new index anew with --anew"
            )
        if self.agreement.same_image < self.least:
            return (
                f"for {self.model}, the nearest is of the same image for {self.agreement.same_image:.1%} of the "
                f"queries alone, where {self.least:.1%} is asked for (--agreement)"
            )
        return ""


class Migration:
    """Makes indexes of one engine for a catalogue that another one serves. What is done of it is kept.

    Args:
        catalogue: The truth; others may use it meanwhile.
        folder: Of FAISS's indexes; nobody else may use it.
        engine: Milvus.
        factory: Of FAISS's index, as the settings say; None: one that suits the size of the catalogue.
        stopping: Interrupts it.
        told: Of the step, images done and their number.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        folder: Path,
        engine: SharedEngine,
        *,
        factory: IndexFactory | None = None,
        stopping: Stop,
        told: Told = lambda step, done, total: None,
    ) -> None:
        self._catalogue = catalogue
        self._folder = folder
        self._factory = factory
        self._stopping = stopping
        self._told = told
        self._keepers = SharedKeepers(catalogue, engine)

    def move(
        self, release: ModelRelease, to: EngineName, *, anew: bool = False, images: int = 500, least: float = 0.95
    ) -> Moved:
        """Has both engines' indexes of a release, and compares them.

        Args:
            release: Whose.
            to: Which engine is new to the catalogue.
            anew: Whether its index is made anew, also where it has one.
            images: Whose descriptors are searched for, at most, evenly chosen.
            least: See :class:`Moved`.

        Raises:
            CancelledError: If it was interrupted; what is done is kept.
            SteepleError: If the catalogue or Milvus cannot be reached.
            OSError: If FAISS's index cannot be written.
        """
        local = self._faiss(release, anew=anew and to is EngineName.FAISS)
        with closing(local):
            shared = self._milvus(release, anew=anew and to is EngineName.MILVUS)
            counted = self._counted(release, local, shared)
            keys = evenly(reading.image_keys(self._catalogue, release.name), images)
            agreement = compare(
                local.index,
                shared.index,
                self._catalogue,
                release.name,
                keys,
                neighbours=release.index.neighbours,
                told=lambda done, total: self._told(f"comparing answers of {release.name}", done, total),
            )
        return Moved(release.name, *counted, agreement, least)

    def _faiss(self, release: ModelRelease, *, anew: bool) -> IndexKeeper:
        target = SnapshotFolder(self._folder / release.name)
        if anew or not target.exists:
            rebuild = Rebuild(release, self._catalogue, self._folder / f"{release.name}.rebuild", self._factory)
            fresh, sequence = rebuild.run(
                rebuild.first(),
                _Images(self._catalogue, release.name),
                self._stopping.is_set,
                lambda done, total: self._told(f"FAISS's index of {release.name}", done, total),
            )
            fresh.snapshot(target.path, sequence)
            rebuild.clear()
        return IndexKeeper(
            release,
            self._catalogue,
            self._folder,
            options=IndexOptions(factory=self._factory),
            stopping=self._stopping,
        )

    def _milvus(self, release: ModelRelease, *, anew: bool) -> SharedIndexKeeper:
        def told(done: int, total: int) -> None:
            self._told(f"Milvus's index of {release.name}", done, total)

        keeper = self._keepers.open(release, self._stopping, told=told)
        if anew and not keeper.rebuild(self._stopping.is_set):
            raise UnavailableError("a server is making an index in Milvus; try again once it serves")
        return keeper

    def _counted(
        self, release: ModelRelease, local: IndexKeeper, shared: SharedIndexKeeper
    ) -> tuple[Counts, Counts, Counts]:
        """What the catalogue has, and each of the two indexes when it is as far."""
        for _ in range(_TRIES):
            totals, _, found = shared.compared()
            local.catch_up()
            if local.sequence == totals.sequence:
                break
        stats = local.index.stats()
        # FAISS's are numpy's integers.
        return (
            Counts(totals.images, totals.descriptors),
            Counts(int(stats.images), int(stats.descriptors)),
            Counts(*found),
        )


class _Images:
    """Those of the catalogue, as what an index is made of."""

    def __init__(self, catalogue: Catalogue, model: str) -> None:
        self._catalogue = catalogue
        self._model = model

    def stats(self) -> IndexStats:
        totals = reading.totals(self._catalogue, self._model)
        return IndexStats("none", totals.images, totals.descriptors, 0.0)

    def keys(self) -> Sequence[int]:
        return reading.image_keys(self._catalogue, self._model)


def _told(counts: Counts) -> str:
    return f"{counts.images} images with {counts.descriptors} descriptors"
