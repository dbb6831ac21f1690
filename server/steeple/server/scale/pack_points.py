"""What an offline pack costs, and how far it agrees with a server of the same photos."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import FeatureSet, ModelRelease
from steeple.delf.cells import CellGrid
from steeple.delf.features import quantize_descriptors
from steeple.delf.progress import Progress
from steeple.packs import Pack, PackFacts, PackImage, PackLandmark, PackRecogniser, PackWriter
from steeple.recognition import GalleryImage, Recogniser, Recognition
from steeple.server.index import FaissIndex
from steeple.server.index.codebook import Codebook
from steeple.server.scale.photos import DISTANCE, HEIGHT, WIDTH, seen_from_elsewhere
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, SyntheticCatalogue, moved

_FEWEST: Final = 40  # of a query's features that show the planted image
_MOST: Final = 300
_OTHERS: Final = 19  # images that the rest of a query's features are copies of
_PLANTED: Final = 3  # of four queries


@dataclass(frozen=True, eq=False)
class Known:
    """A photo of a landmark.

    Attributes:
        landmark_id: The landmark; of a query, empty if it shows none.
        features: Of the photo.
    """

    landmark_id: str
    features: FeatureSet


@dataclass(frozen=True)
class PackSize:
    """What a pack takes.

    Attributes:
        landmarks: In it.
        images: In it.
        features: Of all images.
        size_bytes: Of the file, without thumbnails.
        bytes_per_landmark: Without the codebook, which is the same in every pack.
        open_milliseconds: To read and check it.
    """

    landmarks: int
    images: int
    features: int
    size_bytes: int
    bytes_per_landmark: float
    open_milliseconds: float


@dataclass(frozen=True)
class PackTimes:
    """Milliseconds of a query.

    Attributes:
        search: Nearest neighbours; median.
        verify: All that follows; median.
        total: Median.
        slowest: Of the totals.
        processor: Time of the processor, which others that are busy do not lengthen as much; median.
        server: Of the recognition in a server, without the way there; median.
    """

    search: float
    verify: float
    total: float
    slowest: float
    processor: float
    server: float


@dataclass(frozen=True)
class PackAgreement:
    """How far a pack answers as a server does.

    Attributes:
        queries: Asked of both.
        identified: By the server.
        identified_by_pack: By the pack.
        same_outcome: Share of queries whose outcome, identified or unknown, is the same.
        same_first: Share of the queries identified by the server that the pack identifies as the same landmark.
        other_landmark: Queries that both identify, as different landmarks.
        confidence_mean: Mean of the difference of the first candidates' confidences.
        confidence_95: Its 95th percentile.
        confidence_largest: Its maximum.
    """

    queries: int
    identified: int
    identified_by_pack: int
    same_outcome: float
    same_first: float | None
    other_landmark: int
    confidence_mean: float
    confidence_95: float
    confidence_largest: float


@dataclass(frozen=True, eq=False)
class Answers:
    """To the same queries, in their order.

    Attributes:
        server: The server's.
        pack: The pack's.
        processor_seconds: That the pack's took of the processor.
    """

    server: list[Recognition]
    pack: list[Recognition]
    processor_seconds: list[float]


class SyntheticLandmarks:
    """Photos of landmarks and queries, of synthetic descriptors in cells of the pyramid of 640x480 pixels.

    Photo and query n are the same each time.

    Args:
        release: Whose codebook descriptors are drawn from.
        landmarks: How many.
        images: Of each.
    """

    def __init__(self, release: ModelRelease, landmarks: int, images: int) -> None:
        self._model = release.name
        self._catalogue = SyntheticCatalogue(release)
        self._grid = CellGrid(WIDTH, HEIGHT, release.extraction)
        self._images = images
        self.count = landmarks * images
        """Photos of all landmarks."""

    def photo(self, number: int) -> Known:
        """A photo of 1000 features; as many that follow each other as a landmark has are of one."""
        rng = np.random.default_rng((9, number))
        cells = rng.choice(len(self._grid), IMAGE_DESCRIPTORS, replace=False).astype(np.int64)
        features = self._features(self._catalogue.image(number), *self._grid.keypoints_of(cells))
        return Known(f"landmark-{number // self._images}", features)

    def query(self, number: int) -> Known:
        """A query of 1000 features, copies moved by 0.58.

        In three of four, 40 to 300 of them are of one photo, where a similarity puts them with 4 pixels of noise: few
        enough in some that the answer is in doubt. All others are of 19 photos, anywhere.
        """
        rng = np.random.default_rng((10, number))
        planted = round(_FEWEST * (_MOST / _FEWEST) ** rng.uniform()) if number % 4 < _PLANTED else 0
        shown, *others = rng.integers(0, self.count, 1 + _OTHERS).tolist()
        found = self.photo(shown)
        at = seen_from_elsewhere(found.features.keypoints, rng)
        inside = np.flatnonzero(((at >= 0) & (at < (WIDTH - 1, HEIGHT - 1))).all(axis=1))
        rows = rng.choice(inside, min(planted, len(inside)), replace=False)
        descriptors, keypoints = [self._catalogue.image(shown)[rows]], [at[rows].astype(np.float32)]
        scales = [found.features.scales[rows]]
        rest = np.arange(IMAGE_DESCRIPTORS - len(rows)) % len(others)
        for image, count in zip(others, np.bincount(rest), strict=True):
            cells = rng.integers(0, len(self._grid), int(count))
            places = self._grid.keypoints_of(cells)
            descriptors.append(self._catalogue.image(image)[rng.choice(IMAGE_DESCRIPTORS, int(count), replace=False)])
            keypoints.append(places[0])
            scales.append(places[1])
        order = rng.permutation(IMAGE_DESCRIPTORS)
        copies = moved(np.concatenate(descriptors)[order], DISTANCE, rng)
        features = self._features(copies, np.concatenate(keypoints)[order], np.concatenate(scales)[order])
        return Known(found.landmark_id if planted else "", features)

    def _features(
        self, descriptors: NDArray[np.float32], keypoints: NDArray[np.float32], scales: NDArray[np.float32]
    ) -> FeatureSet:
        scores = np.linspace(1.0, 0.1, len(descriptors), dtype=np.float32)
        return FeatureSet(self._model, WIDTH, HEIGHT, quantize_descriptors(descriptors), keypoints, scales, scores)


class PackTrial:
    """A server's recognition and a pack of the same photos; close it, or use it in a ``with`` block.

    Args:
        release: Of all features.
        photos: Of landmarks; those of one landmark follow each other. Their ids are those of a pack.
        path: Of the pack, which is written.
        features: That the pack keeps of an image.
        exact: Whether it keeps their descriptors.
        progress: Told how far it is.
    """

    def __init__(
        self,
        release: ModelRelease,
        photos: Sequence[Known],
        path: Path,
        *,
        features: int,
        exact: bool,
        progress: Progress,
    ) -> None:
        codebook, index = Codebook.of(release), FaissIndex(release)
        facts = PackFacts(
            id="benchmark",
            display_name="benchmark",
            model=release.name,
            tflite_sha256=release.tflite_sha256,
            extraction=release.extraction,
            sequence=0,
            create_time=datetime.now(UTC),
        )
        images: dict[int, GalleryImage] = {}
        with PackWriter(path, facts, codebook.of_pack(), features=features, exact=exact) as writer:
            waiting: list[PackImage] = []
            for key, photo in enumerate(photos):
                progress("catalogue and pack", key, len(photos))
                descriptors = photo.features.unit_descriptors()
                index.add(key, descriptors)
                images[key] = GalleryImage(photo.landmark_id, photo.features)
                waiting.append(PackImage(f"image-{key}", photo.features, *codebook.encode(descriptors)))
                if key + 1 == len(photos) or photos[key + 1].landmark_id != photo.landmark_id:
                    writer.add(PackLandmark(photo.landmark_id, photo.landmark_id), waiting)
                    waiting = []
            progress("catalogue and pack", len(photos), len(photos))
            manifest = writer.finish()
        start = time.perf_counter()
        self._pack = Pack.open(path)
        self._recogniser = PackRecogniser(self._pack, release)
        opened = time.perf_counter() - start
        self._server = Recogniser(release, index, lambda keys: {key: images[key] for key in keys})
        size = path.stat().st_size
        fixed = sum(member.size_bytes for name, member in manifest.members.items() if name.startswith("codebook/"))
        self.size = PackSize(
            landmarks=manifest.landmark_count,
            images=manifest.image_count,
            features=manifest.feature_count,
            size_bytes=size,
            bytes_per_landmark=round((size - fixed) / manifest.landmark_count, 1),
            open_milliseconds=round(1000 * opened, 3),
        )
        """What the pack takes."""

    def __enter__(self) -> PackTrial:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the pack. May be called again."""
        self._pack.close()

    def ask(self, queries: Sequence[Known], progress: Progress) -> Answers:
        """Asks both, one after the other."""
        answers = Answers([], [], [])
        self._recogniser.identify(queries[0].features)  # the first one reads the codes from the disk
        for number, query in enumerate(queries):
            progress("answers", number, len(queries))
            answers.server.append(self._server.identify(query.features))
            start = time.process_time()
            answers.pack.append(self._recogniser.identify(query.features))
            answers.processor_seconds.append(time.process_time() - start)
        progress("answers", len(queries), len(queries))
        return answers


