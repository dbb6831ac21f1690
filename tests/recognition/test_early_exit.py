"""Candidates of few votes are not verified once the answer is certain, and the answer is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import FeatureSet, ModelRelease
from steeple.delf.features import DIMENSIONS, quantize_descriptors
from steeple.recognition import GalleryImage, Recogniser, recogniser, verification
from steeple.server.index import ExactIndex

RELEASE = ModelRelease.load()
COUNT = 200


def features(seed: int) -> FeatureSet:
    """Random features, which have some of any others among their nearest neighbours."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((COUNT, DIMENSIONS))
    descriptors = quantize_descriptors((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))
    return FeatureSet(
        model=RELEASE.name,
        width=640,
        height=480,
        descriptors=descriptors,
        keypoints=(random.random((COUNT, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(COUNT, np.float32),
        scores=np.linspace(1.0, 0.1, COUNT, dtype=np.float32),
    )


def verified(monkeypatch: pytest.MonkeyPatch, gallery: dict[int, GalleryImage], query: FeatureSet) -> tuple[int, str]:
    """How many images were verified, and the first candidate."""
    index = ExactIndex(RELEASE.name)
    for key, image in gallery.items():
        index.add(key, image.features.unit_descriptors())
    calls: list[int] = []
    verify = verification.verify

    def counted(query: NDArray[np.float32], *others: Any, **how: Any) -> verification.Verification | None:
        calls.append(len(query))
        return verify(query, *others, **how)

    monkeypatch.setattr(recogniser, "verify", counted)
    answer = Recogniser(RELEASE, index, lambda keys: {key: gallery[key] for key in keys}).identify(query)
    monkeypatch.undo()
    return len(calls), answer.candidates[0].landmark_id


def test_a_certain_answer_ends_the_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    query = features(0)
    gallery = {key: GalleryImage(f"other-{key}", features(key)) for key in range(1, 25)}
    gallery[30] = GalleryImage("right", query)
    assert verified(monkeypatch, gallery, query) == (10, "right")


@pytest.mark.parametrize("rival", ["a rival as good", "few inliers"])
def test_an_uncertain_one_does_not(monkeypatch: pytest.MonkeyPatch, rival: str) -> None:
    query = features(0)
    gallery = {key: GalleryImage(f"other-{key}", features(key)) for key in range(1, 25)}
    gallery[30] = GalleryImage("right", query)
    if rival == "few inliers":
        half = replace(query, descriptors=np.concatenate([query.descriptors[:50], features(99).descriptors[50:]]))
        gallery[30] = GalleryImage("right", half)
    else:
        gallery[31] = GalleryImage("twin", query)
    assert verified(monkeypatch, gallery, query)[0] == 20


def test_other_images_of_the_same_landmark_are_no_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    query = features(0)
    gallery = {key: GalleryImage(f"other-{key}", features(key)) for key in range(1, 25)}
    gallery[30] = gallery[31] = GalleryImage("right", query)
    assert verified(monkeypatch, gallery, query) == (10, "right")
