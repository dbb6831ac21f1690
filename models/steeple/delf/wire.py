"""FeatureSets as protocol messages: 46 bytes a feature (``steeple/v1/features.proto``)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import DIMENSIONS, FeatureSet
from steeple.errors import FeatureSetError
from steeple.v1 import features_pb2

MODEL_PREFIX: Final = "models/"

_GEOMETRY: Final = np.dtype([("x", "<u2"), ("y", "<u2"), ("scale", "u1"), ("score", "u1")])
_MESSAGE_FIELDS: Final = {
    "width": "image_width",
    "height": "image_height",
    "keypoints": "geometry",
    "scales": "geometry",
    "scores": "geometry",
}
_SCALE_STEPS: Final = 16.0  # per octave
_SCALE_BIAS: Final = 8.0  # octaves below one pixel a pixel


def pack(features: FeatureSet) -> features_pb2.FeatureSet:
    """The message that carries ``features``. Positions are rounded to 1/65536 of the image's sides."""
    peak = float(features.scores.max(initial=0.0))
    geometry = np.empty(len(features), _GEOMETRY)
    geometry["x"] = _fraction(features.keypoints[:, 0], features.width)
    geometry["y"] = _fraction(features.keypoints[:, 1], features.height)
    octaves = np.log2(features.scales) + _SCALE_BIAS
    geometry["scale"] = np.clip(np.rint(octaves * _SCALE_STEPS), 0, 255)
    geometry["score"] = np.rint(features.scores / peak * 255) if peak > 0 else 0
    return features_pb2.FeatureSet(
        model=MODEL_PREFIX + features.model,
        image_width=features.width,
        image_height=features.height,
        descriptors=np.ascontiguousarray(features.descriptors).tobytes(),
        geometry=geometry.tobytes(),
        max_score=peak,
    )


def unpack(message: features_pb2.FeatureSet) -> FeatureSet:
    """The features that a message carries.

    Raises:
        FeatureSetError: If the message is malformed; the text says how, and its metadata ``field`` which field it is.
    """
    with naming_fields(_MESSAGE_FIELDS):
        return _unpacked(message)


@contextmanager
def naming_fields(names: Mapping[str, str]) -> Iterator[None]:
    """Errors that are raised inside name the fields of a message.

    Args:
        names: Of the message's fields, by attributes of the FeatureSet that are called otherwise there.
    """
    try:
        yield
    except FeatureSetError as error:
        field = error.metadata.get("field", "")
        error.metadata.update({"field": names[field]} if field in names else {})
        raise


def _unpacked(message: features_pb2.FeatureSet) -> FeatureSet:
    model = model_of(message.model)
    if not math.isfinite(message.max_score) or message.max_score < 0:
        raise FeatureSetError(
            f"max_score must be a finite number of at least 0, not {message.max_score}", field="max_score"
        )
    count, rest = divmod(len(message.descriptors), DIMENSIONS)
    if rest:
        raise FeatureSetError(
            f"descriptors must be a multiple of {DIMENSIONS} bytes, one int8 a component, "
            f"not {len(message.descriptors)}",
            field="descriptors",
        )
    if len(message.geometry) != count * _GEOMETRY.itemsize:
        raise FeatureSetError(
            f"geometry must be {_GEOMETRY.itemsize} bytes for each of the {count} descriptors, "
            f"{count * _GEOMETRY.itemsize} in all, not {len(message.geometry)}",
            field="geometry",
        )
    geometry = np.frombuffer(message.geometry, _GEOMETRY)
    keypoints = np.empty((count, 2), np.float32)
    keypoints[:, 0] = _position(geometry["x"], message.image_width)
    keypoints[:, 1] = _position(geometry["y"], message.image_height)
    return FeatureSet(
        model=model,
        width=message.image_width,
        height=message.image_height,
        descriptors=np.frombuffer(message.descriptors, np.int8).reshape(count, DIMENSIONS),
        keypoints=keypoints,
        scales=np.exp2(geometry["scale"].astype(np.float32) / _SCALE_STEPS - _SCALE_BIAS),
        scores=(geometry["score"] / 255 * message.max_score).astype(np.float32),
    )


def model_of(name: str) -> str:
    """The model release that ``models/{model}`` names.

    Raises:
        FeatureSetError: If it is no such name.
    """
    if not name.startswith(MODEL_PREFIX) or len(name) == len(MODEL_PREFIX):
        raise FeatureSetError(f"model must read {MODEL_PREFIX}{{model}}, not {name[:200]!r}", field="model")
    return name.removeprefix(MODEL_PREFIX)


def _fraction(position: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    return np.clip(np.rint((position.astype(np.float64) + 0.5) / side * 65536 - 0.5), 0, 65535)


def _position(fraction: NDArray[np.uint16], side: int) -> NDArray[np.float64]:
    return (fraction.astype(np.float64) + 0.5) / 65536 * side - 0.5
