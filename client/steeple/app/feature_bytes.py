"""Features as they are kept: the bytes of ``steeple.v1.FeatureSet``, 46 a feature."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import DataLossError, FeatureSetError
from steeple.v1 import features_pb2


def features_to_bytes(features: FeatureSet) -> bytes:
    """The bytes of features. Positions are rounded to 1/65536 of the image's sides."""
    return wire.pack(features).SerializeToString()


def features_from_bytes(data: bytes) -> FeatureSet:
    """The features of :func:`features_to_bytes`.

    Raises:
        DataLossError: If the bytes are damaged.
    """
    try:
        return wire.unpack(features_pb2.FeatureSet.FromString(data))
    except (DecodeError, FeatureSetError) as error:
        raise DataLossError(f"features that were kept are damaged: {error}") from error
