"""FeatureSets, as messages."""

from __future__ import annotations

import numpy as np
from google.protobuf.message import DecodeError

from steeple.delf import wire
from steeple.delf.features import DIMENSIONS, MAX_FEATURES
from steeple.errors import FeatureSetError
from steeple.v1.features_pb2 import FeatureSet
from tests.fuzz.catalogue import features


def seeds() -> list[bytes]:
    """Of no, one and five features."""
    return [wire.pack(features(count)).SerializeToString() for count in (0, 1, 5)]


def check(data: bytes) -> None:
    """It is refused as a FeatureSet, or all of it is within bounds and survives another journey."""
    try:
        message = FeatureSet.FromString(data)
        found = wire.unpack(message)
    except (DecodeError, FeatureSetError):
        return
    assert found.descriptors.shape == (len(found), DIMENSIONS)
    assert len(found) <= MAX_FEATURES
    assert 1 <= found.width <= 65_535
    assert 1 <= found.height <= 65_535
    for values in (found.keypoints, found.scales, found.scores):
        assert np.isfinite(values).all()
    again = wire.pack(found)
    assert (again.descriptors, len(again.geometry)) == (message.descriptors, len(message.geometry))
    # The scale is exact; a position is the middle of its step.
    assert again.geometry[4::6] == message.geometry[4::6]
