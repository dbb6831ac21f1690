"""A release made of a tiny run, beside the Keras network that it was made of. Run by `make test-train`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, Extractor, ModelRelease
from steeple.delf.network import Network
from steeple.errors import InvalidArgumentError, NotFoundError, ReleaseError
from tests.conftest import TinyRun
from tests.scenes import scene
from tests.tiny_training import INDEX, NEEDS_TENSORFLOW, part, quiet

pytestmark = NEEDS_TENSORFLOW

FILES = ("codebook.faiss", "model.tflite", "release.json", "weights.npz")


@pytest.fixture(scope="module")
def keras_network(tiny_run: TinyRun) -> Any:
    network, facts, photos = part("export.release").finished_run(tiny_run.folder, tiny_run.photos)
    assert facts == json.loads((tiny_run.folder / "run.json").read_text(encoding="utf-8"))
    assert len(photos) == facts["photos"]["count"]
    return network


def outputs(network: Any, picture: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    made = network(part("export.tflite").scaled(picture)[None], training=False)
    return {name: np.asarray(value)[0] for name, value in made.items()}


def cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    product = (first.astype(np.float64) * second).sum(axis=-1)
    return np.asarray(product / (np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)), np.float64)


SIZES = pytest.mark.parametrize(("width", "height"), [(320, 240), (480, 640), (211, 157)])
"""And on pictures that the ranges were not measured on."""


@SIZES
def test_in_float_the_release_is_the_network(
    width: int, height: int, keras_network: Any, tiny_float_release: Path
) -> None:
    network = Network(tiny_float_release / "model.tflite")
    picture = scene(100, width, height)
    exact = outputs(keras_network, picture)
    descriptors, scores = network(picture)
    np.testing.assert_allclose(descriptors, exact["descriptors"], atol=1e-4 * np.abs(exact["descriptors"]).max())
    np.testing.assert_allclose(scores, exact["attention"][..., 0], atol=1e-4)
    whole = network.global_descriptor(picture)
    np.testing.assert_allclose(whole, exact["global"], atol=1e-4 * np.abs(exact["global"]).max())


@SIZES
def test_eight_bits_keep_descriptors_scores_and_the_whole(
    width: int, height: int, keras_network: Any, tiny_release: Path
) -> None:
    network = Network(tiny_release / "model.tflite")
    for number in range(100, 103):
        picture = scene(number, width, height)
        exact = outputs(keras_network, picture)
        descriptors, scores = network(picture)
        assert descriptors.shape == exact["descriptors"].shape
        assert cosines(descriptors, exact["descriptors"]).mean() > 0.95
        assert np.corrcoef(scores.ravel(), exact["attention"].ravel())[0, 1] > 0.95
        # The cubes of the generalised mean would keep half in eight bits; whitening over so few photos adds to it.
        assert cosines(network.global_descriptor(picture), exact["global"]) > 0.75


def test_pixels_enter_without_loss(tiny_release: Path) -> None:
    tflite = part("export.tflite")
    assert tflite.input_is_exact((tiny_release / "model.tflite").read_bytes())
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(np.rint(tflite.scaled(pixels) * 128) - 1, pixels.astype(int) - 128)


def test_a_release_is_whole_and_says_what_it_was_made_of(tiny_run: TinyRun, tiny_release: Path) -> None:
    assert sorted(path.name for path in tiny_release.iterdir()) == sorted(FILES)
    release = ModelRelease.load(str(tiny_release))
    assert release.name == "delf-tiny"
    assert release.index.factory == INDEX
    assert (tiny_release / "weights.npz").read_bytes() == (tiny_run.folder / "weights.npz").read_bytes()
    provenance = release.manifest["provenance"]
    assert provenance["training"] == json.loads((tiny_run.folder / "run.json").read_text(encoding="utf-8"))
    field = provenance["receptive_field"]
    assert (field["stride"], field["size"], field["first"]) == (16, 147, -58)
    assert all(0 < each < 31 for each in field["effective_centre"]), "near the cell's own patch"
    assert provenance["made_with"].keys() == {"tensorflow", "keras", "faiss-cpu", "numpy"}
    assert provenance["codebook_descriptors"] > 39 * 16, "FAISS wants so many for 16 centroids"


def test_the_extractor_takes_it(tiny_run: TinyRun, tiny_release: Path, tiny_float_release: Path) -> None:
    photo = sorted((tiny_run.photos / "landmark-4").iterdir())[0]
    found = [Extractor(ModelRelease.load(str(folder))).extract(photo) for folder in (tiny_release, tiny_float_release)]
    for features in found:
        assert len(features) > 100
        assert features.unit_descriptors().shape == (len(features), DIMENSIONS)
        assert (features.scores >= 0).all()
    # Of both, the same places are described alike.
    matched = []
    places = {tuple(place): row for row, place in enumerate(np.column_stack([found[1].keypoints, found[1].scales]))}
    for row, place in enumerate(np.column_stack([found[0].keypoints, found[0].scales])):
        if tuple(place) in places:
            matched.append(cosines(found[0].unit_descriptors()[row], found[1].unit_descriptors()[places[tuple(place)]]))
    assert len(matched) > 0.5 * len(found[0])
    assert np.mean(matched) > 0.95
    sizes = [(folder / "model.tflite").stat().st_size for folder in (tiny_release, tiny_float_release)]
    assert sizes[1] > 2.5 * sizes[0]


def test_what_is_no_finished_run_is_not_exported(tiny_run: TinyRun, tmp_path: Path) -> None:
    release = part("export.release")
    with pytest.raises(NotFoundError, match="holds no finished training run; `steeple model train --output"):
        release.finished_run(tmp_path, tiny_run.photos)
    unfinished = shutil.copytree(tiny_run.folder, tmp_path / "unfinished")
    (unfinished / "weights.npz").unlink()
    with pytest.raises(NotFoundError):
        release.finished_run(unfinished, tiny_run.photos)
    damaged = shutil.copytree(tiny_run.folder, tmp_path / "damaged")
    (damaged / "weights.npz").write_bytes(b"PK")
    with pytest.raises(ReleaseError, match=r"weights\.npz cannot be read"):
        release.finished_run(damaged, tiny_run.photos)
    others = shutil.copytree(tiny_run.photos, tmp_path / "photos")
    (others / "landmark-0" / "0.jpg").unlink()
    with pytest.raises(InvalidArgumentError, match="holds other photos than those"):
        release.finished_run(tiny_run.folder, others)


def test_a_network_of_another_stride_is_refused(tmp_path: Path) -> None:
    """As a recipe with ``last_block`` 4 or 11 makes it: before the long work."""
    recipe, network, release = part("training.recipe"), part("training.network"), part("export.release")
    for last_block, stride in ((4, 8), (11, 32)):
        model = network.delf_network(recipe.NetworkParameters(last_block=last_block, fusion=False))
        with pytest.raises(ReleaseError, match=f"the network's stride is {stride}, not 16"):
            release.export(model, release.ReleaseParameters("x"), [], tmp_path / "out", {}, quiet)
