"""Places, answers and features that tests know."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from steeple.client import Answer, Candidate, Landmark, LatLng, Timings
from steeple.delf.features import FeatureSet

GATE, HALL = LatLng(52.5163, 13.3777), LatLng(52.5186, 13.3761)
STRANGER = 77


def answer_of(name: str = "Gate", *, identified: bool = True, thumbnail: bytes = b"", **more: object) -> Answer:
    """An answer with one candidate."""
    square = np.array([[10.5, 10], [90, 10], [90, 70], [10, 70.25]], np.float32)
    landmark = Landmark(
        f"landmarks/{name.lower()}",
        name,
        description="Of sandstone.",
        location=GATE,
        metadata={"k": "v"},
        create_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        aliases={"de": ("Tor",), "ko": ("문",)},
        labels=("gate",),
    )
    candidate = Candidate(
        landmark, 0.875, f"{landmark.name}/images/a", 42, 60, square, square[:2], square[2:], 640, 480, thumbnail
    )
    timings = Timings(search=1.5, verify=2.5, total=4.25, round_trip=9.0)
    return Answer(identified, (candidate,), "models/delf-lite2-v1", 640, 480, 900, timings, 4096)


def features_of(count: int, seed: int = 1) -> FeatureSet:
    """So many features of an image of noise."""
    random = np.random.default_rng(seed)
    return FeatureSet(
        model="delf-lite2-v1",
        width=640,
        height=480,
        descriptors=random.integers(-127, 128, (count, 40)).astype(np.int8),
        keypoints=(random.random((count, 2)) * [639, 479]).astype(np.float32),
        scales=np.exp2(random.random(count) * 4 - 1).astype(np.float32),
        scores=np.sort(random.random(count)).astype(np.float32)[::-1].copy(),
    )
