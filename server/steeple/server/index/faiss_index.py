"""The embedded index: FAISS inverted lists of product-quantized residuals (DELF, section 4.4)."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import CancelledError, ReleaseError, SnapshotError
from steeple.server.index import list_file, protocol, segments, training
from steeple.server.index.codebook import Assignment, Codebook
from steeple.server.index.list_file import ListFile
from steeple.server.index.locks import ReadWriteLock
from steeple.server.index.protocol import IndexStats, Neighbours
from steeple.server.index.segments import LiveSegment, SealedSegment, Segment
from steeple.server.index.slots import SlotTable
from steeple.server.index.snapshot import Part, SnapshotFolder

_NUMBER_BYTES: Final = 8
_KIND: Final = "faiss"
_STATM: Final = Path("/proc/self/statm")

_LIVE_LIMIT: Final = 1 << 19  # descriptors in memory before they are worth a file
_LIVE_SHARE: Final = 1 / 32
_GROWTH: Final = 8  # a segment is merged with newer ones once they have an eighth of what it has
_DEAD_SHARE: Final = 0.1

_Bitmap: Any = faiss.IDSelectorBitmap  # FAISS's types do not know that it takes an array


class FaissIndex:
    """A :class:`~steeple.server.index.protocol.DescriptorIndex` on the codebook of a model release.

    The coarse quantizer and the product quantizer come trained with the release, so the first image is searchable at
    once and small catalogues go the same way as large ones.

    New descriptors go to inverted lists in memory. :meth:`snapshot` moves them to a file, which is mapped into memory;
    when newer files have grown, it merges older ones with them, as a log-structured merge tree does, and leaves out
    what was removed meanwhile. Searches, adds and removes go on. So memory holds what is new and what is used, and
    codes lie without gaps.

    Args:
        release: The model release whose descriptors are indexed.
        codebook: Instead of that of the release.

    Raises:
        ReleaseError: If the release's codebook is not one for its descriptors.
    """

    def __init__(self, release: ModelRelease, *, codebook: Codebook | None = None) -> None:
        self._release = release
        self._codebook = codebook or Codebook.of(release)
        self._slots = SlotTable()
        self._older: tuple[Segment, ...] = ()  # do not change, but for being merged
        self._live = LiveSegment(self._codebook)
        self._lock = ReadWriteLock()
        self._sealing = threading.Lock()
        self.mapped_limit: int | None = None
        """Bytes of files that may stay in the process's memory after a search; None: as much as the system lets."""

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        """See :meth:`DescriptorIndex.add`."""
        rows = protocol.checked(descriptors)
        key = protocol.checked_key(image_key)
        while True:  # until no other codebook came in between
            codebook = self._codebook
            assignment = codebook.assign(rows, 1)
            with self._lock.writing():
                if codebook is self._codebook:
                    self._live.add(assignment, self._slots.put(key, len(rows)))
                    return

    def remove(self, image_key: int) -> bool:
        """See :meth:`DescriptorIndex.remove`."""
        with self._lock.writing():
            return self._slots.remove(image_key)

    def __contains__(self, image_key: int) -> bool:
        with self._lock.reading():
            return image_key in self._slots

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        """See :meth:`DescriptorIndex.search`. Distances are those to the quantized descriptors."""
        rows = protocol.checked(queries)
        while True:  # until no other codebook came in between
            codebook = self._codebook
            assignment = codebook.assign(rows, codebook.probes)
            with self._lock.reading():
                if codebook is not self._codebook:
                    continue
                if within is None:
                    found = self._search_all(assignment, neighbours)
                else:
                    found = self._search(assignment, neighbours, self._slots.bitmap(within))
                keys, features = self._slots.images_of(found.numbers)
            self._release_memory()
            return Neighbours(keys, features, np.where(found.numbers < 0, np.float32(np.inf), found.distances))

    def _release_memory(self) -> None:
        if self.mapped_limit is not None and mapped_bytes() > self.mapped_limit:
            for segment in self.sealed:
                segment.release_memory()

    def _search(
        self, assignment: Assignment, neighbours: int, bitmap: NDArray[np.uint8] | None = None
    ) -> segments.Found:
        selector = None if bitmap is None else _Bitmap(bitmap)
        return segments.search((*self._older, self._live), assignment, neighbours, selector)

    def _search_all(self, assignment: Assignment, neighbours: int) -> segments.Found:
        """Looks among the dead as well, and again, without them, only for queries that met some.

        A selector costs time at every code; dead numbers are few, and what is found without meeting any is right.
        """
        found = self._search(assignment, neighbours)
        if not self._slots.dead:
            return found
        alive = self._slots.bitmap()
        met = np.flatnonzero(((found.numbers >= 0) & ~_set(alive, found.numbers)).any(axis=1))
        if len(met):
            again = self._search(assignment.of(met), neighbours, alive)
            found.distances[met], found.numbers[met] = again.distances, again.numbers
        return found

    def stats(self) -> IndexStats:
        """See :meth:`DescriptorIndex.stats`."""
        with self._lock.reading():
            return IndexStats(
                kind=f"{self._codebook.factory} on CPU",
                images=len(self._slots),
                descriptors=self._slots.descriptors,
                bytes_per_descriptor=float(self._codebook.code_size + _NUMBER_BYTES),
            )

    @property
    def crowded(self) -> bool:
        """Whether there are more descriptors than the codebook has lists for, and another one would have more."""
        count = self._slots.descriptors
        return count > self._codebook.comfort and training.lists_for(count) > self._codebook.lists

    @property
    def wants_snapshot(self) -> bool:
        """Whether there is so much in memory, or so much dead, that :meth:`snapshot` would help."""
        with self._lock.reading():
            held = self._held()
            return len(self._live) > max(_LIVE_LIMIT, _LIVE_SHARE * held) or self._slots.dead > max(
                _LIVE_LIMIT, _DEAD_SHARE * held
            )

    @property
    def probes(self) -> int:
        """Inverted lists visited per descriptor. May be set at any time."""
        return self._codebook.probes

    @probes.setter
    def probes(self, probes: int) -> None:
        self._codebook.probes = probes

    @property
    def codebook(self) -> Codebook:
        """What codes are made with."""
        return self._codebook

    @property
    def sealed(self) -> tuple[SealedSegment, ...]:
        """Its files, oldest first."""
        with self._lock.reading():
            return tuple(segment for segment in self._older if isinstance(segment, SealedSegment))

    @property
    def code_size(self) -> int:
        """Bytes of a code."""
        return self._codebook.code_size

    def keys(self) -> tuple[int, ...]:
        """Of its images, rising."""
        with self._lock.reading():
            return self._slots.keys()

    def adopt(self, other: FaissIndex) -> None:
        """Takes everything over from another index, at once: its codebook and its images instead of those here.

        Args:
            other: Not to be used any more.
        """
        with self._sealing, other._lock.writing(), self._lock.writing():
            self._codebook, self._slots = other._codebook, other._slots
            self._older, self._live = other._older, other._live

    def snapshot(
        self, folder: Path, sequence: int, stopped: Callable[[], bool] = lambda: False, *, whole: bool = False
    ) -> None:
        """See :meth:`DescriptorIndex.snapshot`. With ``whole``, all files are merged into one, however large."""
        target = SnapshotFolder(folder)
        with self._sealing:
            with self._lock.writing():
                if len(self._live):
                    self._older, self._live = (*self._older, self._live), LiveSegment(self._codebook)
                frozen, slots, alive = self._older, self._slots.to_bytes(), self._slots.bitmap().copy()
                kept = () if whole else frozen[: self._first_to_merge()]
            merged = frozen[len(kept) :]
            sealed = self._sealed(target, merged, alive, stopped) if merged else ()
            parts = [_part(target, segment) for segment in (*kept, *sealed) if isinstance(segment, SealedSegment)]
            with self._lock.writing():
                self._older = (*kept, *sealed, *self._older[len(frozen) :])
                self._slots.forget(sum(map(len, merged)) - sum(map(len, sealed)))
            codebook, table = target.save("codebook", self._codebook.data), target.save("images", slots)
            facts = {
                "kind": _KIND,
                "model": self._release.name,
                "release_codebook": _release_codebook(self._release),
                "sequence": sequence,
                "codebook": asdict(codebook),
                "images": asdict(table),
                "lists": [asdict(part) for part in parts],
            }
            target.commit(facts, keep=[codebook, table, *parts])

    @staticmethod
    def restore(folder: Path, release: ModelRelease) -> tuple[FaissIndex, int]:
        """An index from its snapshot, and the catalogue sequence number up to which it is current.

        Raises:
            SnapshotError: If a file is missing, truncated, corrupt, or of another codebook or release.
        """
        source = SnapshotFolder(folder)
        # The release's codebook, too: a release made anew under its old name has other descriptors.
        facts = source.facts(kind=_KIND, model=release.name, release_codebook=_release_codebook(release))
        try:
            data = source.load(Part.of(facts["codebook"]))
            codebook = Codebook(data, release.index.probes, f"the codebook in {folder}")
        except ReleaseError as error:
            raise SnapshotError(str(error)) from error
        parts = [Part.of(part) for part in facts["lists"]]
        files = [list_file.read(folder / part.name, part.sha256) for part in parts]
        held = sum(int(file.sizes.sum()) for file in files)
        slots = SlotTable.from_bytes(source.load(Part.of(facts["images"])), held)
        return FaissIndex.assembled(release, codebook, slots, files), int(facts["sequence"])

    @staticmethod
    def assembled(release: ModelRelease, codebook: Codebook, slots: SlotTable, files: Sequence[ListFile]) -> FaissIndex:
        """An index of parts that belong together.

        Args:
            release: Whose descriptors it has.
            codebook: That made the codes.
            slots: The images of the descriptors' numbers.
            files: Codes and numbers.

        Raises:
            SnapshotError: If a file cannot be mapped or is of another codebook.
        """
        index = FaissIndex(release, codebook=codebook)
        index._slots = slots
        index._older = tuple(SealedSegment(codebook, file) for file in files)
        return index

    def _held(self) -> int:
        return sum(map(len, self._older)) + len(self._live)

    def _first_to_merge(self) -> int:
        """Of the older segments, which is the first that newer ones should be merged with; their number: none."""
        if self._slots.dead > _DEAD_SHARE * self._held():
            return 0
        first, total = len(self._older), 0
        for number, segment in reversed(list(enumerate(self._older))):
            if isinstance(segment, SealedSegment) and (not total or len(segment) > _GROWTH * total):
                break
            first, total = number, total + len(segment)
        return first

    def _sealed(
        self,
        folder: SnapshotFolder,
        merged: tuple[Segment, ...],
        alive: NDArray[np.uint8],
        stopped: Callable[[], bool],
    ) -> tuple[SealedSegment, ...]:
        """What is alive of ``merged``, in a file."""

        def lists() -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
            for number in range(self._codebook.lists):
                if stopped():
                    raise CancelledError("saving the index was interrupted; it is complete all the same")
                parts = [segment.inverted_list(number) for segment in merged]
                codes, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
                there = _set(alive, numbers)
                yield codes[there], numbers[there]

        folder.path.mkdir(parents=True, exist_ok=True)
        file = list_file.write(folder.path / f"lists-{uuid4().hex[:16]}", self._codebook.code_size, lists())
        return (SealedSegment(self._codebook, file),)


def mapped_bytes() -> int:
    """Of all files that are mapped, what is in the process's memory; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[2]) * mmap.PAGESIZE
    except OSError:
        return 0


def _set(bitmap: NDArray[np.uint8], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether bits are set; any if a number is negative."""
    bits = (bitmap[numbers >> 3] >> (numbers & 7).astype(np.uint8)) & 1
    return np.asarray(bits, np.bool_)


def _part(folder: SnapshotFolder, segment: SealedSegment) -> Part:
    return folder.adopt(segment.path, segment.file.sha256)


def _release_codebook(release: ModelRelease) -> str:
    # The codebook's hash, not its factory string: codes mean nothing under other centroids.
    sha256: str = release.manifest["files"][release.codebook_path.name]["sha256"]
    return sha256
