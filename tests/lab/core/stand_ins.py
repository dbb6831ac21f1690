"""Small, quick parts, data sets and systems to put experiments together of."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError, NotFoundError
from steeple.lab.features import FeatureMaps, LocalFeatures
from steeple.lab.local.projected import PrincipalComponents
from steeple.lab.parts import Parts
from steeple.lab.photos import Grade, LabDataset, LabPhoto, LabQuery
from steeple.lab.protocols import Evidence, Kind
from steeple.lab.rankings import Ranking
from tests.scenes import encoded, scene

SIDE = 48


def write_photos(folder: Path, landmarks: int = 4, strangers: int = 4) -> Path:
    """One folder per landmark with two photos of it, the second one darker; and strangers."""
    for number in range(landmarks):
        (folder / f"landmark-{number}").mkdir(parents=True)
        picture = scene(700 + number, SIDE * 2, SIDE)
        for view in range(2):
            darker = np.asarray(picture * (1 - 0.1 * view), np.uint8)
            (folder / f"landmark-{number}" / f"{view}.png").write_bytes(encoded(darker, ".png"))
    (folder / "_strangers").mkdir()
    for number in range(strangers):
        (folder / "_strangers" / f"{number}.png").write_bytes(encoded(scene(800 + number, SIDE * 2, SIDE), ".png"))
    return folder


def write_training(folder: Path, photos: int = 6) -> Path:
    folder.mkdir()
    for number in range(photos):
        (folder / f"{number}.png").write_bytes(encoded(scene(900 + number, SIDE, SIDE), ".png"))
    return folder


@dataclass
class Work:
    """What stand-ins did: counts of photos by the name of the kind."""

    photos: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    pause_at: int = 0
    """The photo (counted from 1, of all kinds) at which the work pauses for ever; 0: none."""

    def note(self, kind: str) -> None:
        with self.lock:
            self.photos[kind] = self.photos.get(kind, 0) + 1
            paused = sum(self.photos.values()) == self.pause_at
        if paused:
            sys.stdout.write("paused\n")
            sys.stdout.flush()
            threading.Event().wait()


class Spots:
    """The mean colours of squares, as local features."""

    def __init__(self, work: Work, squares: int = 4) -> None:
        if squares < 1:
            raise InvalidArgumentError(f"squares must be 1 or more, not {squares}")
        self._work, self._squares = work, squares

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        self._work.note("spots")
        height, width = image.shape[:2]
        cells = cv2.resize(image, (self._squares, self._squares), interpolation=cv2.INTER_AREA).reshape(-1, 3)
        descriptors = unit(cells - cells.mean(axis=0, dtype=np.float32))
        count = len(descriptors)
        positions = np.stack(np.divmod(np.arange(count), self._squares), axis=1).astype(np.float32)
        ones = np.ones(count, np.float32)
        return LocalFeatures(positions, ones, ones * np.nan, ones, descriptors, width, height)


class Bits(Spots):
    """The same, as bits."""

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        local = super().extract(image)
        bits = np.packbits(np.repeat(local.descriptors > 0, 8, axis=1), axis=1)
        return LocalFeatures(local.positions, local.scales, local.angles, local.scores, bits, local.width, local.height)


class Colours:
    """Small copies of a photo, as feature maps."""

    def __init__(self, work: Work, sizes: Sequence[int] = (8, 4)) -> None:
        self._work, self._sizes = work, tuple(sizes)

    def maps(self, image: NDArray[np.uint8]) -> FeatureMaps:
        self._work.note("colours")
        copies = (cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for size in self._sizes)
        return tuple((copy / 7).astype(np.float32) for copy in copies)


class Flat:
    """A vector of all that the first map has, less the training photos' mean."""

    def __init__(self, release: str = "") -> None:
        if release:
            raise NotFoundError(f"there is no release {release}")
        self._mean = np.zeros((1, 1, 3), np.float32)

    def fit(self, training: Sequence[FeatureMaps]) -> None:
        if len(training):
            self._mean = np.mean([maps[0] for maps in training], axis=0).astype(np.float32)

    def pool(self, maps: FeatureMaps) -> NDArray[np.float32]:
        (vector,) = unit((maps[0] - self._mean).reshape(1, -1))
        return np.asarray(vector, np.float32)


