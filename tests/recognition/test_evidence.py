from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.delf.release import Calibration
from steeple.errors import ReleaseError
from steeple.recognition.evidence import (
    ImageEvidence,
    chance_inliers,
    confidence,
    landmark_evidence,
)

IMAGES = [
    ImageEvidence("tower", 30, 90, distinct=6.0),
    ImageEvidence("tower", 12, 80),
    ImageEvidence("bridge", 20, 70),
    ImageEvidence("tower", 5, 60),
]


def test_what_speaks_for_the_best_landmark() -> None:
    assert landmark_evidence(IMAGES, "tower", 1000) == pytest.approx(
        {
            "inliers": math.log(31),
            "distinct": math.log(7),
            "ratio": 1 / 3,
            "support": math.log(13),
            "margin": math.log(31 / 21),
            "brevity": 0.0,
        }
    )


def frame(x: float, y: float, width: float) -> NDArray[np.float64]:
    """A frame's corners in the query: upright, 4 to 3."""
    return np.array([[x, y], [x + width, y], [x + width, y + 0.75 * width], [x, y + 0.75 * width]])


def test_a_burst_of_references_is_one() -> None:
    """Twenty photos taken at one moment agree because they are the same, not because the answer is right."""
    random = np.random.default_rng(1)
    burst = [
        ImageEvidence("tower", 40 - number, 90, frame=frame(100, 80, 400) + random.uniform(-6, 6, (4, 2)))
        for number in range(20)
    ]
    assert landmark_evidence(burst, "tower", 1000)["support"] == 0
    elsewhere = ImageEvidence("tower", 9, 90, frame=frame(160, 80, 300))
    assert landmark_evidence([*burst, elsewhere], "tower", 1000)["support"] == pytest.approx(math.log(10))


def test_support_does_not_grow_with_the_number_of_references() -> None:
    """Of many references some agree by chance; those of a landmark with many must not add up."""
    many = [ImageEvidence("tower", 12, 90, frame=frame(70.0 * number, 0, 300)) for number in range(15)]
    few = landmark_evidence(many[:2], "tower", 1000)
    assert landmark_evidence(many, "tower", 1000)["support"] == few["support"] == pytest.approx(math.log(13))


def test_what_speaks_for_its_rival() -> None:
    evidence = landmark_evidence(IMAGES, "bridge", 1000)
    assert evidence["support"] == 0
    assert evidence["margin"] == pytest.approx(math.log(21 / 31))


@pytest.mark.parametrize("rival", [[], [ImageEvidence("bridge", 3, 70)]])
def test_a_rival_is_never_weaker_than_chance(rival: list[ImageEvidence]) -> None:
    """A catalogue of one landmark must not take every photo for it, because nothing else matches better."""
    margin = landmark_evidence([*IMAGES[:2], *rival], "tower", 1000)["margin"]
    assert margin == pytest.approx(math.log(31 / 16))


def test_the_same_inliers_say_more_of_a_short_query() -> None:
    whole, short = (landmark_evidence(IMAGES[:2], "tower", features) for features in (1000, 250))
    assert chance_inliers(250) == pytest.approx(chance_inliers(1000) / 2)
    assert short["margin"] > whole["margin"]
    assert (whole["brevity"], short["brevity"]) == pytest.approx((0.0, math.log(4)))
    assert chance_inliers(1) >= 4  # a geometry of fewer is none
    assert landmark_evidence(IMAGES, "tower", 4000)["brevity"] == 0.0


def test_confidence_is_the_logistic_of_the_weighted_evidence() -> None:
    calibration = Calibration(bias=-2.0, weights={"inliers": 0.5}, threshold=0.5)
    assert confidence(calibration, {"inliers": 4.0, "ratio": 9.0}) == pytest.approx(0.5)
    assert confidence(calibration, {"inliers": 8.0}) == pytest.approx(1 / (1 + math.exp(-2)))


@given(st.floats(-1e6, 1e6))
def test_confidence_is_a_probability(value: float) -> None:
    assert 0 <= confidence(Calibration(0.0, {"inliers": 1.0}, 0.5), {"inliers": value}) <= 1


def test_a_calibration_for_other_evidence_is_refused() -> None:
    with pytest.raises(ReleaseError, match="sharpness"):
        confidence(Calibration(0.0, {"sharpness": 1.0}, 0.5), {"inliers": 1.0})
