"""Photos through a Keras network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.training.recipe import NetworkParameters
from tests.scenes import encoded, scene
from tests.tiny_training import NEEDS_TENSORFLOW, part, quiet

pytestmark = NEEDS_TENSORFLOW

PHOTOS = 24


@pytest.fixture(scope="module")
def model() -> Any:
    network = part("training.network")
    network.keras.utils.set_random_seed(1)  # of the heads, which no package has weights of
    made = network.delf_network(NetworkParameters(fusion=False, global_dimensions=8))
    network.set_weights(made, part("training.weights").imagenet("efficientnet-lite0"), missing_ok=True)
    return made


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(PHOTOS):
        (folder / f"{number:02}.jpg").write_bytes(encoded(scene(number, 96, 96)))
    return sorted(folder.iterdir())


def test_the_strongest_cells_of_three_scales_are_described(model: Any) -> None:
    picture = scene(1, 200, 150)
    descriptors, keypoints, whole = part("training.describe").Describer(model, 16)(picture)
    cells = 12 * 9 + 9 * 7 + 6 * 5  # 200 x 150 pixels at 1, 0.7071 and 0.5, in cells of 16
    assert (descriptors.shape, keypoints.shape, whole.shape) == ((cells, 40), (cells, 2), (112,))
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1, atol=1e-5)
    assert np.linalg.norm(whole) == pytest.approx(1, abs=1e-5)
    assert (keypoints >= 0).all()
    assert (keypoints <= [199, 149]).all()

    many = part("training.describe").Describer(model, 16)(scene(2, 448, 336))[0]
    assert len(many) == 500

    # Of the largest scale the strongest cell is the first, or another scale has a stronger one.
    resized = cv2.resize(picture, (12 * 16, 9 * 16), interpolation=cv2.INTER_AREA)
    made = model((resized.astype(np.float32)[None] - 127) / 128, training=False)
    energy = np.square(np.asarray(made["features"])[0]).sum(axis=-1)
    row, column = np.unravel_index(energy.argmax(), energy.shape)
    centre = (np.array([column, row]) + 0.5) * [200 / 12, 150 / 9] - 0.5
    (place,) = np.flatnonzero(np.linalg.norm(keypoints - centre, axis=1) < 0.01)
    expected = np.asarray(made["descriptors"])[0, row, column]
    assert float(descriptors[place] @ expected) == pytest.approx(float(np.linalg.norm(expected)), rel=1e-3)


def test_samples_are_features_of_every_photo(model: Any, photos: list[Path]) -> None:
    steps: list[tuple[str, int, int]] = []
    samples = list(part("training.describe").feature_samples(model, photos[:4], 16, lambda *step: steps.append(step)))
    assert [sample.shape for sample in samples] == [(36, 112), (16, 112), (9, 112), (36, 112)]
    assert steps == [("projection", number, 4) for number in range(5)]


def test_whitening_evens_out_the_global_descriptors(model: Any, photos: list[Path]) -> None:
    """Of a head that spreads photos, but in few directions and off the origin."""
    describe, read = part("training.describe"), part("training.photos").training_image

    def vectors() -> NDArray[np.float64]:
        return np.stack([describe.run(model, read(photo), 1.0, 16)["global"][0] for photo in photos]).astype(np.float64)

    def measured() -> tuple[float, float]:
        """How many directions are as if used, and how far the unit vectors' mean is from the origin."""
        found = vectors()
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        variances = np.linalg.eigvalsh(np.cov(unit, rowvar=False))
        return variances.sum() ** 2 / np.square(variances).sum(), float(np.linalg.norm(unit.mean(axis=0)))

    head = model.get_layer("global")
    spread = np.array([1, 1, 0.3, 0.3, 0.2, 0.2, 0.2, 0.2])
    made = vectors()
    scale = spread / made.std(axis=0)
    kernel, bias = head.get_weights()
    head.set_weights([kernel * scale, (bias - made.mean(axis=0)) * scale + 0.5 * spread])
    directions, offset = measured()
    describe.whiten_global(model, photos, 16, quiet)
    whitened, rest = measured()
    assert whitened > 1.3 * directions
    assert rest < 0.5 * offset
