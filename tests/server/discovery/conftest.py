"""A heap of photos of two buildings, and what matches in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.recognition import GalleryImage
from steeple.server.discovery import HeapMatcher, Pair, pairs_of
from tests.known_photos import seen_from
from tests.scenes import encoded, scene

MARGIN = 60  # pixels: views from other sides must not share an empty border


@dataclass(frozen=True)
class Heap:
    """Photos by name, their keys by name, and the pairs of them that match."""

    files: Mapping[str, bytes]
    features: Mapping[str, FeatureSet]
    keys: Mapping[str, int]
    pairs: tuple[Pair, ...]

    def pair(self, one: str, other: str) -> Pair | None:
        """What is known of two photos."""
        ends = sorted((self.keys[one], self.keys[other]))
        return next((pair for pair in self.pairs if [pair.first, pair.second] == ends), None)


def framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8[300, 400, 3]: the middle of a larger picture."""
    return np.ascontiguousarray(picture[MARGIN:-MARGIN, MARGIN:-MARGIN])


def photographs() -> dict[str, NDArray[np.uint8]]:
    """Three views of each of two buildings, a burst of the first, both side by side, and a stranger."""
    first, second, stranger = (scene(seed, 400 + 2 * MARGIN, 300 + 2 * MARGIN) for seed in (700, 701, 702))
    pictures = {f"a{number}": framed(seen_from(first, view)) for number, view in enumerate((0, 2, -2))}
    pictures |= {f"b{number}": framed(seen_from(second, view)) for number, view in enumerate((0, 2, -2))}
    pictures["burst"] = np.ascontiguousarray(pictures["a0"][4:, 5:])
    pictures["both"] = np.concatenate([pictures["a0"], pictures["b0"]], axis=1)
    pictures["stranger"] = framed(stranger)
    return pictures


@pytest.fixture(scope="session")
def release() -> ModelRelease:
    return ModelRelease.load(DEFAULT_RELEASE)


@pytest.fixture(scope="session")
def heap(release: ModelRelease) -> Heap:
    files = {name: encoded(picture, ".png") for name, picture in photographs().items()}
    extractor = Extractor(release)
    features = {name: extractor.extract(read_image(data)) for name, data in files.items()}
    keys = {name: key for key, name in enumerate(files, start=1)}
    images = {keys[name]: GalleryImage(name, one) for name, one in features.items()}
    matcher = HeapMatcher(release, lambda wanted: {key: images[key] for key in wanted})
    for name, one in features.items():
        matcher.add(keys[name], one)
    matches = [match for name, one in features.items() for match in matcher.matches(keys[name], one)]
    return Heap(files, features, keys, tuple(pairs_of(matches)))


@pytest.fixture
def folder(heap: Heap, tmp_path: Path) -> Path:
    """The heap as files of a folder ``heap`` below another."""
    (tmp_path / "import" / "heap").mkdir(parents=True)
    for name, data in heap.files.items():
        (tmp_path / "import" / "heap" / f"{name}.png").write_bytes(data)
    return tmp_path / "import"
