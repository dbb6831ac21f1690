"""The fields of a collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.server.catalogue.limits import MAX_LABELS
from steeple.server.index.milvus.contract import contract

ID: Final = "id"
IMAGE_KEY: Final = "image_key"
FEATURE: Final = "feature"
GEOMETRY: Final = ("x", "y", "scale")
LANDMARK_KEY: Final = "landmark_key"
LABELS: Final = "labels"
LATITUDE: Final = "latitude"
LONGITUDE: Final = "longitude"
REGION: Final = "region"
DESCRIPTOR: Final = "descriptor"

NO_DEGREES: Final = -1000.0
"""Latitude and longitude of what has no location: Milvus 2.3 knows no null."""

_LABEL_LENGTH: Final = 40

# Protocol Buffers' wire format.
_FIELD_1_PACKED: Final = b"\x0a"
_VARINT_BITS: Final = 7
_VARINT_MASK: Final = 0x7F
_VARINT_MORE: Final = 0x80


def collection_schema(name: str, description: str) -> Any:  # noqa: ANN401 - schema_pb2.CollectionSchema
    """The schema of a collection of descriptors."""
    messages = contract()
    types = messages.schema.DataType
    described = messages.schema.CollectionSchema(name=name, description=description)

    def add(field: str, kind: int, text: str, **more: Any) -> Any:  # noqa: ANN401 - of the message
        return described.fields.add(name=field, data_type=kind, description=text, **more)

    add(ID, types.Int64, "image_key * 4096 + feature, or less than 0: an image as a whole", is_primary_key=True)
    add(IMAGE_KEY, types.Int64, "of the reference image")
    add(FEATURE, types.Int16, "number of the feature within the image; of an image as a whole: how many it has")
    for axis, text in zip(GEOMETRY, ("pixels", "pixels", "of the feature"), strict=True):
        add(axis, types.Float, text)
    add(LANDMARK_KEY, types.Int64, "of the landmark, -1: unknown")
    labels = add(LABELS, types.Array, "of the landmark", element_type=types.VarChar)
    labels.type_params.add(key="max_capacity", value=str(MAX_LABELS))
    labels.type_params.add(key="max_length", value=str(_LABEL_LENGTH))
    add(LATITUDE, types.Double, f"of the landmark, degrees; {NO_DEGREES:.0f}: it has no location")
    add(LONGITUDE, types.Double, f"of the landmark, degrees; {NO_DEGREES:.0f}: it has no location")
    add(REGION, types.Int64, "cell of one degree, -1: no location", is_partition_key=True)
    vector = add(DESCRIPTOR, types.FloatVector, "L2-normalised; of an image as a whole: far away")
    vector.type_params.add(key="dim", value=str(DIMENSIONS))
    return described


def longs(field: str, values: NDArray[np.int64]) -> Any:  # noqa: ANN401 - schema_pb2.FieldData
    """A column of INT64."""
    messages = contract().schema
    data = messages.FieldData(field_name=field, type=messages.DataType.Int64)
    data.scalars.long_data.data.extend(values.tolist())
    return data


def integers(field: str, values: NDArray[np.int64]) -> Any:  # noqa: ANN401 - schema_pb2.FieldData
    """A column of INT16."""
    messages = contract().schema
    data = messages.FieldData(field_name=field, type=messages.DataType.Int16)
    data.scalars.int_data.data.extend(values.tolist())
    return data


def floats(field: str, values: NDArray[np.float32]) -> Any:  # noqa: ANN401 - schema_pb2.FieldData
    """A column of FLOAT."""
    messages = contract().schema
    data = messages.FieldData(field_name=field, type=messages.DataType.Float)
    data.scalars.float_data.ParseFromString(_packed(values, "<f4"))
    return data


def doubles(field: str, values: NDArray[np.float64]) -> Any:  # noqa: ANN401 - schema_pb2.FieldData
    """A column of DOUBLE."""
    messages = contract().schema
    data = messages.FieldData(field_name=field, type=messages.DataType.Double)
    data.scalars.double_data.ParseFromString(_packed(values, "<f8"))
    return data


def texts(field: str, values: Sequence[Sequence[str]], repeats: NDArray[np.int64]) -> Any:  # noqa: ANN401 - schema_pb2.FieldData
    """A column of ARRAY of VARCHAR: each of ``values`` so many times."""
    messages = contract().schema
    data = messages.FieldData(field_name=field, type=messages.DataType.Array)
    data.scalars.array_data.element_type = messages.DataType.VarChar
    for some, times in zip(values, repeats.tolist(), strict=True):
        one = messages.ScalarField(string_data=messages.StringArray(data=some))
        data.scalars.array_data.data.extend([one] * times)
    return data


def vectors(field: str, values: NDArray[np.float32]) -> Any:  # noqa: ANN401 - schema_pb2.FieldData
    """A column of FLOAT_VECTOR."""
    messages = contract().schema
    data = messages.FieldData(field_name=field, type=messages.DataType.FloatVector)
    data.vectors.dim = values.shape[1]
    data.vectors.float_vector.ParseFromString(_packed(values, "<f4"))
    return data


def values_of(data: Any) -> list[Any]:  # noqa: ANN401 - schema_pb2.FieldData
    """The values of a column, but for vectors."""
    kind = data.scalars.WhichOneof("data")
    content = getattr(data.scalars, kind).data
    return [list(each.string_data.data) for each in content] if kind == "array_data" else list(content)


def _packed(values: NDArray[Any], dtype: str) -> bytes:
    """A message whose field 1 repeats numbers, as it goes over the wire: no Python object is made of any."""
    content = np.ascontiguousarray(values, dtype).tobytes()
    length, size = bytearray(), len(content)
    while size > _VARINT_MASK:
        length.append(size & _VARINT_MASK | _VARINT_MORE)
        size >>= _VARINT_BITS
    length.append(size)
    return _FIELD_1_PACKED + bytes(length) + content if content else b""
