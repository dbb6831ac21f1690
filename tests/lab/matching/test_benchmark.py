"""The matching benchmark, with features whose matches are known and with real ones on warped pictures."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.homographies import mapped
from steeple.errors import ImageError, InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.matching import MatchingPair, Picture, evaluate_matching, matched, warped_pairs
from tests.scenes import encoded, scene

SHIFT = np.array([[1.0, 0, 4], [0, 1, -3], [0, 0, 1]])


def features(positions: NDArray[np.floating], descriptors: NDArray[np.float32] | NDArray[np.uint8]) -> LocalFeatures:
    count = len(positions)
    ones = np.ones(count, np.float32)
    return LocalFeatures(np.asarray(positions, np.float32), ones, ones * np.nan, ones, descriptors, 101, 51)


class Given:
    """Hands out features by the first pixel of a picture."""

    def __init__(self, *given: LocalFeatures) -> None:
        self.given = given
        self.seen: list[int] = []

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        self.seen.append(int(image[0, 0, 0]))
        return self.given[self.seen[-1]]


class Sift:
    """OpenCV's, or with bits its ORB."""

    def __init__(self, *, binary: bool) -> None:
        self._detector = cv2.ORB.create(300) if binary else cv2.SIFT.create(300)

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        points, found = self._detector.detectAndCompute(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)), None)
        descriptors: NDArray[np.float32] | NDArray[np.uint8] = np.asarray(found, np.uint8)
        if found.dtype == np.float32:
            descriptors = np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)
        positions = np.array([point.pt for point in points], np.float32)
        ones = np.ones(len(points), np.float32)
        return LocalFeatures(positions, ones, ones, ones, descriptors, image.shape[1], image.shape[0])


def picture(number: int) -> Picture:
    return Picture(str(number), lambda: np.full((51, 101, 3), number, np.uint8))


def pair(second: int, group: str = "viewpoint", **truth: NDArray[np.float64]) -> MatchingPair:
    return MatchingPair(f"0-{second}", group, picture(0), picture(second), **truth)


def spread(count: int) -> NDArray[np.float64]:
    return np.random.default_rng(3).uniform((0, 0), (100, 50), (count, 2))


BITS = np.array([[0b11110000], [0b00001111], [0b11111111]], np.uint8)


def test_bits_are_matched_by_hamming_distance() -> None:
    first = features(np.zeros((3, 2)), BITS)
    second = features(np.zeros((2, 2)), np.array([[0b00011111], [0b11110000]], np.uint8))
    # 0-1 differ by nothing. 1-0 differ by a bit. The nearest of 2 is 0, by three bits, whose nearest is 1.
    assert matched(first, second).tolist() == [[0, 1], [1, 0]]


def test_nothing_matches_nothing() -> None:
    none = features(np.empty((0, 2)), np.empty((0, 1), np.uint8))
    assert matched(none, features(np.zeros((3, 2)), BITS)).shape == (0, 2)


def test_features_of_two_methods_are_refused() -> None:
    bits, numbers = features(np.zeros((3, 2)), BITS), features(np.zeros((3, 2)), np.eye(3, dtype=np.float32))
    with pytest.raises(InvalidArgumentError, match="of different methods"):
        matched(bits, numbers)


def test_accuracy_of_matches_by_hand() -> None:
    starts = spread(20)
    ends = mapped(SHIFT, starts)
    ends[:5, 0] += 2.5  # a quarter is off by 2.5 pixels, another by far
    ends[5:10] += 60
    descriptors = np.eye(20, dtype=np.float32)
    extractor = Given(features(starts, descriptors), features(ends, descriptors))
    told: list[int] = []
    result = evaluate_matching(extractor, [pair(1, homography=SHIFT)], told.append)
    figures = result.overall
    assert told == [1]
    assert (figures.pairs, figures.features, figures.matches) == (1, 20, 20)
    assert list(figures.mean_matching_accuracy) == list(range(1, 11))
    assert [figures.mean_matching_accuracy[each] for each in (1, 2, 3, 10)] == [0.5, 0.5, 0.75, 0.75]
    assert 10 <= figures.inliers <= 15
    assert figures.homography_accuracy[3] == 1
    assert 0 < figures.homography_auc[3] <= figures.homography_auc[10] <= 1
    assert figures.correspondence_recall == {}


