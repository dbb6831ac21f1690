"""What turns descriptors into codes: a coarse quantizer and a product quantizer, trained (DELF, section 4.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, ModelRelease
from steeple.errors import FailedPreconditionError, ReleaseError
from steeple.packs import PackCodebook
from steeple.server.index_factory import IndexFactory

_GRAPH_CANDIDATES: Final = 32
_GraphParameters: Any = getattr(faiss, "SearchParametersHNSW")  # noqa: B009 - FAISS's types do not know it
_COMFORT: Final = 2048  # descriptors a list, on average: beyond it, going through lists costs more than finding them
_QUERIES_IN_PARALLEL: Final = 3  # of FAISS's modes the one that uses all cores in search_preassigned
_NO_TABLES: Final = -1  # FAISS would keep a table of nlist x M x 256 floats: more than the codes of a large catalogue


@dataclass(frozen=True, eq=False)
class Assignment:
    """The inverted lists that descriptors are looked for or put in.

    Attributes:
        rows: float32[Q, 40]; the descriptors as the lists know them: turned, if the codebook turns them (OPQ).
        lists: int64[Q, P]; numbers of the nearest lists, nearest first.
        distances: float32[Q, P]; squared, to the lists' centroids.
    """

    rows: NDArray[np.float32]
    lists: NDArray[np.int64]
    distances: NDArray[np.float32]

    def of(self, rows: NDArray[np.intp]) -> Assignment:
        """That of some of the descriptors."""
        return Assignment(self.rows[rows], self.lists[rows], self.distances[rows])

    def between(self, start: int, end: int) -> Assignment:
        """That of the descriptors from ``start`` to before ``end``."""
        return Assignment(self.rows[start:end], self.lists[start:end], self.distances[start:end])

    @staticmethod
    def joined(parts: Sequence[Assignment]) -> Assignment:
        """That of the descriptors of several, which have as many lists each."""
        if len(parts) == 1:
            return parts[0]
        return Assignment(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.lists for part in parts]),
            np.concatenate([part.distances for part in parts]),
        )


class Codebook:
    """A trained FAISS index without entries: ``[OPQ,]IVF...,PQ...``. Thread safe.

    Args:
        data: The index as ``faiss.write_index`` makes it.
        probes: Inverted lists visited per descriptor.
        what: Whose codebook it is, for errors.

    Raises:
        ReleaseError: If it is no trained, empty IVF-PQ index for descriptors of 40 dimensions.
    """

    def __init__(self, data: bytes, probes: int, what: str) -> None:
        try:
            index: Any = faiss.deserialize_index(np.frombuffer(data, np.uint8), faiss.IO_FLAG_SKIP_PRECOMPUTE_TABLE)
        except RuntimeError as error:
            raise ReleaseError(f"{what} is not a FAISS index: {error}") from error
        self.data = data
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._index = index  # owns what is shared with segments
        self._turn: Any = None
        chain: Any = getattr(index, "chain", None)
        if chain is not None and chain.size() == 1:
            self._turn, index = faiss.downcast_VectorTransform(chain.at(0)), faiss.downcast_index(index.index)
        if not isinstance(index, faiss.IndexIVFPQ) or not index.is_trained or index.ntotal:
            raise ReleaseError(f"{what} is not a trained, empty IVF-PQ index")
        if self._index.d != DIMENSIONS:
            raise ReleaseError(f"{what} is of {self._index.d} dimensions, not {DIMENSIONS}")
        self._ivf = index
        self._quantizer = faiss.downcast_index(index.quantizer)
        self.lists = int(index.nlist)
        self.code_size = int(index.code_size)
        self.probes = probes

    @staticmethod
    def of(release: ModelRelease) -> Codebook:
        """The codebook that a model release comes with.

        Raises:
            ReleaseError: If it is damaged.
        """
        what = f"the codebook of model release {release.name}"
        return Codebook(release.codebook_path.read_bytes(), release.index.probes, what)

    @property
    def factory(self) -> IndexFactory:
        """Its parts."""
        graph = getattr(self._quantizer, "hnsw", None)
        return IndexFactory(
            lists=self.lists,
            sub_quantizers=int(self._ivf.pq.M),
            bits=int(self._ivf.pq.nbits),
            links=0 if graph is None else int(graph.nb_neighbors(1)),
            turned=self._turn is not None,
        )

    @property
    def comfort(self) -> int:
        """Descriptors that its lists are enough for."""
        return _COMFORT * self.lists

    def assign(self, descriptors: NDArray[np.float32], probes: int) -> Assignment:
        """The nearest ``probes`` lists, or all if there are fewer, of each row of float32[N, 40]."""
        probes = min(probes, self.lists)
        rows = descriptors if self._turn is None else self._turn.apply(descriptors)
        distances, lists = self._quantizer.search(rows, probes, params=self.graph_parameters(probes))
        return Assignment(rows, lists, distances)

    def encode(self, descriptors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Lists, int64[N], and codes, uint8[N, code size], of descriptors, float32[N, 40], as an index has them."""
        assignment = self.assign(descriptors, 1)
        lists = np.ascontiguousarray(assignment.lists[:, 0])
        coder: Any = self._ivf.pq
        return lists, coder.compute_codes(assignment.rows - self._quantizer.reconstruct_batch(lists))

    def of_pack(self) -> PackCodebook:
        """The same for an offline pack: without FAISS, and without the graph that finds lists if there is one.

        Raises:
            FailedPreconditionError: If its codes are not of 8 bits a sub-quantizer.
        """
        quantizer: Any = self._ivf.pq
        if quantizer.nbits != 8:
            raise FailedPreconditionError(f"offline packs have codes of 8 bits a sub-quantizer, not {quantizer.nbits}")
        shape = (quantizer.M, quantizer.ksub, quantizer.dsub)
        turned = self._turn is not None
        return PackCodebook(
            coarse=np.ascontiguousarray(self._quantizer.reconstruct_n(0, self.lists), np.float32),
            product=faiss.vector_to_array(quantizer.centroids).reshape(shape),
            rotation=faiss.vector_to_array(self._turn.A).reshape(DIMENSIONS, DIMENSIONS) if turned else None,
        )

    def decode(self, lists: NDArray[np.int64], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N, 40]: what codes, uint8[N, code size], in lists, int64[N], stand for, L2-normalised.

        Of a codebook that turns descriptors, turned as its lists have them.
        """
        decoder: Any = self._ivf.pq
        rows = self._quantizer.reconstruct_batch(lists) + decoder.decode(codes)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def graph_parameters(self, probes: int) -> Any | None:  # noqa: ANN401 - FAISS is untyped
        """How thoroughly FAISS looks for as many lists, if it does so along a graph."""
        if not isinstance(self._quantizer, faiss.IndexHNSW):
            return None
        return _GraphParameters(efSearch=max(_GRAPH_CANDIDATES, 2 * probes))

    def index_over(self, inverted_lists: Any | None = None, *, flat: bool = False) -> Any:  # noqa: ANN401 - FAISS is untyped
        """A FAISS IVF-PQ index on this codebook, over lists of its own or over ``inverted_lists``.

        It refers to the codebook, which must not go before it.

        Args:
            inverted_lists: FAISS's.
            flat: Whether its coarse quantizer compares with all centroids, though that of the codebook has a graph.
        """
        quantizer: Any = self._quantizer
        if flat and not isinstance(quantizer, faiss.IndexFlat):
            quantizer = faiss.IndexFlatL2(self._ivf.d)
            quantizer.add(self._quantizer.reconstruct_n(0, self.lists))
        index: Any = faiss.IndexIVFPQ(quantizer, self._ivf.d, self.lists, self._ivf.pq.M, self._ivf.pq.nbits)
        index.own_fields = False
        index.pq = self._ivf.pq
        index.by_residual = self._ivf.by_residual
        index.is_trained = True
        index.use_precomputed_table = _NO_TABLES
        index.parallel_mode = _QUERIES_IN_PARALLEL
        if inverted_lists is not None:
            index.replace_invlists(inverted_lists, False)
        return index
