"""Networks that make maps: shapes, sizes, layers; with random weights, since packages hold the trained ones."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from steeple.baselines import releases
from steeple.delf import Extractor
from steeple.errors import InvalidArgumentError, NotFoundError, ReleaseError
from steeple.lab.pooling import BACKBONES, POOLINGS
from steeple.lab.pooling.backbones import ClassifyingBackbone, ConvolutionalBackbone, resized
from steeple.lab.pooling.trained import trained_projection, trained_weights
from tests.random_networks import CLASSES, LITE0, random_weights
from tests.scenes import scene


@pytest.fixture(scope="module")
def weights() -> dict[str, list[np.ndarray]]:
    return random_weights()


@pytest.mark.parametrize(
    ("layer", "shape"), [("head", (4, 5, 1280)), ("stride-16", (8, 10, 112)), ("stride-32", (4, 5, 320))]
)
def test_maps_are_of_a_layer_and_not_negative(
    weights: dict[str, list[np.ndarray]], layer: str, shape: tuple[int, int, int]
) -> None:
    (values,) = ConvolutionalBackbone(weights, layer, [160]).maps(scene(1, 320, 240))
    assert values.shape == shape
    assert values.dtype == np.float32
    assert values.min() == 0.0, "that is, cut off there"
    assert values.max() > 0.0


def test_sizes_come_largest_first_and_each_is_what_it_is_alone(weights: dict[str, list[np.ndarray]]) -> None:
    photo = scene(2, 150, 200)
    maps = ConvolutionalBackbone(weights, sizes=[96, 256, 128]).maps(photo)
    assert [one.shape[:2] for one in maps] == [(8, 6), (4, 3), (3, 3)], "a photo that is smaller is enlarged"
    np.testing.assert_array_equal(maps[1], ConvolutionalBackbone(weights, sizes=[128]).maps(photo)[0])


def test_a_photo_stored_more_coarsely_has_like_maps(weights: dict[str, list[np.ndarray]]) -> None:
    backbone, pooling = ConvolutionalBackbone(weights, sizes=[192]), POOLINGS["spoc"].make()
    photo = scene(3, 400, 300)
    half = resized(photo, 200)
    assert half.shape == (150, 200, 3)
    one, same, other = (pooling.pool(backbone.maps(each)) for each in (photo, half, scene(4, 400, 300)))
    assert one @ same > one @ other + 0.005


@pytest.mark.parametrize(("top", "channels"), [("mean", 1280), ("classes", CLASSES)])
def test_a_classifier_makes_one_cell(weights: dict[str, list[np.ndarray]], top: str, channels: int) -> None:
    (cell,) = ClassifyingBackbone(weights, top).maps(scene(5, 320, 240))
    assert cell.shape == (1, 1, channels)
    vector = POOLINGS["neural-codes"].make().pool((cell,))
    np.testing.assert_allclose(vector, cell[0, 0] / np.linalg.norm(cell), atol=1e-6)


def test_the_classifiers_input_is_the_mean_of_the_head(weights: dict[str, list[np.ndarray]]) -> None:
    square = scene(6, 224, 224)
    (cell,) = ClassifyingBackbone(weights).maps(square)
    (values,) = ConvolutionalBackbone(weights, sizes=[224]).maps(square)
    np.testing.assert_allclose(cell[0, 0], values.mean((0, 1)), rtol=1e-3, atol=1e-4)


def test_a_release_gives_its_global_descriptor() -> None:
    photo = scene(7, 320, 240)
    (cell,) = BACKBONES["delf-global"].make().maps(photo)
    vector = POOLINGS["neural-codes"].make().pool((cell,))
    np.testing.assert_allclose(vector, Extractor("delf-lite2-v1").global_descriptor(photo), atol=1e-6)


def test_what_makes_no_sense_is_refused(weights: dict[str, list[np.ndarray]]) -> None:
    with pytest.raises(InvalidArgumentError, match="there are head, stride-16, stride-32"):
        ConvolutionalBackbone(weights, "top")
    for sizes in ([], [640, 640], [16]):
        with pytest.raises(InvalidArgumentError, match="at least 32 pixels"):
            ConvolutionalBackbone(weights, sizes=sizes)
    with pytest.raises(InvalidArgumentError, match="there are mean, classes"):
        ClassifyingBackbone(weights, "fc6")
    with pytest.raises(ReleaseError, match="no weights for layer block15"):
        ConvolutionalBackbone(random_weights(LITE0.last_block(16) + 4))


def test_a_trained_projection_follows_the_regions_maxima(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    kernel, bias = rng.normal(size=(6, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    releases.save(tmp_path / "dir.npz", {"projection": [kernel, bias]}, {})
    releases.save(tmp_path / "siamac.npz", {"conv_head": [kernel]}, {})
    vectors = rng.normal(size=(4, 6)).astype(np.float32)
    expected = vectors @ kernel + bias
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(trained_projection("dir", tmp_path).apply(vectors), expected, atol=5e-3)
    with pytest.raises(ReleaseError, match="siamac has no projection"):
        trained_projection("siamac", tmp_path)
    with pytest.raises(NotFoundError, match="no trained network nothing"):
        trained_weights("nothing", tmp_path)


@pytest.mark.parametrize("kind", [*BACKBONES.values(), *POOLINGS.values()], ids=lambda kind: kind.title)
def test_parameters_are_such_that_yaml_can_give_them(kind: object) -> None:
    for parameter in inspect.signature(kind.make).parameters.values():  # type: ignore[attr-defined]
        assert isinstance(parameter.default, str | int | float | bool | tuple)
