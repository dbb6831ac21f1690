"""Milvus's messages and services, where the package that brings them is installed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from steeple.errors import FailedPreconditionError


@dataclass(frozen=True)
class Contract:
    """Modules that protoc made of milvus-proto.

    Attributes:
        milvus: Requests and answers.
        schema: Collections, fields and their data.
        common: Status, states and levels.
        service: The stub.
    """

    milvus: Any
    schema: Any
    common: Any
    service: Any


@cache
def contract() -> Contract:
    """The modules, imported when first asked for.

    Raises:
        FailedPreconditionError: If they are not installed.
    """
    try:
        from pymilvus.grpc_gen import (  # noqa: PLC0415 - an extra
            common_pb2,
            milvus_pb2,
            milvus_pb2_grpc,
            schema_pb2,
        )
    except ImportError as error:
        raise FailedPreconditionError(
            "an index in Milvus needs the package pymilvus: pip install 'steeple[milvus]'"
        ) from error
    return Contract(milvus_pb2, schema_pb2, common_pb2, milvus_pb2_grpc)
