"""Watermarks, stamps, frames and bars that unrelated photos share are no evidence; scenes under them still are."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import Extractor, FeatureSet
from steeple.recognition import GalleryImage, Recogniser
from steeple.recognition.overlays import overlay_features
from steeple.recognition.verification import verify
from steeple.server.index import ExactIndex
from tests.scenes import scene

Picture = NDArray[np.uint8]
RADIUS = 24.0


def matched(
    query_points: NDArray[np.float64], reference_points: NDArray[np.float64], size: tuple[int, int]
) -> tuple[FeatureSet, FeatureSet]:
    """Two photos, one 640x480, whose features match row by row."""

    def features(points: NDArray[np.float64], width: int, height: int) -> FeatureSet:
        count = len(points)
        ones = np.ones(count, np.float32)
        inside = np.clip(points, 0, [width - 1, height - 1]).astype(np.float32)
        return FeatureSet("model", width, height, np.ones((count, 40), np.int8), inside, ones, ones)

    return features(query_points, 640, 480), features(reference_points, *size)


def shown(query: FeatureSet, reference: FeatureSet) -> NDArray[np.bool_] | None:
    rows = np.arange(len(query))
    pairs = np.stack([rows, rows], axis=1)
    found = verify(query.keypoints, reference.keypoints, inlier_radius=RADIUS, iterations=1000)
    assert found is not None
    return overlay_features(query, reference, pairs, found, RADIUS)


def stamp(random: np.random.Generator) -> NDArray[np.float64]:
    """60 places in the lower right corner of a frame, as shares of its sides."""
    return random.uniform((0.6, 0.85), (0.95, 0.97), (60, 2))


def chance(random: np.random.Generator, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return random.uniform((0, 0), (640, 400), (200, 2)), random.uniform((0, 0), np.array(size) * [1, 0.8], (200, 2))


@pytest.mark.parametrize("size", [(640, 480), (320, 240), (800, 450)], ids=["same", "half", "another shape"])
def test_a_stamp_that_follows_the_frame_is_an_overlay(size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    places = stamp(random)
    wrong = chance(random, size)
    query = np.vstack([places * [640, 480] + random.normal(0, 3, places.shape), wrong[0]])
    reference = np.vstack([places * size, wrong[1]])
    overlay = shown(*matched(query, reference, size))
    assert overlay is not None
    assert overlay[:60].all()
    assert overlay[60:].mean() < 0.2


def test_a_stamp_of_so_many_pixels_in_a_corner_is_an_overlay() -> None:
    random = np.random.default_rng(2)
    from_corner = random.uniform((20, 15), (280, 60), (60, 2))
    wrong = chance(random, (900, 700))
    query = np.vstack([[640, 480] - from_corner + random.normal(0, 3, from_corner.shape), wrong[0]])
    reference = np.vstack([[900, 700] - from_corner, wrong[1]])
    overlay = shown(*matched(query, reference, (900, 700)))
    assert overlay is not None
    assert overlay[:60].all()


@pytest.mark.parametrize(
    "move",
    [
        lambda points: points * 0.8 + [40, 60],
        lambda points: points + np.array([30, 0]),
        lambda points: (points - 300) @ np.array([[0.99, 0.1], [-0.1, 0.99]]) + 300,
    ],
    ids=["from farther", "a step aside", "tilted"],
)
def test_a_scene_is_none(move: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
    random = np.random.default_rng(3)
    reference = random.uniform((80, 80), (560, 400), (60, 2))
    wrong = chance(random, (640, 480))
    query = np.vstack([move(reference) + random.normal(0, 3, reference.shape), wrong[0]])
    assert shown(*matched(query, np.vstack([reference, wrong[1]]), (640, 480))) is None


def test_the_same_photo_again_is_none() -> None:
    """It stays where it was in the frame as an overlay does, but all of it does."""
    random = np.random.default_rng(4)
    reference = random.uniform((10, 10), (630, 470), (300, 2))
    query = reference + random.normal(0, 2, reference.shape)
    query[:100] = random.uniform((0, 0), (640, 480), (100, 2))
    assert shown(*matched(query, reference, (640, 480))) is None


def captioned(picture: Picture) -> Picture:
    """A photo as an app shows it: a bar with a name above it, buttons and two lines of text below."""
    page = np.full_like(picture, 250)
    page[44:384] = cv2.resize(picture, (640, 340), interpolation=cv2.INTER_AREA)
    cv2.circle(page, (30, 22), 14, (200, 60, 120), -1)
    for text, place, size in (
        ("my_travel_diary", (60, 30), 0.9),
        ("1,284 likes", (20, 440), 0.8),
        ("What a wonderful day! #travel", (20, 470), 0.8),
    ):
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (30, 30, 30), 2, cv2.LINE_AA)
    for x in (30, 80, 130):
        cv2.circle(page, (x, 404), 12, (30, 30, 30), 3)
    return page


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor()


@pytest.fixture(scope="module")
def recogniser(extractor: Extractor) -> Recogniser:
    """Six landmarks of two photos each; the first two landmarks were uploaded as captured from an app."""
    images, index = {}, ExactIndex(extractor.release.name)
    for number in range(6):
        for view, left in enumerate((0, 50)):
            picture = cv2.resize(scene(number)[:, left:], (640, 480), interpolation=cv2.INTER_AREA)
            shown = captioned(np.asarray(picture, np.uint8)) if number < 2 else np.asarray(picture, np.uint8)
            images[2 * number + view] = GalleryImage(f"landmark-{number}", extractor.extract(shown))
            index.add(2 * number + view, images[2 * number + view].features.unit_descriptors())
    return Recogniser(extractor.release, index, lambda keys: {key: images[key] for key in keys})


@pytest.mark.parametrize("seed", range(100, 105))
def test_a_captioned_stranger_is_unknown(recogniser: Recogniser, extractor: Extractor, seed: int) -> None:
    answer = recogniser.identify(extractor.extract(captioned(scene(seed))))
    assert not answer.identified


@pytest.mark.parametrize("number", [2, 4])
def test_a_captioned_landmark_is_known_by_its_scene(recogniser: Recogniser, extractor: Extractor, number: int) -> None:
    answer = recogniser.identify(extractor.extract(captioned(scene(number))))
    assert answer.candidates[0].landmark_id == f"landmark-{number}"
    assert answer.identified