def test_groups_are_apart_and_the_shared_picture_is_seen_once() -> None:
    starts = spread(12)
    descriptors = np.eye(12, dtype=np.float32)
    nothing = features(np.empty((0, 2)), np.empty((0, 12), np.float32))
    extractor = Given(features(starts, descriptors), features(mapped(SHIFT, starts), descriptors), nothing)
    pairs = [pair(1, homography=SHIFT), pair(2, "illumination", homography=np.eye(3))]
    result = evaluate_matching(extractor, pairs)
    assert extractor.seen == [0, 1, 2]
    assert list(result.by_group) == ["viewpoint", "illumination"]
    assert result.by_group["viewpoint"].mean_matching_accuracy[1] == 1
    assert result.by_group["illumination"].mean_matching_accuracy[10] == 0, "a pair without matches counts"
    assert result.by_group["illumination"].homography_auc[10] == 0
    assert result.pairs[1].corner_error == math.inf
    assert result.overall.mean_matching_accuracy[1] == 0.5
    assert result.overall.features == (12 + 12 + 12 + 0) / 4


def test_recall_of_correspondences() -> None:
    # A camera moved along x before points at many depths: they move along x alone, by as much as they are near.
    starts = spread(40)
    ends = starts + np.column_stack([np.random.default_rng(1).uniform(2, 30, 40), np.zeros(40)])
    descriptors = np.eye(40, dtype=np.float32)
    extractor = Given(features(starts, descriptors), features(ends, descriptors))
    truth = np.array([[10.0, 10, 15, 10], [50, 40, 60, 40], [70, 20, 75, 30]])
    figures = evaluate_matching(extractor, [pair(1, "WGBS", correspondences=truth)]).overall
    assert figures.inliers > 30
    assert figures.correspondence_recall[1] == pytest.approx(2 / 3)
    assert figures.correspondence_recall[19] == 1, "the third is off by sqrt(10**2 + 10**2)"
    assert figures.mean_matching_accuracy == {}
    few = Given(features(starts[:7], descriptors[:7]), features(ends[:7], descriptors[:7]))
    assert evaluate_matching(few, [pair(1, correspondences=truth)]).overall.correspondence_recall[19] == 0


def test_there_must_be_pairs() -> None:
    with pytest.raises(InvalidArgumentError, match="no pairs"):
        evaluate_matching(Given(), [])


# --- warped pairs ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encoded(scene(number, 240, 180), ".png"))
    return folder


def test_warped_pairs_are_the_same_for_the_same_seed(folder: Path) -> None:
    pairs, again, other = warped_pairs(folder, 2), warped_pairs(folder, 2), warped_pairs(folder, 2, seed=1)
    assert [pair.key for pair in pairs[:4]] == [
        "0.png/viewpoint",
        "0.png/illumination",
        "0.png/both",
        "1.png/viewpoint",
    ]
    for one, same, another in zip(pairs, again, other, strict=True):
        assert one.homography is not None
        np.testing.assert_array_equal(one.homography, same.homography)
        np.testing.assert_array_equal(one.second.read(), same.second.read())
        assert one.second.read().tobytes() != another.second.read().tobytes()
        np.testing.assert_array_equal(one.first.read(), pairs[0 if one.key[0] == "0" else 3].first.read())
    assert pairs[1].homography is not None
    assert pairs[1].homography.tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("binary", [False, True])
def test_real_features_agree_with_the_warps(binary: bool, folder: Path) -> None:
    result = evaluate_matching(Sift(binary=binary), warped_pairs(folder))
    assert list(result.by_group) == ["viewpoint", "illumination", "both"]
    # The homographies are the truth: a wrong one by a pixel or a frame would leave nothing within a pixel or two.
    assert result.by_group["viewpoint"].mean_matching_accuracy[3] > 0.3
    assert result.by_group["illumination"].mean_matching_accuracy[1] > 0.3
    assert result.by_group["viewpoint"].homography_accuracy[3] > 0.6
    values = list(result.overall.mean_matching_accuracy.values())
    assert values == sorted(values)


def test_what_cannot_be_warped_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="at least one photo"):
        warped_pairs(folder, 0)
    with pytest.raises(InvalidArgumentError, match="there is no photo"):
        warped_pairs(tmp_path)
    with pytest.raises(InvalidArgumentError, match="there is no folder"):
        warped_pairs(tmp_path / "missing")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        warped_pairs(tmp_path)
