"""Keras to .tflite: all weights, activations, inputs and outputs in int8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def quantized(model: keras.Model, images: Callable[[], Iterator[NDArray[np.uint8]]]) -> bytes:
    """A .tflite of ``model`` whose arithmetic is all int8 (post-training quantization).

    Batch normalisation is folded into the convolutions. Only operators that tflite-runtime 2.14 knows
    come out, as long as the model's layers have such.

    Args:
        model: float32[1, H, W, 3] in [-1, 1], any H and W, to its outputs.
        images: Yields uint8[H, W, 3] photos from which the ranges of activations are measured.
    """
    traced = tf.function(lambda image: model(image, training=False)).get_concrete_function(
        tf.TensorSpec([1, None, None, 3], tf.float32)
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(traced)])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([scaled(image)[None]] for image in images())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return content


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
