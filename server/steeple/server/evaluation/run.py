"""Asks every query of a data set through the real extractor, index and recogniser."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steeple.delf import Extractor, FeatureSet, ModelRelease
from steeple.server.evaluation.dataset import Dataset, Photo, Role
from steeple.server.evaluation.metrics import Outcome
from steeple.server.index import DescriptorIndex
from steeple.server.recognition import GalleryImage, Recogniser, Recognition

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many of its steps are done, and how many there are."""


@dataclass(frozen=True)
class QueryResult:
    """One query and its answer.

    Attributes:
        photo: What was asked.
        recognition: The answer.
        extract_seconds: Spent on the photo's features.
    """

    photo: Photo
    recognition: Recognition
    extract_seconds: float

    @property
    def outcome(self) -> Outcome:
        """How the query was answered."""
        best = self.recognition.candidates[0] if self.recognition.candidates else None
        known = self.photo.role is Role.QUERY
        return Outcome(
            known=known,
            right=known and best is not None and best.landmark_id == self.photo.landmark,
            confidence=best.confidence if best else 0.0,
            identified=self.recognition.identified,
            tier=self.photo.tier,
        )


def answer_all(
    dataset: Dataset, release: ModelRelease, index: DescriptorIndex, progress: Progress
) -> list[QueryResult]:
    """Fills ``index`` with the gallery of a data set and asks every query, in the data set's order.

    Each filler is a landmark of its own.

    Raises:
        ImageError: If a photo cannot be used.
    """
    extractor = Extractor(release)
    images: dict[int, GalleryImage] = {}
    for key, photo in enumerate(dataset.gallery):
        progress("gallery", key, len(dataset.gallery))
        features = extractor.extract(photo.path)
        index.add(key, features.unit_descriptors())
        images[key] = GalleryImage(photo.landmark or f"filler-{key}", features)
    progress("gallery", len(images), len(images))

    def gallery(keys: Sequence[int]) -> dict[int, GalleryImage]:
        return {key: images[key] for key in keys}

    recogniser = Recogniser(release, index, gallery)
    results = []
    for number, photo in enumerate(dataset.queries):
        progress("queries", number, len(dataset.queries))
        start = time.perf_counter()
        features = extractor.extract(photo.path)
        seconds = time.perf_counter() - start
        results.append(QueryResult(photo, _ask(recogniser, features), seconds))
    progress("queries", len(results), len(results))
    return results


def _ask(recogniser: Recogniser, features: FeatureSet) -> Recognition:
    if not len(features):  # a photo of nothing: the right answer is UNKNOWN, and it needs no search
        return Recognition(False, (), 0, 0.0, 0.0)
    return recogniser.identify(features)