def times_of(answers: Answers) -> PackTimes:
    """What the answers took."""
    search, verify, totals, processor, others = (
        1000 * np.array(part)
        for part in (
            [answer.search_seconds for answer in answers.pack],
            [answer.verify_seconds for answer in answers.pack],
            [answer.search_seconds + answer.verify_seconds for answer in answers.pack],
            answers.processor_seconds,
            [answer.search_seconds + answer.verify_seconds for answer in answers.server],
        )
    )
    figures = PackTimes(
        float(np.median(search)),
        float(np.median(verify)),
        float(np.median(totals)),
        float(totals.max()),
        float(np.median(processor)),
        float(np.median(others)),
    )
    return replace(figures, **{name: round(value, 3) for name, value in vars(figures).items()})


def agreement_of(answers: Answers) -> PackAgreement:
    """How far the answers agree."""
    pairs = list(zip(answers.server, answers.pack, strict=True))
    known = [(one, other) for one, other in pairs if one.identified]
    both = [(one, other) for one, other in known if other.identified]
    same = sum(_first(one) == _first(other) for one, other in both)
    differences = np.array([abs(_confidence(one) - _confidence(other)) for one, other in pairs])
    return PackAgreement(
        queries=len(pairs),
        identified=len(known),
        identified_by_pack=sum(other.identified for _, other in pairs),
        same_outcome=round(sum(one.identified == other.identified for one, other in pairs) / len(pairs), 4),
        same_first=round(same / len(known), 4) if known else None,
        other_landmark=len(both) - same,
        confidence_mean=round(float(differences.mean()), 4),
        confidence_95=round(float(np.quantile(differences, 0.95)), 4),
        confidence_largest=round(float(differences.max()), 4),
    )


def _first(answer: Recognition) -> str:
    return answer.candidates[0].landmark_id


def _confidence(answer: Recognition) -> float:
    return answer.candidates[0].confidence if answer.candidates else 0.0
