"""Recognition as a whole, on pictures made on the spot and their views under known homographies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, Extractor, FeatureSet, ModelRelease
from steeple.errors import FeatureSetError, ModelMismatchError
from steeple.recognition import GalleryImage, Recogniser, inlier_radius
from steeple.server.index import DescriptorIndex, ExactIndex, FaissIndex
from tests.scenes import scene

LANDMARKS = 8


@dataclass
class World:
    """A catalogue of pictures, two of each landmark."""

    extractor: Extractor
    images: dict[int, GalleryImage]

    def recogniser(self, index: DescriptorIndex) -> Recogniser:
        for key, image in self.images.items():
            index.add(key, image.features.unit_descriptors())

        def gallery(keys: Sequence[int]) -> dict[int, GalleryImage]:
            return {key: self.images[key] for key in keys if key in self.images}

        return Recogniser(self.extractor.release, index, gallery)


def view(picture: NDArray[np.uint8], homography: NDArray[np.float64]) -> NDArray[np.uint8]:
    warped = cv2.warpPerspective(picture, homography, (640, 480), flags=cv2.INTER_AREA, borderValue=(90, 90, 90))
    return np.asarray(warped, np.uint8)


TILT = np.array([[0.9, 0.08, 25], [-0.03, 0.92, 30], [1.5e-4, 5e-5, 1]])


@pytest.fixture(scope="module")
def world() -> World:
    extractor = Extractor()
    images = {}
    for number in range(LANDMARKS):
        images[2 * number] = GalleryImage(f"landmark-{number}", extractor.extract(scene(number)))
        cropped = np.ascontiguousarray(scene(number)[40:, 60:])
        images[2 * number + 1] = GalleryImage(f"landmark-{number}", extractor.extract(cropped))
    return World(extractor, images)


@pytest.fixture(params=["exact", "faiss"], scope="module")
def recogniser(request: pytest.FixtureRequest, world: World) -> Recogniser:
    release = world.extractor.release
    return world.recogniser(ExactIndex(release.name) if request.param == "exact" else FaissIndex(release))


@pytest.mark.parametrize("number", range(LANDMARKS))
def test_a_tilted_view_is_identified(recogniser: Recogniser, world: World, number: int) -> None:
    answer = recogniser.identify(world.extractor.extract(view(scene(number), TILT)))
    assert answer.identified
    best = answer.candidates[0]
    assert best.landmark_id == f"landmark-{number}"
    assert best.confidence >= recogniser.release.calibration.threshold
    assert len(best.query_points) == len(best.reference_points) == best.inliers > 20
    # Each inlier lies where the true homography sends it.
    key = best.image_key
    offset = np.array([60, 40] if key % 2 else [0, 0])
    truth = cv2.perspectiveTransform((best.reference_points + offset)[:, None].astype(np.float64), TILT)[:, 0]
    assert np.median(np.linalg.norm(best.query_points - truth, axis=1)) < 8
    # And so does the outline's centre of gravity, whose true place is that of the inliers' hull.
    hull = cv2.convexHull(truth.astype(np.float32))
    assert cv2.contourArea(best.outline) == pytest.approx(cv2.contourArea(hull), rel=0.25)


@pytest.mark.parametrize("seed", range(100, 110))
def test_a_stranger_is_unknown(recogniser: Recogniser, world: World, seed: int) -> None:
    answer = recogniser.identify(world.extractor.extract(scene(seed)))
    assert not answer.identified


def test_the_same_query_twice_gets_the_same_answer(recogniser: Recogniser, world: World) -> None:
    features = world.extractor.extract(view(scene(2), TILT))
    first, second = recogniser.identify(features), recogniser.identify(features)
    assert [(c.landmark_id, c.confidence, c.inliers) for c in first.candidates] == [
        (c.landmark_id, c.confidence, c.inliers) for c in second.candidates
    ]


def test_candidates_are_landmarks_by_falling_confidence(recogniser: Recogniser, world: World) -> None:
    # Neither half where it was in its picture: what stays in place like that is taken for an overlay.
    both = np.hstack([scene(1)[:, 60:380], scene(6)[:, 250:570]])
    answer = recogniser.identify(world.extractor.extract(np.ascontiguousarray(both)), max_candidates=4)
    ids = [candidate.landmark_id for candidate in answer.candidates]
    assert len(ids) == len(set(ids)) <= 4
    assert set(ids[:2]) == {"landmark-1", "landmark-6"}
    confidences = [candidate.confidence for candidate in answer.candidates]
    assert confidences == sorted(confidences, reverse=True)


def test_an_image_removed_from_the_gallery_is_passed_over(world: World) -> None:
    release = world.extractor.release
    gone = replace(world, images=dict(world.images))
    recogniser = gone.recogniser(ExactIndex(release.name))
    for key in (6, 7):
        del gone.images[key]
    answer = recogniser.identify(world.extractor.extract(scene(3)))
    assert all(candidate.landmark_id != "landmark-3" for candidate in answer.candidates)


def test_a_catalogue_of_one_landmark_knows_its_own_from_strangers(world: World) -> None:
    """Nothing competes with the only landmark there is; strangers must stay UNKNOWN all the same."""
    release = world.extractor.release
    only = replace(world, images={key: world.images[key] for key in (4, 5)})
    recogniser = only.recogniser(FaissIndex(release))
    assert recogniser.identify(world.extractor.extract(view(scene(2), TILT))).identified
    for seed in range(100, 110):
        assert not recogniser.identify(world.extractor.extract(scene(seed))).identified


def test_an_empty_catalogue_knows_nothing(world: World) -> None:
    release = ModelRelease.load()
    answer = Recogniser(release, FaissIndex(release), lambda keys: {}).identify(world.extractor.extract(scene(1)))
    assert not answer.identified
    assert answer.candidates == ()


def features(model: str, count: int) -> FeatureSet:
    return FeatureSet(
        model=model,
        width=640,
        height=480,
        descriptors=np.ones((count, DIMENSIONS), np.int8),
        keypoints=np.zeros((count, 2), np.float32),
        scales=np.ones(count, np.float32),
        scores=np.ones(count, np.float32),
    )


@pytest.mark.parametrize(
    ("size", "factor"), [((800, 600), 1.0), ((640, 480), 1.0), ((1600, 1200), 2.0), ((320, 240), 0.5), ((32, 32), 0.25)]
)
def test_the_radius_of_an_inlier_follows_the_working_size(size: tuple[int, int], factor: float) -> None:
    release = ModelRelease.load()
    release = replace(release, extraction=replace(release.extraction, min_pixels=640 * 480, max_pixels=800 * 600))
    assert inlier_radius(release, *size) == pytest.approx(factor * release.verification.inlier_radius)


def test_features_of_another_release_are_refused(recogniser: Recogniser) -> None:
    with pytest.raises(ModelMismatchError, match=r"delf-other.*delf-lite2-v1"):
        recogniser.identify(features("delf-other", 5))


def test_a_query_without_features_is_refused(recogniser: Recogniser) -> None:
    with pytest.raises(FeatureSetError, match="no features"):
        recogniser.identify(features("delf-lite2-v1", 0))
