"""Pairs of photos that show one scene: found with the release that ships, on views whose geometry is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import Extractor, ModelRelease
from steeple.delf.training import mining
from steeple.delf.training.mining import MinedPair
from steeple.delf.training.photos import TrainingPhotos, training_image
from steeple.errors import ReleaseError
from tests.known_photos import seen_from
from tests.scenes import encoded, scene

Describe = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]

PAIR = MinedPair("a.jpg", "b.jpg", 3, (1.0, 0.5, 2.0, -0.5, 1.0, 4.0), (0.0, 1.0, 5.0, 1.0, 5.0, 9.0), 17)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> TrainingPhotos:
    """Two landmarks of three views each, and among the first's a photo of something else."""
    folder = tmp_path_factory.mktemp("photos")
    for landmark in range(2):
        (folder / f"landmark-{landmark}").mkdir()
        for view in range(3):
            picture = seen_from(scene(500 + landmark, 400, 300), view)
            (folder / f"landmark-{landmark}" / f"{view}.png").write_bytes(encoded(picture, ".png"))
    (folder / "landmark-0" / "other.png").write_bytes(encoded(scene(900, 400, 300), ".png"))
    (folder / "_none").mkdir()
    (folder / "_none" / "0.png").write_bytes(encoded(scene(500, 400, 300), ".png"))
    return TrainingPhotos.below(folder)


@pytest.fixture(scope="module")
def describe() -> Describe:
    extractor = Extractor(ModelRelease.load())

    def features(
        image: NDArray[np.uint8],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        found = extractor.extract(image)
        descriptors = found.unit_descriptors()
        mean = descriptors.mean(axis=0)
        return descriptors, found.keypoints, np.asarray(mean / np.linalg.norm(mean), np.float32)

    return features


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def mined(photos: TrainingPhotos, describe: Describe, steps: list[tuple[str, int, int]]) -> list[MinedPair]:
    return mining.mine(photos, describe, lambda *step: steps.append(step))


def test_views_of_one_scene_are_paired(mined: list[MinedPair], steps: list[tuple[str, int, int]]) -> None:
    found = {(Path(pair.first).name, Path(pair.second).name, pair.label) for pair in mined}
    expected = {(f"{one}.png", f"{two}.png", label) for label in range(2) for one, two in ((0, 1), (0, 2), (1, 2))}
    assert found == expected, "and neither other.png nor photos of no landmark"
    assert steps == [("pairs", number, 7) for number in range(8)]


def test_the_map_between_them_is_the_known_one(mined: list[MinedPair]) -> None:
    """The affine map is close to the homography that made the view, where its inliers are."""
    for pair in mined:
        if Path(pair.first).name != "0.png":
            continue
        view = int(Path(pair.second).stem)
        known = np.array([[1 - 0.05 * view, 0.04 * view, 6.0 * view], [-0.03 * view, 1, 9.0], [1e-4 * view, 0, 1]])
        loaded = pair.scene()
        assert len(loaded.region) >= 3
        assert cv2.contourArea(loaded.region) > 0.2 * 400 * 300
        points = loaded.region.mean(axis=0) + 0.7 * (loaded.region - loaded.region.mean(axis=0))
        expected = cv2.perspectiveTransform(points[None].astype(np.float64), known)[0]
        made = cv2.perspectiveTransform(points[None].astype(np.float64), loaded.transform)[0]
        assert np.linalg.norm(made - expected, axis=1).mean() < 8, "half a cell"
        assert pair.inliers >= 15
        np.testing.assert_array_equal(loaded.first, training_image(Path(pair.first)))
        np.testing.assert_array_equal(loaded.second, training_image(Path(pair.second)))


def test_what_was_found_is_kept_on_disk(mined: list[MinedPair], tmp_path: Path) -> None:
    file = tmp_path / "pairs.json"
    mining.save(mined, file)
    assert mining.load(file) == mined
    mining.save([PAIR], file)
    assert mining.load(file) == [PAIR], "the bits of every number too"
    mining.save([], file)
    assert mining.load(file) == []
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.json"]


@pytest.mark.parametrize("text", ["", '[{"first": "a.jpg"', '[{"first": "a.jpg"}]', "[3]", '{"a": 1}'])
def test_a_damaged_file_of_pairs_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "pairs.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"pairs\.json cannot be read"):
        mining.load(file)
    with pytest.raises(ReleaseError):
        mining.load(tmp_path / "none.json")


def test_pairs_are_plain_json(tmp_path: Path) -> None:
    mining.save([PAIR], tmp_path / "pairs.json")
    (entry,) = json.loads((tmp_path / "pairs.json").read_text(encoding="utf-8"))
    assert entry == {
        "first": "a.jpg",
        "second": "b.jpg",
        "label": 3,
        "transform": [1.0, 0.5, 2.0, -0.5, 1.0, 4.0],
        "region": [0.0, 1.0, 5.0, 1.0, 5.0, 9.0],
        "inliers": 17,
    }


def test_photos_with_hardly_anything_on_them_are_not_paired(tmp_path: Path) -> None:
    """A handful of features, or all of them in one spot, verify nothing."""
    (tmp_path / "wall").mkdir()
    for number in range(2):
        flat = np.full((64, 64, 3), 120 + number, np.uint8)
        (tmp_path / "wall" / f"{number}.png").write_bytes(encoded(flat, ".png"))
    identity = np.eye(40, dtype=np.float32)
    spread = np.random.default_rng(1).uniform(0, 60, (40, 2)).astype(np.float32)
    photos = TrainingPhotos.below(tmp_path)

    def mine(count: int, keypoints: NDArray[np.float32]) -> int:
        whole = np.ones(1, np.float32)
        return len(mining.mine(photos, lambda _: (identity[:count], keypoints[:count], whole), lambda *_: None))

    assert mine(40, spread) == 1
    assert mine(14, spread) == 0
    assert mine(40, spread * 0.05 + 30) == 0
