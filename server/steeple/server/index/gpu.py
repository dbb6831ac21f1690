"""NVIDIA GPUs, through FAISS (the package faiss-gpu)."""

from __future__ import annotations

import threading
from typing import Any, Final, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.errors import FailedPreconditionError, UnavailableError
from steeple.server.index.codebook import Assignment
from steeple.server.index.device import Device
from steeple.server.index.segments import SealedSegment

_LIMIT: Final = 2048  # neighbours and probes that FAISS's kernels select, at most
_Parameters: Any = faiss.SearchParametersIVF  # FAISS's types do not know its keywords


def find(wanted: Literal["auto", "cpu", "gpu"]) -> Device | None:
    """The first GPU, or None for the processor.

    Args:
        wanted: ``auto`` takes a GPU where FAISS sees one, ``gpu`` insists on it.

    Raises:
        FailedPreconditionError: If ``gpu`` is wanted and there is none.
    """
    if wanted == "cpu":
        return None
    # faiss-cpu has neither; faiss-gpu without a driver counts none.
    count = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
    if count:
        return FaissGpu()
    if wanted == "auto":
        return None
    if hasattr(faiss, "StandardGpuResources"):
        raise FailedPreconditionError(
            "device gpu is set, but FAISS sees no GPU: install an NVIDIA driver for CUDA 12 (nvidia-smi must list the "
            "GPU), or set device to auto or cpu"
        )
    raise FailedPreconditionError(
        "device gpu is set, but FAISS is installed for the processor only: pip uninstall faiss-cpu, then pip install "
        "'steeple[server,gpu]', or set device to auto or cpu"
    )


class FaissGpu:
    """A :class:`~steeple.server.index.device.Device`: one GPU. Searches take turns, as FAISS asks for.

    Args:
        number: Of the GPU, as CUDA counts them.
    """

    def __init__(self, number: int = 0) -> None:
        resources: Any = getattr(faiss, "StandardGpuResources")  # noqa: B009 - only faiss-gpu has it
        self.name = f"GPU {number}"
        self._number = number
        self._resources = resources()
        self._lock = threading.RLock()

    def mirror(self, segment: SealedSegment) -> GpuMirror:
        """See :meth:`Device.mirror`. FAISS takes codes of 8 bits and 1, 2, 4, 8, 20 or 40 bytes."""
        gpu: Any = faiss
        config = gpu.GpuIndexIVFPQConfig()
        config.device = self._number
        config.useFloat16LookupTables = True
        config.usePrecomputedTables = False  # lists x sub-quantizers x 256 floats: more than the codes themselves
        config.indicesOptions = gpu.INDICES_64_BIT
        # Lists come assigned, so all that is asked of the coarse quantizer there is its centroids.
        source = segment.over_flat_centroids()
        with self._lock:
            try:
                copied = gpu.GpuIndexIVFPQ(self._resources, source, config)
            except (RuntimeError, MemoryError) as error:
                raise FailedPreconditionError(f"{self.name} does not take it: {error}") from error
        copied.referenced_objects = []  # FAISS would keep the source, of which it has copied everything
        return GpuMirror(copied, self._lock, self.name)


class GpuMirror:
    """A :class:`~steeple.server.index.device.Mirror` on a GPU.

    Args:
        index: FAISS's, on the GPU.
        lock: That all of one GPU's share.
        name: Of the GPU.
    """

    limit = _LIMIT

    def __init__(self, index: Any, lock: threading.RLock, name: str) -> None:  # noqa: ANN401 - FAISS is untyped
        self._index = index
        self._lock = lock
        self._name = name

    def __del__(self) -> None:
        with self._lock:  # memory is given back as it is taken: one thread at a time
            self._index = None

    def search(self, assignment: Assignment, neighbours: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See :meth:`Mirror.search`. Distances are of float16 tables: right to about a thousandth."""
        count, probes = assignment.lists.shape
        distances = np.empty((count, neighbours), np.float32)
        numbers = np.empty((count, neighbours), np.int64)
        pointer = faiss.swig_ptr
        with self._lock:
            try:
                self._index.search_preassigned_c(
                    count,
                    pointer(assignment.rows),
                    neighbours,
                    pointer(assignment.lists),
                    pointer(assignment.distances),
                    pointer(distances),
                    pointer(numbers),
                    False,  # numbers, and not places in lists
                    _Parameters(nprobe=probes),
                )
            except (RuntimeError, MemoryError) as error:
                raise UnavailableError(f"{self._name} failed to search: {error}") from error
        return distances, numbers
