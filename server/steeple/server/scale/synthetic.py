"""Descriptors that no photo was needed for."""

from __future__ import annotations

from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, ModelRelease

IMAGE_DESCRIPTORS: Final = 1000
"""Descriptors of a synthetic image."""

_QUERY_SEED: Final = 1


def key_of(image: int) -> int:
    """The key of a synthetic image in indexes and catalogues; those of a database begin with 1."""
    return image + 1


class SyntheticCatalogue:
    """Images of 1000 descriptors each, drawn from what a release's codebook knows of real ones.

    A descriptor is the centroid of a list plus one centroid of each sub-quantizer, all equally likely, as k-means
    makes them, and L2-normalised. The nearest neighbours of real descriptors of 400,000 are 0.66 away at the median,
    those of synthetic ones 0.71. What real photos have besides, features that resemble others of their photo or of
    their landmark, is missing.

    Image n is the same in every catalogue of a release.

    Args:
        release: Its codebook, an IVF-PQ, is drawn from.
    """

    def __init__(self, release: ModelRelease) -> None:
        whole = faiss.read_index(str(release.codebook_path))  # owns what is taken from it
        index: Any = faiss.downcast_index(faiss.extract_index_ivf(whole))
        self._coarse: NDArray[np.float32] = faiss.downcast_index(index.quantizer).reconstruct_n(0, index.nlist)
        shape = (index.pq.M, index.pq.ksub, index.pq.dsub)
        self._fine = np.asarray(faiss.vector_to_array(index.pq.centroids), np.float32).reshape(shape)

    def image(self, number: int) -> NDArray[np.float32]:
        """float32[1000, 40], L2-normalised."""
        rng = np.random.default_rng((0, number))
        drawn = self._coarse[rng.integers(0, len(self._coarse), IMAGE_DESCRIPTORS)].copy()
        chosen = rng.integers(0, self._fine.shape[1], (IMAGE_DESCRIPTORS, len(self._fine)))
        residuals = self._fine[np.arange(len(self._fine)), chosen]
        return _unit(drawn + residuals.reshape(IMAGE_DESCRIPTORS, DIMENSIONS))

    def copies(self, images: int, count: int, distance: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Descriptors of a catalogue, moved in a random direction.

        Args:
            images: Of the catalogue.
            count: Of copies.
            distance: That they are moved by; between features of one spot in two photos it is 0.58 at the median.

        Returns:
            float32[count, 40], L2-normalised, and int64[count]: 1000 times the number of the image that each is copied
            from, plus that of its descriptor.
        """
        rng = np.random.default_rng((_QUERY_SEED, images))
        origins = rng.integers(0, images * IMAGE_DESCRIPTORS, count)
        rows = np.stack(
            [self.image(int(origin) // IMAGE_DESCRIPTORS)[origin % IMAGE_DESCRIPTORS] for origin in origins]
        )
        return moved(rows, distance, rng), origins


def moved(rows: NDArray[np.float32], distance: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """float32[N, 40]: L2-normalised descriptors, each moved by ``distance`` in a random direction."""
    directions = rng.standard_normal(rows.shape)
    # At right angles to the descriptor, so that what L2-normalising takes away is little.
    directions -= (directions * rows).sum(axis=1, keepdims=True) * rows
    return _unit(rows + distance * _unit(directions))


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
