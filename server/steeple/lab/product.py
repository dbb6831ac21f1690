"""Steeple as it is, as one of the systems: release, index, verification and calibrated confidence."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from steeple.delf import Extractor, FeatureSet, ModelRelease, wire
from steeple.delf.progress import Progress
from steeple.errors import ImageError
from steeple.lab.cache import FeatureCache
from steeple.lab.extraction import Arrays, Extraction, Work
from steeple.lab.photo_set import ShownDataset, ShownPhoto
from steeple.lab.pipeline import Answered
from steeple.lab.rankings import Ranking
from steeple.lab.systems import Product
from steeple.server.evaluation import (
    Dataset,
    Extracted,
    Photo,
    QueryResult,
    Role,
    Trial,
    empty_index,
    whole,
)
from steeple.v1 import features_pb2

_MESSAGE: Final = "message"


def answer_as_product(product: Product, shown: ShownDataset, cache: FeatureCache, progress: Progress) -> Answered:
    """The answers of Steeple, whose rankings have the best photo of each candidate, and its confidence for a score.

    A photo of no landmark is one of its own, as in ``steeple evaluate DIR``. Features are those that go over the wire.

    Args:
        product: Which release and index.
        shown: The data set.
        cache: Where features are kept.
        progress: Told how far it is.

    Raises:
        NotFoundError: If there is no such release.
        ReleaseError: If it is damaged.
        ImageError: If a photo cannot be used; the text names it.
    """
    release = ModelRelease.load(product.release)
    source = _Source(_extraction(release, cache), shown)
    source.extraction.ensure([*shown.gallery, *shown.queries], progress)
    start = time.perf_counter()
    with empty_index(release, exact=product.exact) as (index, filled):
        trial = Trial(source.dataset, release, index, progress, filled=filled, source=source)
        prepared = time.perf_counter() - start
        results = trial.answers(whole, progress)
        stats = index.stats()
    images = max(1, len(shown.gallery))
    return Answered(
        [_ranking(result) for result in results],
        np.array([result.outcome.confidence for result in results], np.float64),
        np.array([result.recognition.identified for result in results], np.bool_),
        np.array([result.extract_seconds for result in results], np.float64),
        np.array([result.recognition.search_seconds for result in results], np.float64),
        np.array([result.recognition.verify_seconds for result in results], np.float64),
        np.array([result.query_bytes for result in results], np.int64),
        index_bytes=stats.bytes_per_descriptor * stats.descriptors / images,
        stage_bytes=source.gallery_bytes / images,
        features=stats.descriptors / images,
        prepare_seconds=prepared,
        of_landmarks=True,
    )


class _Source:
    """Features of photos from the cache; see :class:`steeple.server.evaluation.FeatureSource`."""

    def __init__(self, extraction: Extraction[FeatureSet], shown: ShownDataset) -> None:
        self.extraction = extraction
        self._shown: dict[Photo, ShownPhoto] = {}
        photos = []
        for place, (each, landmark) in enumerate(zip(shown.gallery, shown.dataset.landmarks, strict=True)):
            role = Role.REFERENCE if landmark else Role.FILLER
            photos.append(self._known(each, landmark, role, str(place)))
        for place, (each, query) in enumerate(zip(shown.queries, shown.dataset.queries, strict=True)):
            role = Role.QUERY if query.landmark else Role.DISTRACTOR
            photos.append(self._known(each, query.landmark, role, str(place)))
        self.dataset = Dataset(tuple(photos))
        self.gallery_bytes = 0

    def _known(self, shown: ShownPhoto, landmark: str, role: Role, place: str) -> Photo:
        # The place stands for the tier, which the trial does not read: queries may be parts of one file.
        photo = Photo(shown.photo.path, landmark, role, place)
        self._shown[photo] = shown
        return photo

    def extract_all(self, title: str, photos: Sequence[Photo], progress: Progress) -> Iterator[tuple[Photo, Extracted]]:
        """Photos and their features, in the order given."""
        for number, photo in enumerate(photos):
            progress(title, number, len(photos))
            features, seconds = self.extraction.load(self._shown[photo])
            if photo.role in (Role.REFERENCE, Role.FILLER):
                self.gallery_bytes += wire.pack(features).ByteSize()
            yield photo, Extracted(features, seconds)
        progress(title, len(photos), len(photos))


def _extraction(release: ModelRelease, cache: FeatureCache) -> Extraction[FeatureSet]:
    def worker() -> Work[FeatureSet]:
        extractor = Extractor(release)

        def extract(photo: ShownPhoto) -> FeatureSet:
            try:
                return extractor.extract(photo.pixels())
            except ImageError as error:
                if str(photo.photo.path) in error.message:
                    raise
                raise ImageError(f"{photo.photo.path}: {error.message}", **error.metadata) from error

        return extract

    def unpack(arrays: Arrays) -> FeatureSet:
        return wire.unpack(features_pb2.FeatureSet.FromString(arrays[_MESSAGE].tobytes()))

    identity = {
        "kind": f"release-{release.name}",
        "network": release.tflite_sha256,
        "extraction": repr(release.extraction),
    }
    return Extraction(cache, identity, worker, _pack, unpack, lambda features: features.descriptors.nbytes)


def _pack(features: FeatureSet) -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return {_MESSAGE: np.frombuffer(wire.pack(features).SerializeToString(), np.uint8)}


def _ranking(result: QueryResult) -> Ranking:
    candidates = result.recognition.candidates
    return Ranking(
        np.array([each.image_key for each in candidates], np.int64),
        np.array([each.confidence for each in candidates], np.float32),
    )
