"""Networks that make one vector of a whole photo: MAC and R-MAC on an EfficientNet-Lite."""

from __future__ import annotations

import math
from typing import Any, Final

import keras
from keras import layers, ops

from steeple.baselines.regions import region_grid
from steeple.delf.training.trunk import TRUNKS

MAP: Final = "map"
VECTOR: Final = "vector"
REGIONS: Final = "regions"
PROJECTION: Final = "projection"

_HEAD_CHANNELS: Final = 1280
_HEAD_NORM_EPSILON: Final = 1e-3


def mac_network(trunk: str) -> keras.Model:
    """MAC (Radenovic et al., ECCV 2016): the maximum of every channel over the photo, L2-normalised.

    Args:
        trunk: One of :data:`steeple.delf.training.trunk.TRUNKS`.

    Returns:
        With random weights: float32[B, H, W, 3] in [-1, 1] to a dict of ``map`` float32[B, h, w, 1280], not
        negative, of stride 32, and ``vector`` float32[B, 1280], unit.
    """
    image, features = _features(trunk)
    pooled = layers.GlobalMaxPooling2D(name="mac")(features)
    return keras.Model(image, {MAP: features, VECTOR: Unit(name="unit")(pooled)}, name="siamac")


def rmac_network(trunk: str, dimensions: int) -> keras.Model:
    """R-MAC as Deep Image Retrieval trains it (Gordo et al., IJCV 2017, section 3.1).

    Maxima over regions are L2-normalised, projected by a fully connected layer with a bias (PCA, whitening and shift in
    one), L2-normalised, summed and L2-normalised.

    Args:
        trunk: One of :data:`steeple.delf.training.trunk.TRUNKS`.
        dimensions: Of the vector.

    Returns:
        With random weights: float32[B, H, W, 3] in [-1, 1] to a dict of ``map`` float32[B, h, w, 1280], ``regions``
        float32[B, R, 1280], unit, and ``vector`` float32[B, D], unit. Layer ``projection`` is the fully connected one.
    """
    image, features = _features(trunk)
    regions = Unit(name="unit_regions")(RegionMaxima(name="rmac")(features))
    projected = layers.Dense(dimensions, name=PROJECTION)(regions)
    summed = RegionSum(name="sum")(Unit(name="unit_projected")(projected))
    return keras.Model(image, {MAP: features, REGIONS: regions, VECTOR: Unit(name="unit")(summed)}, name="dir")


@keras.saving.register_keras_serializable("steeple")
class Unit(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """L2-normalised along the last axis."""

    def call(self, inputs: Any) -> Any:
        """Of any shape."""
        return inputs / ops.sqrt(ops.sum(ops.square(inputs), axis=-1, keepdims=True) + 1e-12)


@keras.saving.register_keras_serializable("steeple")
class RegionMaxima(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """The maximum of every channel over each of the regions of :func:`region_grid`."""

    def call(self, inputs: Any) -> Any:
        """float32[B, h, w, C] to float32[B, R, C]; h and w are known."""
        height, width = inputs.shape[1:3]
        maxima = [
            ops.max(inputs[:, row : row + side, column : column + side], axis=(1, 2))
            for row, column, side in region_grid(height, width)
        ]
        return ops.stack(maxima, axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The number of regions depends on the photo."""
        return (input_shape[0], None, input_shape[-1])


@keras.saving.register_keras_serializable("steeple")
class RegionSum(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Adds regions up."""

    def call(self, inputs: Any) -> Any:
        """float32[B, R, D] to float32[B, D]."""
        return ops.sum(inputs, axis=1)


def _starts(span: int, side: int, count: int) -> list[int]:
    if count == 1:
        return [(span - side) // 2]
    return [math.floor(number * (span - side) / (count - 1)) for number in range(count)]


def _features(name: str) -> tuple[Any, Any]:
    """The whole trunk with the convolution of its head: the last features before ImageNet's classifier."""
    family = TRUNKS[name]
    base = family.network(sum(stage.repeats for stage in family.stages) - 1)
    x = layers.Conv2D(_HEAD_CHANNELS, 1, use_bias=False, name="conv_head")(base.output)
    x = layers.BatchNormalization(epsilon=_HEAD_NORM_EPSILON, name="bn1")(x)
    return base.input, layers.ReLU(6.0, name="features")(x)
