"""The DELF network: one trunk, and heads for local descriptors, attention and a global descriptor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from steeple.delf.training import trunk
from steeple.delf.training.recipe import NetworkParameters
from steeple.errors import ReleaseError

Weights = Mapping[str, list[NDArray[np.float32]]]
"""Weights by layer name."""

FEATURES: Final = "features"
DESCRIPTORS: Final = "descriptors"
ATTENTION: Final = "attention"
ATTENTION_HIDDEN: Final = "attention_hidden"
ATTENTION_LOGITS: Final = "attention_logits"
GLOBAL: Final = "global"

_FINE_STRIDE: Final = 8
_GEM_POWER: Final = 3
_HEAD_SCALE: Final = 1 / 16
_SCALE: Final = "head_scale"
_SCALED_HEADS: Final = (ATTENTION_HIDDEN, "global_wide")
_GEM_FLOOR: Final = 1e-3


def delf_network(parameters: NetworkParameters) -> keras.Model:
    """A network with random weights.

    Returns:
        float32[B, H, W, 3] in [-1, 1] to a dict of

        - ``features`` float32[B, h, w, C], what the heads see;
        - ``descriptors`` float32[B, h, w, D], to be L2-normalised by the caller. Since positive factors cancel, that
          is the L2 - projection - L2 of DELF (section 4.3) for a projection without bias;
        - ``attention`` float32[B, h, w, 1], not negative (section 4.2.2; ReLU where the paper has softplus, whose
          quantized form needs a newer TFLite runtime than phones have);
        - ``attention_logits`` float32[B, h, w, 1], the same before the ReLU;
        - ``global`` float32[B, G], to be L2-normalised by the caller: generalised mean of a wider layer, projected.
    """
    family = trunk.TRUNKS[parameters.trunk]
    base = family.network(parameters.last_block)
    features = base.output
    if parameters.fusion:
        fine = base.get_layer(f"block{family.last_block(_FINE_STRIDE)}_add").output
        fine = layers.DepthwiseConv2D(3, 2, "same", use_bias=False, name="fusion_depthwise")(fine)
        fine = layers.Conv2D(features.shape[-1], 1, name="fusion_project", kernel_initializer="zeros")(fine)
        features = layers.Add(name="fusion_add")([features, fine])
    descriptors = layers.Conv2D(parameters.dimensions, 1, use_bias=False, name=DESCRIPTORS)(features)
    # Features of large norm make steps of the heads' weights large; nothing else is changed by this.
    scaled = layers.Rescaling(_HEAD_SCALE, name=_SCALE)(features)
    logits = _learned_attention(scaled, parameters) if parameters.learned_attention else _energy(features)
    attention = layers.ReLU(name=ATTENTION)(logits)
    wide = layers.Conv2D(parameters.global_dimensions, 1, activation="relu", name="global_wide")(scaled)
    pooled = GeneralisedMean(name="global_pool")(wide)
    whole = layers.Dense(parameters.global_dimensions, name=GLOBAL)(pooled)
    return keras.Model(
        base.input,
        {
            FEATURES: features,
            DESCRIPTORS: descriptors,
            ATTENTION_LOGITS: logits,
            ATTENTION: attention,
            GLOBAL: whole,
        },
        name="delf",
    )


def _learned_attention(features: Any, parameters: NetworkParameters) -> Any:
    hidden = layers.Conv2D(parameters.attention_channels, 1, activation="relu", name=ATTENTION_HIDDEN)(features)
    return layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(0.5), name=ATTENTION_LOGITS)(hidden)


def _energy(features: Any) -> Any:
    """The squared norm: what an untrained network has for attention."""
    squares = layers.Multiply(name="attention_squares")([features, features])
    return layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name=ATTENTION_LOGITS)(squares)


def for_inference(model: keras.Model) -> keras.Model:
    """The same function with fewer operators: the scale of the heads' input goes into their weights, exactly.

    Args:
        model: As :func:`delf_network` makes.
    """
    weights = get_weights(model)
    for name in _SCALED_HEADS:
        if name in weights:
            weights[name][0] = weights[name][0] * np.float32(_HEAD_SCALE)
    copy = keras.models.clone_model(
        model,
        clone_function=lambda layer: (
            layers.Activation("linear", name=layer.name)
            if layer.name == _SCALE
            else layer.__class__.from_config(layer.get_config())
        ),
    )
    set_weights(copy, weights)
    return copy


@keras.saving.register_keras_serializable("steeple")
class GeneralisedMean(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """GeM pooling with p = 3 (Radenovic et al., 2018): between average and maximum, and of cheap operators."""

    def call(self, inputs: Any) -> Any:
        """float32[B, h, w, C], not negative, to float32[B, C]."""
        floored = keras.ops.maximum(inputs, _GEM_FLOOR)
        cubes = floored * floored * floored
        return keras.ops.power(keras.ops.mean(cubes, axis=(1, 2)), 1.0 / _GEM_POWER)


def set_weights(model: keras.Model, weights: Weights, *, missing_ok: bool = False) -> None:
    """Sets every layer's weights by its name.

    Args:
        model: Any.
        weights: By layer name.
        missing_ok: Whether layers may stay as they are.

    Raises:
        ReleaseError: If a layer has none, or they are of another shape.
    """
    for layer in model.layers:
        if not layer.weights or (missing_ok and layer.name not in weights):
            continue
        if layer.name not in weights:
            raise ReleaseError(f"there are no weights for layer {layer.name}; they are of another network")
        shapes = [tuple(array.shape) for array in weights[layer.name]]
        if shapes != [tuple(variable.shape) for variable in layer.weights]:
            raise ReleaseError(f"the weights of layer {layer.name} are of another shape: {shapes}")
        layer.set_weights(weights[layer.name])


def get_weights(model: keras.Model) -> dict[str, list[NDArray[np.float32]]]:
    """The weights of every layer by its name."""
    return {
        layer.name: [np.asarray(array, np.float32) for array in layer.get_weights()]
        for layer in model.layers
        if layer.weights
    }
