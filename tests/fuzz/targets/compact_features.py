"""CompactFeatureSets, as messages: codes and Golomb-Rice coded cells."""

from __future__ import annotations

import functools

import numpy as np
from google.protobuf.message import DecodeError

from steeple.delf import compact
from steeple.delf.features import MAX_FEATURES
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.errors import FeatureSetError
from steeple.v1.features_pb2 import CompactFeatureSet
from tests.fuzz.catalogue import features


@functools.cache
def _release() -> ModelRelease:
    return ModelRelease.load(DEFAULT_RELEASE)


def seeds() -> list[bytes]:
    """One feature, and a few cells written by hand."""
    one = compact.pack(features(3), _release(), 256)
    few = CompactFeatureSet(
        model=one.model,
        image_width=640,
        image_height=480,
        code_size=1,
        codes=b"abc",
        cells=b"\x2a\x1f",
        cell_parameter=2,
    )
    return [one.SerializeToString(), few.SerializeToString(), b""]


def check(data: bytes) -> None:
    """It is refused as a FeatureSet, or has as many features as codes, inside of the image."""
    try:
        message = CompactFeatureSet.FromString(data)
        found = compact.unpack(message, _release())
    except (DecodeError, FeatureSetError):
        return
    assert len(found) == len(message.codes) // message.code_size <= MAX_FEATURES
    assert np.isfinite(found.keypoints).all()
    assert (np.linalg.norm(found.descriptors.astype(np.float32), axis=1) > 100).all()
