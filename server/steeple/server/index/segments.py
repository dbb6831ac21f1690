"""Inverted lists in memory that grow, and inverted lists in a file that do not."""

from __future__ import annotations

import ctypes
import logging
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.errors import FailedPreconditionError, SnapshotError, UnavailableError
from steeple.server.index.codebook import Assignment, Codebook
from steeple.server.index.device import Device, Mirror
from steeple.server.index.list_file import ListFile
from steeple.server.logs import facts

log = logging.getLogger(__name__)

Selector = Any
"""A FAISS ``IDSelector``, or None."""

_Parameters: Any = faiss.SearchParametersIVF  # FAISS's types do not know its keywords


_libc: Any = ctypes.CDLL(None, use_errno=True)


class Segment(Protocol):
    """Inverted lists of codes and the numbers of their descriptors."""

    codebook: Codebook

    def __len__(self) -> int:
        """Codes, of dead descriptors as well."""
        ...

    def sizes(self) -> NDArray[np.int64]:
        """int64[lists]: codes of each list."""
        ...

    def inverted_list(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """uint8[n, code size] and int64[n]: codes and descriptor numbers of one list, good until it changes."""
        ...

    def search(
        self, assignment: Assignment, neighbours: int, selector: Selector
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """float32[Q, K] and int64[Q, K]: squared distances, rising, and descriptor numbers, -1 where there is none."""
        ...


class _OverFaiss:
    """What both kinds of segments have in common."""

    def __init__(self, codebook: Codebook, inverted_lists: Any | None) -> None:  # noqa: ANN401 - FAISS is untyped
        self.codebook = codebook  # must not go before the index
        self._index = codebook.index_over(inverted_lists)
        self._lists = inverted_lists if inverted_lists is not None else self._index.invlists

    def inverted_list(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """See :meth:`Segment.inverted_list`."""
        size, code_size = self._lists.list_size(number), self.codebook.code_size
        if not size:
            return np.empty((0, code_size), np.uint8), np.empty(0, np.int64)
        codes = faiss.rev_swig_ptr(self._lists.get_codes(number), size * code_size)
        return codes.reshape(size, code_size), faiss.rev_swig_ptr(self._lists.get_ids(number), size)

    def search(
        self, assignment: Assignment, neighbours: int, selector: Selector
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See :meth:`Segment.search`."""
        count, probes = assignment.lists.shape
        distances = np.empty((count, neighbours), np.float32)
        numbers = np.empty((count, neighbours), np.int64)
        parameters = _Parameters(sel=selector, nprobe=probes)
        pointer = faiss.swig_ptr
        self._index.search_preassigned_c(
            count,
            pointer(assignment.rows),
            neighbours,
            pointer(assignment.lists),
            pointer(assignment.distances),
            pointer(distances),
            pointer(numbers),
            False,  # numbers, and not places in lists
            parameters,
        )
        return distances, numbers


class LiveSegment(_OverFaiss):
    """A segment in memory that grows."""

    def __init__(self, codebook: Codebook) -> None:
        super().__init__(codebook, None)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def sizes(self) -> NDArray[np.int64]:
        """See :meth:`Segment.sizes`."""
        return np.array([self._lists.list_size(number) for number in range(self.codebook.lists)], np.int64)

    def add(self, assignment: Assignment, first: int) -> None:
        """Adds descriptors, assigned to one list each; their numbers are ``first`` and those that follow."""
        count = len(assignment.rows)
        numbers = np.arange(first, first + count, dtype=np.int64)
        nearest = np.ascontiguousarray(assignment.lists[:, 0])
        pointer = faiss.swig_ptr
        self._index.add_core(count, pointer(assignment.rows), pointer(numbers), pointer(nearest))

    def restore(self, number: int, codes: NDArray[np.uint8], numbers: NDArray[np.int64]) -> None:
        """Appends codes, as :meth:`inverted_list` gave them, to one list."""
        pointer = faiss.swig_ptr
        self._lists.add_entries(number, len(numbers), pointer(numbers), pointer(codes))
        self._index.ntotal += len(numbers)


class SealedSegment(_OverFaiss):
    """A segment in a file, mapped into memory as far as it is used. It does not change.

    It may have a mirror on a device, which then does the searches that it can: those without a selector.

    Args:
        codebook: That made the codes.
        file: From :func:`steeple.server.index.list_file.write`.

    Raises:
        SnapshotError: If the file cannot be mapped or is of a codebook of another size.
    """

    def __init__(self, codebook: Codebook, file: ListFile) -> None:
        if (len(file.sizes), file.code_size) != (codebook.lists, codebook.code_size):
            raise SnapshotError(f"{file.path} is of another codebook")
        self.file = file
        self._mapped = _mapped(file)
        super().__init__(codebook, self._mapped)
        self._index.ntotal = len(self)
        self._mirror: Mirror | None = None
        self._refused = False

    def __len__(self) -> int:
        return int(self.file.sizes.sum())

    @property
    def mirrored(self) -> bool:
        """Whether a device searches it."""
        return self._mirror is not None

    def mirror_on(self, device: Device) -> None:
        """Has a device search a copy of it, unless it does or has refused already. Searches go on meanwhile."""
        if self._mirror is not None or self._refused or not len(self):
            return
        try:
            self._mirror = device.mirror(self)
        except FailedPreconditionError as error:
            self._refused = True
            log.warning(
                "a file of the index stays on the processor",
                extra=facts(file=self.path.name, device=device.name, reason=error.message),
            )

    def leave_device(self) -> None:
        """Gives up its mirror."""
        self._mirror = None

    def search(
        self, assignment: Assignment, neighbours: int, selector: Selector
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See :meth:`Segment.search`."""
        mirror = self._mirror
        if mirror is not None and selector is None and max(neighbours, assignment.lists.shape[1]) <= mirror.limit:
            try:
                return mirror.search(assignment, neighbours)
            except UnavailableError as error:
                self._mirror, self._refused = None, True
                log.warning(
                    "a file of the index is searched on the processor from now on",
                    extra=facts(file=self.path.name, reason=error.message),
                )
        return super().search(assignment, neighbours, selector)

    def faiss_index(self) -> Any:  # noqa: ANN401 - FAISS is untyped
        """FAISS's own index over the file, to compare with. It must not outlive the segment."""
        index = self.codebook.index_over(self._mapped)
        index.ntotal = len(self)
        index.parallel_mode = 0  # FAISS's default
        return index

    def over_flat_centroids(self) -> Any:  # noqa: ANN401 - FAISS is untyped
        """FAISS's own index over the file, without a graph: what devices copy. It must not outlive the segment."""
        index = self.codebook.index_over(self._mapped, flat=True)
        index.ntotal = len(self)
        return index

    def release_memory(self) -> None:
        """Takes what was read of the file out of the process's memory; it is read again as it is needed.

        What the system keeps of it in its page cache, it keeps.
        """
        if self.file.data_bytes:
            address = int(self._mapped.ptr)
            _libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(self.file.data_bytes), mmap.MADV_DONTNEED)

    @property
    def path(self) -> Path:
        """Of its file."""
        return self.file.path

    def sizes(self) -> NDArray[np.int64]:
        """See :meth:`Segment.sizes`."""
        return self.file.sizes


def _mapped(file: ListFile) -> Any:  # noqa: ANN401 - FAISS is untyped
    lists: Any = faiss.OnDiskInvertedLists()
    lists.nlist, lists.code_size = len(file.sizes), file.code_size
    lists.read_only = True
    lists.filename = str(file.path)
    lists.lists.resize(len(file.sizes))
    sizes = faiss.UInt64Vector()
    faiss.copy_array_to_vector(file.sizes.astype(np.uint64), sizes)
    lists.set_all_lists_sizes(sizes.data())
    lists.totsize = file.data_bytes
    if file.data_bytes:
        try:
            lists.do_mmap()
        except RuntimeError as error:
            raise SnapshotError(f"{file.path} cannot be mapped into memory: {error}") from error
    return lists


@dataclass(frozen=True, eq=False)
class Found:
    """Nearest descriptors in several segments.

    Attributes:
        distances: float32[Q, K]; rising, infinite where there is none.
        numbers: int64[Q, K]; of descriptors, -1 where there is none.
    """

    distances: NDArray[np.float32]
    numbers: NDArray[np.int64]


def search(segments: Sequence[Segment], assignment: Assignment, neighbours: int, selector: Selector) -> Found:
    """The nearest of all segments; of descriptors as far as each other, those of earlier segments are nearer."""
    found = [segment.search(assignment, neighbours, selector) for segment in segments if len(segment)]
    if not found:
        shape = (len(assignment.rows), neighbours)
        return Found(np.full(shape, np.inf, np.float32), np.full(shape, -1, np.int64))
    if len(found) == 1:
        return Found(*found[0])
    distances = np.concatenate([each[0] for each in found], axis=1)
    numbers = np.concatenate([each[1] for each in found], axis=1)
    distances[numbers < 0] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
    return Found(np.take_along_axis(distances, order, axis=1), np.take_along_axis(numbers, order, axis=1))
