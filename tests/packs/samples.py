"""Packs of features that no photo was needed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, FeatureSet, ModelRelease
from steeple.delf.cells import CellGrid
from steeple.delf.features import l2_normalised, quantize_descriptors
from steeple.packs import (
    Pack,
    PackCodebook,
    PackFacts,
    PackImage,
    PackLandmark,
    PackLocation,
    PackRegion,
    PackWriter,
)
from steeple.server.index.codebook import Codebook

RELEASE = ModelRelease.load()
FACTS = PackFacts(
    id="paris",
    display_name="Paris",
    model=RELEASE.name,
    tflite_sha256=RELEASE.tflite_sha256,
    extraction=RELEASE.extraction,
    sequence=7,
    create_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    region=PackRegion(PackLocation(48.85, 2.35), 12_000.0),
)
EIFFEL = PackLandmark(
    id="eiffel-tower",
    display_name="Eiffel Tower",
    description="Iron, of 1889.",
    location=PackLocation(48.8584, 2.2945),
    aliases={"fr": ("Tour Eiffel", "La dame de fer"), "ko": ("에펠탑",)},
    labels=("iron", "tower"),
    metadata={"wikidata": "Q243"},
)


@cache
def release_codebook() -> PackCodebook:
    """Of the release that features are of."""
    return Codebook.of(RELEASE).of_pack()


@cache
def small_codebook(*, turned: bool = False) -> PackCodebook:
    """Of 8 lists and 4 bytes a code, with centroids from nowhere."""
    rng = np.random.default_rng(0)
    coarse = l2_normalised(rng.standard_normal((8, DIMENSIONS)).astype(np.float32))
    product = (0.1 * rng.standard_normal((4, 256, 10))).astype(np.float32)
    rotation = np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0].astype(np.float32) if turned else None
    return PackCodebook(coarse, product, rotation)


def features(seed: int, count: int = 50, width: int = 640, height: int = 480) -> FeatureSet:
    """Random descriptors in random cells of the release's pyramid, no two in one."""
    rng = np.random.default_rng(seed)
    grid = CellGrid(width, height, RELEASE.extraction)
    keypoints, scales = grid.keypoints_of(rng.choice(len(grid), count, replace=False).astype(np.int64))
    unit = l2_normalised(rng.standard_normal((count, DIMENSIONS)).astype(np.float32))
    scores = np.linspace(1.0, 0.1, count, dtype=np.float32)
    return FeatureSet(RELEASE.name, width, height, quantize_descriptors(unit), keypoints, scales, scores)


def encoded(book: PackCodebook, descriptors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Lists, int64[N], and codes, uint8[N, M], of descriptors, float32[N, 40]: what comes nearest to them."""
    turned = book.turned(descriptors)
    lists = book.nearest_lists(turned, 1)[:, 0].astype(np.int64)
    residuals = (turned - book.coarse[lists]).reshape(len(turned), book.code_size, book.product.shape[2])
    codes = np.empty((len(turned), book.code_size), np.uint8)
    for part, centroids in enumerate(book.product):
        distances = (centroids**2).sum(axis=1) - 2.0 * (residuals[:, part] @ centroids.T)
        codes[:, part] = distances.argmin(axis=1)
    return lists, codes


def image(codebook: PackCodebook | Codebook, of: FeatureSet, image_id: str = "one") -> PackImage:
    """With the codes of that codebook."""
    rows = of.unit_descriptors()
    codes = codebook.encode(rows) if isinstance(codebook, Codebook) else encoded(codebook, rows)
    return PackImage(image_id, of, *codes)


def written(
    path: Path,
    photos: Mapping[str, Sequence[FeatureSet]],
    *,
    codebook: PackCodebook | Codebook | None = None,
    kept: int = 4096,
    exact: bool = False,
    thumbnail: bytes | None = None,
) -> Path:
    """A pack of landmarks with features of their photos."""
    book = codebook or small_codebook()
    arrays = book.of_pack() if isinstance(book, Codebook) else book
    with PackWriter(path, FACTS, arrays, features=kept, exact=exact) as writer:
        for landmark_id, sets in photos.items():
            images = [image(book, each, f"photo-{number}") for number, each in enumerate(sets)]
            writer.add(replace(EIFFEL, id=landmark_id, display_name=landmark_id.title()), images, thumbnail)
        writer.finish()
    return path


def decoded(pack: Pack) -> NDArray[np.float32]:
    """float32[N, 40]: what all codes stand for, not normalised, as the lists have them."""
    rows: NDArray[np.float32] = pack.codebook.coarse[pack.lists] + pack.codebook.residuals(pack.codes)
    return rows
