"""What a FeatureSet takes and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from steeple.delf.features import DIMENSIONS, MAX_FEATURES, MAX_SIDE, FeatureSet, quantize_descriptors
from steeple.errors import FeatureSetError, InvalidArgumentError

WIDTH, HEIGHT = 640, 480


def feature_set(count: int = 5, *, width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> FeatureSet:
    random = np.random.default_rng(seed)
    return FeatureSet(
        model="delf-lite2-v1",
        width=width,
        height=height,
        descriptors=random.integers(-127, 128, (count, DIMENSIONS), dtype=np.int8),
        keypoints=(random.random((count, 2)) * [width, height] - 0.5).astype(np.float32),
        scales=random.uniform(0.5, 4, count).astype(np.float32),
        scores=np.sort(random.random(count).astype(np.float32))[::-1],
    )


def changed(name: str, index: Any, value: float) -> Callable[[FeatureSet], FeatureSet]:
    """A copy of a set with one number changed."""

    def change(features: FeatureSet) -> FeatureSet:
        array: NDArray[Any] = getattr(features, name).copy()
        array[index] = value
        return replace(features, **{name: array})  # type: ignore[arg-type]

    return change


@pytest.mark.parametrize("count", [0, 1, 7, MAX_FEATURES])
def test_well_formed_sets_are_taken(count: int) -> None:
    assert len(feature_set(count)) == count


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed("keypoints", (2, 0), np.nan), "keypoints must be finite numbers; feature 2 is not"),
        (changed("keypoints", (3, 1), np.inf), "keypoints must be finite numbers; feature 3 is not"),
        (changed("scores", 1, np.nan), "scores must be finite numbers; feature 1 is not"),
        (changed("scales", 4, -np.inf), "scales must be finite numbers; feature 4 is not"),
        (changed("scores", 4, -0.25), "scores must not be negative"),
        (changed("scores", 3, 2.0), "ordered by falling attention score; feature 3 is not"),
        (changed("scales", 0, 0.0), "scales must be positive"),
        (changed("keypoints", (2, 0), 639.6), r"keypoint 2 at \(639.6, .*\) lies outside the 640x480 image"),
        (changed("keypoints", (1, 1), -0.6), r"keypoint 1 at \(.*, -0.6\) lies outside"),
        (lambda f: replace(f, model=""), "model must name the model release"),
        (lambda f: replace(f, model="models/delf-lite2-v1"), "model must name the model release"),
        (lambda f: replace(f, width=0), "image size must be 1 to 65535 pixels a side, not 0x480"),
        (lambda f: replace(f, height=MAX_SIDE + 1), "image size must be"),
        (lambda f: replace(f, descriptors=f.descriptors[:, :39]), r"descriptors must be int8\[5, 40\]"),
        (lambda f: replace(f, descriptors=f.descriptors.astype(np.float32)), r"descriptors must be .*not float32"),
        (lambda f: replace(f, keypoints=f.keypoints[:4]), r"keypoints must be float32\[5, 2\], not float32\[4, 2\]"),
        (lambda f: replace(f, keypoints=f.keypoints.astype(np.float64)), r"keypoints must be .*not float64"),
        (lambda f: replace(f, scales=f.scales[:, None]), r"scales must be float32\[5\], not float32\[5, 1\]"),
        (lambda f: replace(f, scores=f.scores[:-1]), r"scores must be float32\[5\], not float32\[4\]"),
    ],
)
def test_malformed_sets_are_refused(change: Callable[[FeatureSet], FeatureSet], message: str) -> None:
    with pytest.raises(FeatureSetError, match=message):
        change(feature_set())


def test_too_many_features_are_refused() -> None:
    with pytest.raises(FeatureSetError, match="at most 4096 features are taken, not 4097; send the best by score"):
        feature_set(MAX_FEATURES + 1)


def test_the_error_is_an_invalid_argument() -> None:
    assert issubclass(FeatureSetError, InvalidArgumentError)


@pytest.mark.parametrize("corner", [(-0.5, -0.5), (639.5, -0.5), (-0.5, 479.5), (639.5, 479.5)])
def test_keypoints_may_lie_on_the_edge_of_the_outermost_pixels(corner: tuple[float, float]) -> None:
    features = feature_set(1)
    assert len(replace(features, keypoints=np.array([corner], np.float32))) == 1


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=DIMENSIONS, max_side=DIMENSIONS),
        elements=st.floats(-1, 1),
    )
)
def test_quantization_keeps_unit_descriptors_to_half_a_step(vectors: NDArray[np.float64]) -> None:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 1e-6).astype(np.float32)
    quantized = quantize_descriptors(unit)
    assert quantized.dtype == np.int8
    assert quantized.min() >= -127
    assert np.abs(quantized / 127 - unit).max() <= 0.5 / 127 + 1e-6


def test_unit_descriptors_are_normalised_and_point_the_same_way() -> None:
    random = np.random.default_rng(7)
    unit = random.normal(size=(500, DIMENSIONS)).astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    features = replace(feature_set(500), descriptors=quantize_descriptors(unit))
    again = features.unit_descriptors()
    assert again.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(again, axis=1), 1, atol=1e-6)
    assert (again * unit).sum(axis=1).min() > 0.9995


def test_a_descriptor_of_zeros_stays_zeros() -> None:
    features = replace(feature_set(3), descriptors=np.zeros((3, DIMENSIONS), np.int8))
    assert not features.unit_descriptors().any()


@pytest.mark.parametrize(("asked", "got"), [(0, 0), (3, 3), (5, 5), (9, 5)])
def test_best_keeps_the_first_by_score(asked: int, got: int) -> None:
    features = feature_set(5)
    best = features.best(asked)
    assert len(best) == got
    for name in ("descriptors", "keypoints", "scales", "scores"):
        np.testing.assert_array_equal(getattr(best, name), getattr(features, name)[:got])
    assert (best.model, best.width, best.height) == ("delf-lite2-v1", WIDTH, HEIGHT)
