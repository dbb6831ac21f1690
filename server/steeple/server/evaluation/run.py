"""Asks every query of a data set through the real extractor, index and recogniser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol, TypeAlias

from steeple.delf import Extractor, FeatureSet, ModelRelease, wire
from steeple.delf.progress import Progress
from steeple.errors import ImageError
from steeple.recognition import Accumulated, GalleryImage, Recogniser, Recognition
from steeple.server.evaluation.dataset import Dataset, Photo, Role
from steeple.server.evaluation.metrics import Outcome
from steeple.server.index import DescriptorIndex


@dataclass(frozen=True)
class QueryResult:
    """One query and its answer.

    Attributes:
        photo: What was asked.
        recognition: The answer.
        extract_seconds: Spent on the photo's features, reading the file included.
        query_bytes: Size of the messages of features that a client would send.
    """

    photo: Photo
    recognition: Recognition
    extract_seconds: float
    query_bytes: int

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


Sending: TypeAlias = Callable[[FeatureSet], Sequence[tuple[FeatureSet, int]]]
"""How a query's features go to the server: in parts, each with the bytes of all messages so far. More parts are sent
until the answer is certain."""


def whole(features: FeatureSet) -> Sequence[tuple[FeatureSet, int]]:
    """The :data:`Sending` of all features in one message."""
    message = wire.pack(features)
    return [(wire.unpack(message), message.ByteSize())]


@dataclass(frozen=True)
class Extracted:
    """The features of a photo.

    Attributes:
        features: As the extractor made them.
        seconds: That it took, reading the file included.
    """

    features: FeatureSet
    seconds: float


class FeatureSource(Protocol):
    """Where the features of photos come from."""

    def extract_all(self, title: str, photos: Sequence[Photo], progress: Progress) -> Iterator[tuple[Photo, Extracted]]:
        """Photos and their features, in the order given.

        Args:
            title: Of the stage, for ``progress``.
            photos: Which.
            progress: Told how far it is.

        Raises:
            ImageError: If a photo cannot be used; the text names it.
        """
        ...


def _at_once() -> None:
    """An embedded index is ready as soon as it is filled."""


def answer_all(
    dataset: Dataset,
    release: ModelRelease,
    index: DescriptorIndex,
    progress: Progress,
    *,
    extractors: int = 1,
    filled: Callable[[], None] = _at_once,
) -> list[QueryResult]:
    """Fills ``index`` with the gallery of a data set and asks every query, in the data set's order.

    Each filler is a landmark of its own, and an image's key is its place in the gallery. All features go through the
    wire format, as they do on their way to a server. The answers do not depend on ``extractors``; the times do.

    Args:
        dataset: The photos.
        release: Extracts, and judges the answers.
        index: An empty one of that release.
        progress: Told how far it is.
        extractors: Photos whose features are extracted at a time, each in a thread of its own.
        filled: Called when the index has the gallery, before any query.

    Raises:
        ImageError: If a photo cannot be used; the text names it.
    """
    trial = Trial(dataset, release, index, progress, extractors=extractors, filled=filled)
    return trial.answers(whole, progress)


def extract_features(
    title: str, photos: Sequence[Photo], release: ModelRelease, progress: Progress, *, extractors: int = 1
) -> Iterator[tuple[Photo, FeatureSet, float]]:
    """Photos with their features, as the wire rounds them, and the seconds that extraction took, in the order given.

    Args:
        title: Of the stage, for ``progress``.
        photos: Which.
        release: What to extract with.
        progress: Told how far it is.
        extractors: Photos at a time.

    Raises:
        ImageError: If a photo cannot be used; the text names it.
    """
    with _Extractors(release, extractors) as pool:
        for photo, extracted in pool.extract_all(title, photos, progress):
            ((features, _),) = whole(extracted.features)
            yield photo, features, extracted.seconds


class Trial:
    """A data set, ready to be asked about in more than one way.

    Arguments and errors are those of :func:`answer_all`; ``source`` has the features, if they are not to be extracted.
    """

    def __init__(
        self,
        dataset: Dataset,
        release: ModelRelease,
        index: DescriptorIndex,
        progress: Progress,
        *,
        extractors: int = 1,
        filled: Callable[[], None] = _at_once,
        source: FeatureSource | None = None,
    ) -> None:
        images: dict[int, GalleryImage] = {}

        def gallery(keys: Sequence[int]) -> dict[int, GalleryImage]:
            return {key: images[key] for key in keys}

        with ExitStack() as stack:
            pool = source or stack.enter_context(_Extractors(release, extractors))
            for key, (photo, extracted) in enumerate(pool.extract_all("gallery", dataset.gallery, progress)):
                ((features, _),) = whole(extracted.features)
                index.add(key, features.unit_descriptors())
                images[key] = GalleryImage(photo.landmark or f"filler-{key}", features)
            filled()
            self._recogniser = Recogniser(release, index, gallery)
            # All features first: searches beside running extractors would be timed wrongly.
            self._queries = list(pool.extract_all("queries", dataset.queries, progress))

    def answers(self, sending: Sending, progress: Progress, title: str = "answers") -> list[QueryResult]:
        """The answers to all queries, in the data set's order.

        Args:
            sending: How features go to the server.
            progress: Told how far it is.
            title: Of the stage, for ``progress``.
        """
        results = []
        for number, (photo, extracted) in enumerate(self._queries):
            progress(title, number, len(self._queries))
            recognition, size = self._ask(sending(extracted.features))
            results.append(QueryResult(photo, recognition, extracted.seconds, size))
        progress(title, len(self._queries), len(self._queries))
        return results

    def _ask(self, parts: Sequence[tuple[FeatureSet, int]]) -> tuple[Recognition, int]:
        # A photo of nothing: the right answer is UNKNOWN, and it needs no search.
        recognition, size = Recognition(False, (), 0, 0.0, 0.0), parts[0][1]
        so_far = Accumulated() if len(parts) > 1 else None
        for features, size in parts:  # noqa: B007 - the last is what was sent
            if len(features):
                recognition = self._recogniser.identify(features, so_far=so_far)
            if recognition.certain:
                break
        return recognition, size


class _Extractors:
    """A pool of threads with an extractor each; the TFLite runtime lets them run side by side."""

    def __init__(self, release: ModelRelease, count: int) -> None:
        self._idle: SimpleQueue[Extractor] = SimpleQueue()
        for _ in range(count):
            self._idle.put(Extractor(release))
        self._threads = ThreadPoolExecutor(count, "steeple-extract")

    def __enter__(self) -> _Extractors:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def extract_all(self, title: str, photos: Sequence[Photo], progress: Progress) -> Iterator[tuple[Photo, Extracted]]:
        """Photos and their features, in the order given."""
        progress(title, 0, len(photos))
        extracted: Iterable[Extracted] = self._threads.map(self._extract, photos)
        for number, pair in enumerate(zip(photos, extracted, strict=True), start=1):
            yield pair
            progress(title, number, len(photos))

    def _extract(self, photo: Photo) -> Extracted:
        extractor = self._idle.get()
        start = time.perf_counter()
        try:
            features = extractor.extract(photo.path)
        except ImageError as error:
            raise ImageError(f"{photo.path}: {error.message}", **error.metadata) from error
        finally:
            self._idle.put(extractor)
        return Extracted(features, time.perf_counter() - start)
