"""The embedded index: FAISS inverted lists of product-quantized residuals (DELF, section 4.4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import ReleaseError, SnapshotError
from steeple.recognition.neighbours import Neighbours
from steeple.server.index import list_file, merging, protocol, segments, training
from steeple.server.index.batching import Batcher
from steeple.server.index.codebook import Assignment, Codebook
from steeple.server.index.device import Device
from steeple.server.index.list_file import ListFile
from steeple.server.index.locks import ReadWriteLock
from steeple.server.index.mapped_memory import mapped_bytes
from steeple.server.index.protocol import IndexStats
from steeple.server.index.segments import LiveSegment, SealedSegment, Segment
from steeple.server.index.slots import SlotTable
from steeple.server.index.snapshot import Part, SnapshotFolder

_NUMBER_BYTES: Final = 8
_KIND: Final = "faiss"

_LIVE_LIMIT: Final = 1 << 19  # descriptors in memory before they are worth a file
_LIVE_SHARE: Final = 1 / 32

_WORN: Final = 4  # of numbers ever given, and of images there ever were, by those that are left
_WORN_FROM: Final = 1 << 20

_Bitmap: Any = faiss.IDSelectorBitmap  # FAISS's types do not know that it takes an array


@dataclass(frozen=True, eq=False)
class _Scan:
    """Queries whose lists are known; ``codebook`` made the assignment."""

    codebook: Codebook
    assignment: Assignment
    neighbours: int


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
        self._device: Device | None = None
        self._batcher: Batcher[_Scan, Neighbours | None] | None = None
        self.mapped_limit: int | None = None
        """Bytes of files that may stay in the process's memory after a search; None: as much as the system lets."""

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        """See :meth:`DescriptorIndex.add`."""
        self.add_many({image_key: descriptors})

    def add_many(self, images: Mapping[int, NDArray[np.float32]]) -> None:
        """As :meth:`add`, of the descriptors of several images by key, which takes a third of the time."""
        parts = {protocol.checked_key(key): protocol.checked(part) for key, part in images.items()}
        if not parts:
            return
        rows, starts = np.concatenate(list(parts.values())), np.cumsum([0, *map(len, parts.values())])
        while True:  # until no other codebook came in between
            codebook = self._codebook
            assignment = codebook.assign(rows, 1)
            with self._lock.writing():
                if codebook is self._codebook:
                    for key, start, end in zip(parts, starts, starts[1:], strict=False):
                        self._live.add(assignment.between(start, end), self._slots.put(key, end - start))
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
            if within is None and self._batcher is not None:
                with self._batcher.announced() as scanned:
                    found = scanned(self._assigned(rows, neighbours), len(rows))
            elif within is None:
                (found,) = self._scanned([self._assigned(rows, neighbours)])
            else:
                found = self._scanned_within(self._assigned(rows, neighbours), within)
            if found is not None:
                self._release_memory()
                return found

    def _assigned(self, rows: NDArray[np.float32], neighbours: int) -> _Scan:
        codebook = self._codebook
        return _Scan(codebook, codebook.assign(rows, codebook.probes), neighbours)

    def _scanned(self, scans: Sequence[_Scan]) -> list[Neighbours | None]:
        """What each finds among all images, with one call of FAISS for as many as can share it.

        None for those of a codebook that another one has replaced.
        """
        found: list[Neighbours | None] = [None] * len(scans)
        with self._lock.reading():
            alike: dict[tuple[int, int], list[int]] = {}
            for number, scan in enumerate(scans):
                if scan.codebook is self._codebook:
                    alike.setdefault((scan.neighbours, scan.assignment.lists.shape[1]), []).append(number)
            for (neighbours, _), numbers in alike.items():
                assignment = Assignment.joined([scans[number].assignment for number in numbers])
                together = self._named(self._search_all(assignment, neighbours))
                end = 0
                for number in numbers:
                    start, end = end, end + len(scans[number].assignment.rows)
                    found[number] = together.rows(start, end)
        return found

    def _scanned_within(self, scan: _Scan, within: Collection[int]) -> Neighbours | None:
        with self._lock.reading():
            if scan.codebook is not self._codebook:
                return None
            return self._named(self._search(scan.assignment, scan.neighbours, self._slots.bitmap(within)))

    def _named(self, found: segments.Found) -> Neighbours:
        keys, features = self._slots.images_of(found.numbers)
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
        met = np.flatnonzero(((found.numbers >= 0) & ~merging.are_set(alive, found.numbers)).any(axis=1))
        if len(met):
            again = self._search(assignment.of(met), neighbours, alive)
            found.distances[met], found.numbers[met] = again.distances, again.numbers
        return found

    def stats(self) -> IndexStats:
        """See :meth:`DescriptorIndex.stats`."""
        with self._lock.reading():
            return IndexStats(
                kind=f"{self._codebook.factory} on {self._where()}",
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
    def worn(self) -> bool:
        """Whether most numbers were of images that are gone, whose rows and bits only another index is without."""
        with self._lock.reading():
            return self._slots.worn(_WORN, _WORN_FROM)

    @property
    def wants_snapshot(self) -> bool:
        """Whether there is so much in memory, or so much dead, that :meth:`snapshot` would help."""
        with self._lock.reading():
            held = self._held()
            return len(self._live) > max(_LIVE_LIMIT, _LIVE_SHARE * held) or self._slots.dead > max(
                _LIVE_LIMIT, merging.DEAD_SHARE * held
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
    def live(self) -> int:
        """Descriptors, dead ones as well, that are in memory and in no file yet."""
        with self._lock.reading():
            return self._held() - sum(len(segment) for segment in self._older if isinstance(segment, SealedSegment))

    @property
    def dead(self) -> int:
        """Descriptors of removed images that lists still hold."""
        with self._lock.reading():
            return self._slots.dead

    @property
    def device(self) -> Device | None:
        """What searches copies of the files; None: the processor does."""
        return self._device

    def serve_from(self, device: Device | None) -> None:
        """Has a device search copies of the files, those that are there and those to come; None: the processor."""
        with self._sealing:
            self._device = device
            if device is None:
                _leave_device(self.sealed)
            self._mirror()

    def batch(self, delay_seconds: float, most: int) -> None:
        """Searches of all images that come at once share one call of FAISS; each finds what it would have found alone.

        Args:
            delay_seconds: That a search waits at most for others that have begun.
            most: Descriptors of a call, at most; a single search may have more.
        """
        self._batcher = Batcher(self._scanned, delay_seconds, most)

    @property
    def batch_sizes(self) -> dict[int, int] | None:
        """How many calls were shared by how many searches that came at once; None if they share none."""
        return None if self._batcher is None else self._batcher.sizes

    def keys(self) -> tuple[int, ...]:
        """Of its images, rising."""
        with self._lock.reading():
            return self._slots.keys()

    def adopt(self, other: FaissIndex) -> None:
        """Takes everything over from another index, at once: its codebook and its images instead of those here.

        Args:
            other: Not to be used any more.
        """
        with self._sealing:
            with other._lock.writing(), self._lock.writing():
                left = self._older
                self._codebook, self._slots = other._codebook, other._slots
                self._older, self._live = other._older, other._live
            _leave_device(left)
            self._mirror()

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
                kept = (
                    () if whole else frozen[: merging.first_to_merge(frozen, dead=self._slots.dead, held=self._held())]
                )
            merged = frozen[len(kept) :]
            sealed = (merging.merged(self._codebook, target, merged, alive, stopped),) if merged else ()
            parts = [_part(target, segment) for segment in (*kept, *sealed) if isinstance(segment, SealedSegment)]
            with self._lock.writing():
                self._older = (*kept, *sealed, *self._older[len(frozen) :])
                self._slots.forget(sum(map(len, merged)) - sum(map(len, sealed)))
            # The old copies go before the new one comes: a device need not have memory for both.
            _leave_device(merged)
            self._mirror()
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

    def _mirror(self) -> None:
        if self._device is not None:
            for segment in self.sealed:
                segment.mirror_on(self._device)

    def _where(self) -> str:
        files = [segment for segment in self._older if isinstance(segment, SealedSegment)]
        mirrored = sum(segment.mirrored for segment in files)
        if self._device is None or mirrored < len(files):
            return "CPU" if self._device is None or not mirrored else f"{self._device.name} and CPU"
        return self._device.name

    def _held(self) -> int:
        return sum(map(len, self._older)) + len(self._live)


def _leave_device(left: Sequence[Segment]) -> None:
    for segment in left:
        if isinstance(segment, SealedSegment):
            segment.leave_device()


def _part(folder: SnapshotFolder, segment: SealedSegment) -> Part:
    return folder.adopt(segment.path, segment.file.sha256)


def _release_codebook(release: ModelRelease) -> str:
    # The codebook's hash, not its factory string: codes mean nothing under other centroids.
    sha256: str = release.manifest["files"][release.codebook_path.name]["sha256"]
    return sha256
