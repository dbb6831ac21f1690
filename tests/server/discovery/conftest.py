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
from steeple.server.discovery import HeapMatcher, Pair, pairs_of
from steeple.server.recognition import GalleryImage
from tests.known_photos import seen_from
from tests.scenes import encoded, scene

SIZE = (400, 300)


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


def photographs() -> dict[str, NDArray[np.uint8]]:
    """Three views of each of two buildings, a burst of the first, both side by side, and a stranger."""
    first, second, stranger = (scene(seed, *SIZE) for seed in (700, 701, 702))
    pictures = {f"a{view}": seen_from(first, 2 * view) for view in range(3)}
    pictures |= {f"b{view}": seen_from(second, 2 * view) for view in range(3)}
    pictures["burst"] = np.ascontiguousarray(first[4:, 5:])
    pictures["both"] = np.concatenate([first, second], axis=1)
    pictures["stranger"] = stranger
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
