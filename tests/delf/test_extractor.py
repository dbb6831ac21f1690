from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import Extractor, FeatureSet, ModelRelease
from steeple.delf.extractor import MAX_ASPECT, MIN_SIDE
from steeple.errors import ImageError
from tests.scenes import encoded, scene


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor()


def matched(a: FeatureSet, b: FeatureSet) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Keypoints of mutual nearest neighbours."""
    similarity = a.unit_descriptors() @ b.unit_descriptors().T
    forth, back = similarity.argmax(axis=1), similarity.argmax(axis=0)
    mutual = back[forth] == np.arange(len(a))
    return a.keypoints[mutual], b.keypoints[forth[mutual]]


def test_what_comes_out(extractor: Extractor) -> None:
    features = extractor.extract(scene(1))
    assert features.model == extractor.release.name
    assert (features.width, features.height) == (640, 480)
    assert 0 < len(features) <= extractor.release.extraction.max_features
    assert (np.diff(features.scores) <= 0).all()
    assert (features.scores > extractor.release.extraction.score_threshold).all()
    np.testing.assert_allclose(np.linalg.norm(features.descriptors.astype(np.float32) / 127, axis=1), 1.0, atol=0.03)


def test_the_same_photo_gives_the_same_features(extractor: Extractor) -> None:
    first = extractor.extract(scene(1))
    extractor.extract(scene(2, 333, 517))  # another size in between
    for again in (extractor.extract(scene(1)), Extractor().extract(scene(1))):
        for name in ("descriptors", "keypoints", "scales", "scores"):
            np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_a_thumbnail_is_matched_better_if_it_is_enlarged(extractor: Extractor) -> None:
    plain = replace(extractor.release, extraction=replace(extractor.release.extraction, min_pixels=0))
    enlarging = replace(plain, extraction=replace(plain.extraction, min_pixels=640 * 480))
    photo = scene(1)
    thumbnail = np.asarray(cv2.resize(photo, (160, 120), interpolation=cv2.INTER_AREA), np.uint8)
    right = {}
    for name, release in (("plain", plain), ("enlarging", enlarging)):
        extract = Extractor(release).extract
        features = extract(thumbnail)
        assert (features.width, features.height) == (160, 120)
        small, large = matched(features, extract(photo))
        right[name] = int((np.linalg.norm(4 * small - large, axis=1) < 32).sum())
    assert right["enlarging"] > 2 * right["plain"] > 0


def test_attention_is_what_features_are_chosen_by(extractor: Extractor) -> None:
    picture = scene(1)
    maps, features = extractor.attention(picture), extractor.extract(picture)
    parameters = extractor.release.extraction
    assert [entry.scores.shape for entry in maps] == [
        (entry.level.height // parameters.stride, entry.level.width // parameters.stride) for entry in maps
    ]
    assert [entry.level.scale for entry in maps] == sorted(entry.level.scale for entry in maps)
    every = np.sort(np.concatenate([entry.scores.reshape(-1) for entry in maps]))[::-1]
    np.testing.assert_array_equal(features.scores, every[: parameters.max_features])

    kept = features.scales == np.float32(maps[1].level.scale)
    x, y = features.keypoints[kept].T
    rows, columns = maps[1].scores.shape
    cells = ((y + 0.5) * rows / 480).astype(int), ((x + 0.5) * columns / 640).astype(int)
    np.testing.assert_array_equal(maps[1].scores[cells], features.scores[kept])


def test_attention_to_an_unusable_photo_is_refused(extractor: Extractor) -> None:
    with pytest.raises(ImageError, match="at least 32 a side"):
        extractor.attention(np.zeros((MIN_SIDE - 1, 640, 3), np.uint8))


HOMOGRAPHIES = {
    "shifted": [[1, 0, 48], [0, 1, -32], [0, 0, 1]],
    "half the size": [[0.5, 0, 160], [0, 0.5, 120], [0, 0, 1]],
    "larger": [[1.4, 0, -128], [0, 1.4, -96], [0, 0, 1]],
    "turned": [[0.966, -0.259, 75], [0.259, 0.966, -66], [0, 0, 1]],
    "tilted": [[0.9, 0.08, 20], [0.02, 0.95, 10], [2e-4, 1e-4, 1]],
}


@pytest.mark.parametrize("name", HOMOGRAPHIES)
def test_keypoints_follow_a_known_homography(extractor: Extractor, name: str) -> None:
    """Matches of a picture with its warp land where the homography sends them, to within a cell."""
    homography = np.array(HOMOGRAPHIES[name], np.float64)
    picture = scene(3)
    warped = cv2.warpPerspective(picture, homography, (640, 480), flags=cv2.INTER_AREA, borderValue=(128, 128, 128))
    here, there = matched(extractor.extract(picture), extractor.extract(np.asarray(warped, np.uint8)))
    expected = cv2.perspectiveTransform(here[:, None].astype(np.float64), homography)[:, 0]
    inside = ((expected >= 0) & (expected < [640, 480])).all(axis=1)
    errors = np.linalg.norm(there[inside] - expected[inside], axis=1)
    close = errors < 16
    assert len(errors) > 100
    assert close.mean() > 0.5, f"{close.mean():.2f} of {len(errors)} matches are within a cell"
    # No shift of one side against the other hides in the radius.
    assert np.abs(np.median((there[inside] - expected[inside])[close], axis=0)).max() < 3


def test_other_pictures_do_not_match(extractor: Extractor) -> None:
    here, there = matched(extractor.extract(scene(3)), extractor.extract(scene(4)))
    assert (np.linalg.norm(here - there, axis=1) < 16).mean() < 0.05


def test_keypoints_are_in_pixels_of_the_submitted_image(extractor: Extractor) -> None:
    small = extractor.extract(scene(5))
    large = extractor.extract(np.asarray(cv2.resize(scene(5), (1920, 1440), interpolation=cv2.INTER_CUBIC), np.uint8))
    assert (large.width, large.height) == (1920, 1440)
    here, there = matched(small, large)
    errors = np.linalg.norm((here + 0.5) * 3 - 0.5 - there, axis=1)
    assert (errors < 48).mean() > 0.5
    assert large.scales.min() > 1920 * 1440 / extractor.release.extraction.max_pixels / 3


def test_a_file_its_bytes_and_its_pixels_agree(extractor: Extractor, tmp_path: Path) -> None:
    data = encoded(scene(6), ".png")
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    expected = extractor.extract(scene(6))
    for photo in (data, path, str(path)):
        np.testing.assert_array_equal(extractor.extract(photo).descriptors, expected.descriptors)


@pytest.mark.parametrize(("width", "height"), [(MIN_SIDE, MIN_SIDE), (64, 1000), (3000, 150), (97, 131), (2500, 2000)])
def test_unusual_sizes_work(extractor: Extractor, width: int, height: int) -> None:
    features = extractor.extract(scene(7, width, height))
    assert (features.width, features.height) == (width, height)
    assert len(features) > 0


def test_a_blank_photo_is_answered(extractor: Extractor) -> None:
    assert len(extractor.extract(np.full((480, 640, 3), 128, np.uint8))) >= 0


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((MIN_SIDE - 1, 640, 3), "at least 32 a side"),
        ((40, 40 * (MAX_ASPECT + 1), 3), "longer than 20:1"),
        ((480, 640), "uint8"),
        ((480, 640, 4), "uint8"),
    ],
)
def test_unusable_pixels_are_refused_with_the_reason(extractor: Extractor, shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        extractor.extract(np.zeros(shape, np.uint8))


def test_other_types_are_refused(extractor: Extractor) -> None:
    with pytest.raises(ImageError, match="float32"):
        extractor.extract(np.zeros((480, 640, 3), np.float32))


def test_the_release_states_its_network(extractor: Extractor) -> None:
    assert extractor.release == ModelRelease.load("delf-lite2-v1")
