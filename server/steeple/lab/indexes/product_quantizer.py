"""Inverted files of codes made by product quantization (Jégou et al., TPAMI 2011), turned before (OPQ) or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import faiss
import numpy as np
from faiss.contrib.ivf_tools import add_preassigned, search_preassigned
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.indexes.arguments import enough, whole
from steeple.lab.indexes.cells import Cells, FlatCells
from steeple.lab.indexes.clusters import clustered
from steeple.lab.indexes.nearest import Nearest, NearestSearch, cosines, nearest_of
from steeple.lab.indexes.vectors import Vectors, numbers
from steeple.server.index.threads import one_thread
from steeple.server.index.training import rotation

_CENTROIDS: Final = 256  # of a sub-quantizer, whose code is a byte
_MOST_BYTES: Final = 32  # of a code, unless more are asked for
_ID_BYTES: Final = 8


class ProductQuantized(NearestSearch):
    """Residuals to the centroid of a cell, product quantized and compared without quantizing the query (ADC).

    Args:
        lists: Cells; inverted lists.
        probes: Cells that are looked into for each query; more than there are means all.
        code: Bytes of a code, which are as many as sub-quantizers; they must divide the dimensions. 0: the most that
            do, and are not more than 32.
        turned: Whether vectors are turned first, so that quantization loses less (OPQ; Ge et al., CVPR 2013).
        cells: Makes what finds cells from their centroids float32[lists, D].

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "product quantization"

    def __init__(
        self,
        lists: int,
        probes: int,
        code: int,
        *,
        turned: bool = False,
        cells: Callable[[NDArray[np.float32]], Cells] = FlatCells,
    ) -> None:
        super().__init__()
        self._lists = whole("lists", lists, 1, 1 << 16)
        self._probes = min(whole("probes", probes, 1), self._lists)
        self._code = whole("bytes", code, 0)
        self._turned, self._make_cells = turned, cells
        self._turn: Any = None
        self._index: Any = None
        self._cells: Cells

    def accept(self, rows: Vectors) -> None:
        """See :meth:`NearestSearch.accept`: numbers, of dimensions that the code divides."""
        numbers(rows, self.title)
        dimensions = rows.shape[1]
        divisors = [count for count in range(1, dimensions + 1) if dimensions % count == 0]
        if not self._code:
            self._code = max(count for count in divisors if count <= _MOST_BYTES)
        elif self._code not in divisors:
            raise InvalidArgumentError(
                f"{self._code} bytes do not divide {dimensions} dimensions; {', '.join(map(str, divisors))} do"
            )

    def _train(self, rows: Vectors) -> None:
        enough(len(rows), max(self._lists, _CENTROIDS), self.title, "vectors")
        training = numbers(rows, self.title)
        if self._turned:
            self._turn = rotation(training, self._code)
            training = self._turned_rows(training)
        dimensions, means = training.shape[1], clustered(training, self._lists)
        quantizer: Any = faiss.IndexFlatL2(dimensions)
        quantizer.add(means)
        self._index = faiss.IndexIVFPQ(quantizer, dimensions, self._lists, self._code, 8)
        self._index.use_precomputed_table = -1
        self._index.do_polysemous_training = False
        self._index.pq.cp.min_points_per_centroid = 1  # FAISS would write its advice to stderr
        with one_thread():  # many small steps, at the end of each of which threads would wait for each other
            self._index.train(training)
        self._cells = self._make_cells(means)

    def _turned_rows(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._turn is None:
            return rows
        with one_thread():  # more round their sums in another way
            return np.asarray(self._turn.apply(rows), np.float32)

    def _nearest_cells(self, rows: Vectors, count: int) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any]]:
        """Vectors, turned if they are to be; their cells and distances to them."""
        turned = self._turned_rows(numbers(rows, self.title))
        return turned, *self._cells.nearest(turned, count)

    def _build(self, rows: Vectors) -> None:
        turned, cells, _ = self._nearest_cells(rows, 1)
        add_preassigned(self._index, turned, cells[:, 0])  # type: ignore[no-untyped-call]

    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        turned, cells, distances = self._nearest_cells(rows, self._probes)
        self._index.nprobe = self._probes
        near, positions = search_preassigned(self._index, turned, count, cells, distances)  # type: ignore[no-untyped-call]
        return nearest_of(positions, near)

    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines, as far as codes tell."""
        return cosines(distances)

    def _bytes(self) -> int:
        return int(self._index.ntotal) * (self._code + _ID_BYTES)