class Nearest:
    """Exact search by one vector."""

    def __init__(self, sign: int = 1) -> None:
        self._sign = sign
        self._gallery = np.zeros((0, 0), np.float32)

    def fit(self, training: NDArray[np.float32]) -> None:
        pass

    def add(self, gallery: NDArray[np.float32]) -> None:
        self._gallery = gallery

    def search(self, query: NDArray[np.float32], limit: int) -> Ranking:
        return Ranking.of(self._sign * (self._gallery @ query), limit)

    @property
    def bytes_an_image(self) -> float:
        return 4.0 * self._gallery.shape[1]


class Matches:
    """Likeness of the local features in the same places."""

    def __init__(self) -> None:
        self._gallery: Sequence[LocalFeatures] = ()

    def fit(self, training: Sequence[LocalFeatures]) -> None:
        pass

    def add(self, gallery: Sequence[LocalFeatures]) -> None:
        self._gallery = gallery

    def search(self, query: LocalFeatures, limit: int) -> Ranking:
        scores = [similarity(query, local) for local in self._gallery]
        return Ranking.of(np.array(scores, np.float32), limit)

    @property
    def bytes_an_image(self) -> float:
        return 100.0


class Again:
    """Scores the first of a ranking anew, by local features."""

    def __init__(self, first: int = 3) -> None:
        if first < 1:
            raise InvalidArgumentError(f"first must be 1 or more, not {first}")
        self._first = first
        self._gallery: Sequence[LocalFeatures] = ()

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        if any(each.local is None for each in gallery):
            raise InvalidArgumentError("again needs local features")
        self._gallery = [each.local for each in gallery if each.local is not None]

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        assert query.local is not None
        keys = ranking.keys[: self._first]
        scores = np.array([similarity(query.local, self._gallery[key]) for key in keys], np.float32)
        order = np.argsort(-scores, kind="stable")
        return Ranking(keys[order], scores[order])


class Broken:
    """A search with a defect."""

    def __init__(self) -> None:
        self.bytes_an_image = 0.0

    def fit(self, training: NDArray[np.float32]) -> None:
        raise ZeroDivisionError("a defect")

    def add(self, gallery: NDArray[np.float32]) -> None:
        pass

    def search(self, query: NDArray[np.float32], limit: int) -> Ranking:
        return Ranking.of(query, limit)


def stand_ins(work: Work) -> Parts:
    """All of them, which count in ``work``."""

    def spots(squares: int = 4) -> Spots:
        return Spots(work, squares)

    def bits(squares: int = 4) -> Bits:
        return Bits(work, squares)

    def colours(sizes: Sequence[int] = (8, 4)) -> Colours:
        return Colours(work, sizes)

    return Parts(
        extractors={"spots": Kind("Spots", "Nobody, 1999", "Squares.", spots), "bits": Kind("Bits", "", "", bits)},
        projections={"pca": Kind("PCA", "", "", PrincipalComponents)},
        backbones={"colours": Kind("Colours", "Newton, 1704", "", colours)},
        poolings={"flat": Kind("Flat", "", "", Flat)},
        local_searches={"matches": Kind("Matches", "", "", Matches)},
        global_searches={"exact": Kind("Exact", "", "", Nearest), "broken": Kind("Broken", "", "", Broken)},
        rerankings={"again": Kind("Again", "", "", Again)},
    )


def similarity(one: LocalFeatures, other: LocalFeatures) -> float:
    """Of the features in the same places."""
    if one.binary:
        return -float(np.abs(one.descriptors.astype(np.float32) - other.descriptors).sum())
    return float((one.descriptors * other.descriptors).sum())


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return np.asarray(vectors / lengths, np.float32)


def dataset_of(landmarks: Sequence[str], asked: Sequence[str]) -> LabDataset:
    """Without files: a gallery of these landmarks, and queries of these; empty: none."""
    gallery = tuple(LabPhoto(f"g{place}", Path(f"g{place}")) for place in range(len(landmarks)))
    queries = tuple(
        LabQuery(
            LabPhoto(f"q{place}", Path(f"q{place}")),
            landmark,
            grades={key: Grade.EASY for key, each in enumerate(landmarks) if each == landmark and landmark},
        )
        for place, landmark in enumerate(asked)
    )
    return LabDataset("made up", gallery, tuple(landmarks), queries)


GLOBAL: dict[str, Any] = {
    "name": "flat",
    "group": "global",
    "backbone": "colours",
    "pooling": "flat",
    "global-search": "exact",
}
LOCAL: dict[str, Any] = {"name": "spots", "group": "local", "local": "spots", "local-search": "matches"}
