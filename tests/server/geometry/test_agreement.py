"""Outlines beside what RootSIFT and MAGSAC say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.delf.homographies import Image, corners, mapped, warped
from steeple.server.evaluation import Dataset
from steeple.server.geometry import Finder, measure_agreement, pairs_of
from steeple.server.geometry.agreement import estimate
from steeple.server.robustness import RootSift
from tests.known_photos import LANDMARKS, write_known_photos
from tests.scenes import encoded, scene

TILT = np.array([[0.9, 0.08, 25], [-0.03, 0.92, 30], [1.5e-4, 5e-5, 1]])
SIFT = RootSift(4000)


def estimated(query: Image, reference: Image) -> object:
    return estimate(SIFT.features(query), SIFT.features(reference), (query.shape[1], query.shape[0]))


def test_the_estimate_is_precise() -> None:
    query = warped(scene(1), TILT, (640, 480))
    found = estimate(SIFT.features(query), SIFT.features(scene(1)), (640, 480))
    assert found is not None
    assert found.inliers > 100
    assert (
        np.linalg.norm(mapped(found.homography, corners(640, 480)) - mapped(TILT, corners(640, 480)), axis=1).max() < 1
    )
    assert cv2.contourArea(found.hull.astype(np.float32)) > 0.5 * 640 * 480


def test_there_is_none_for_other_things() -> None:
    assert estimated(scene(1), scene(2)) is None


def test_there_is_none_where_little_is_seen() -> None:
    """A tenth of the query's area, in the midst of something else."""
    query = scene(2, 2000, 1600)
    query[200:680, 300:940] = scene(1)
    assert estimated(query[200:680, 300:940], scene(1)) is not None
    assert estimated(query, scene(1)) is None


def test_the_outline_agrees_where_the_estimate_is_beyond_doubt(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.jpg" for name in ("reference", "tilted", "other")}
    paths["reference"].write_bytes(encoded(scene(1)))
    paths["tilted"].write_bytes(encoded(warped(scene(1), TILT, (640, 480))))
    paths["other"].write_bytes(encoded(scene(2)))
    pairs = [(paths["tilted"], paths["reference"]), (paths["other"], paths["reference"])]
    steps: list[tuple[str, int, int]] = []
    (agreement,) = measure_agreement(pairs, Finder(ModelRelease.load()), lambda *step: steps.append(step))
    assert agreement.query == paths["tilted"]
    assert agreement.verified
    assert agreement.inliers > 100
    assert 0.5 < agreement.error < 24
    assert steps == [("real pairs", done, 2) for done in range(3)]


@pytest.mark.parametrize(("limit", "count"), [(100, 2 * LANDMARKS), (4, 4)])
def test_pairs_are_queries_with_references_of_their_landmark(limit: int, count: int, tmp_path: Path) -> None:
    pairs = pairs_of(Dataset.open(write_known_photos(tmp_path / "known", strangers=1)), limit)
    assert len(set(pairs)) == count
    assert all(query.parent == reference.parent and query != reference for query, reference in pairs)
    assert len({query.parent for query, _ in pairs}) == min(count, LANDMARKS), "evenly chosen"
