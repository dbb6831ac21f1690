"""Keras to .tflite: weights, activations, inputs and outputs in int8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

_IN_FLOAT: Final = ("MAXIMUM", "MUL", "MEAN", "POW")


def quantized(model: keras.Model, images: Callable[[], Iterator[NDArray[np.uint8]]]) -> bytes:
    """A .tflite of ``model`` whose arithmetic is int8 (post-training quantization).

    Batch normalisation is folded into the convolutions. Only operators that tflite-runtime 2.14 knows
    come out, as long as the model's layers have such.

    Args:
        model: float32[1, H, W, 3] in [-1, 1], any H and W, to its outputs.
        images: Yields uint8[H, W, 3] photos from which the ranges of activations are measured.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([scaled(image)[None]] for image in images())
    # Float as well: the generalised mean of the global descriptor. Its cube root has no int8 form, and of cubes eight
    # bits keep only the largest.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(_IN_FLOAT), fully_quantize=True)
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=converter.representative_dataset, debug_options=options
    )
    content: bytes = debugger.get_nondebug_quantized_model()
    return content


def in_float(model: keras.Model) -> bytes:
    """A .tflite of ``model`` in float32: what :func:`quantized` is measured against."""
    content: bytes = _converter(model).convert()
    return content


def _converter(model: keras.Model) -> Any:
    traced = tf.function(lambda image: model(image, training=False)).get_concrete_function(
        tf.TensorSpec([1, None, None, 3], tf.float32)
    )
    return tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(traced)])


def scaled(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32[H, W, 3] in [-1, 1] of uint8 pixels p: (p - 127) / 128, as EfficientNet-Lite was trained.

    Its int8 quantization with scale 1/128 and zero point -1 is p - 128, without loss.
    """
    return (image.astype(np.float32) - 127.0) / 128.0


def input_is_exact(content: bytes) -> bool:
    """Whether a .tflite takes p - 128 for a pixel value p."""
    interpreter: Any = tf.lite.Interpreter(model_content=content)
    scale, zero_point = interpreter.get_input_details()[0]["quantization"]
    return bool(np.isclose(scale, 1 / 128) and zero_point == -1)
