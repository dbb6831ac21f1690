"""Searches: requests made of arrays, answers read into arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.recognition.neighbours import Neighbours
from steeple.server.index.milvus import rows, schema
from steeple.server.index.milvus.contract import contract

MOST_QUERIES: Final = 16_384
"""Descriptors of a request (nq), at most."""

MOST_NEIGHBOURS: Final = 16_384
"""Neighbours of a descriptor (topk), at most."""

FEWER_PROBES: Final = 2
"""By so many, since the lists of a segment are made for it, and not for other photos as the release's are."""

_MOST_HITS: Final = 4_000_000  # of an answer: 48 MB


def blocks(queries: int, neighbours: int) -> Iterator[slice]:
    """Parts of as many queries that a request each can have."""
    size = max(1, min(MOST_QUERIES, _MOST_HITS // max(1, neighbours)))
    for start in range(0, queries, size):
        yield slice(start, min(queries, start + size))


def request(
    collection: str,
    queries: NDArray[np.float32],
    neighbours: int,
    *,
    probes: int,
    guarantee: int,
    expression: str = "",
) -> Any:  # noqa: ANN401 - milvus_pb2.SearchRequest
    """A search of all descriptors at once.

    Args:
        collection: Name or alias.
        queries: float32[Q, 40].
        neighbours: K.
        probes: Lists visited (nprobe), of each segment.
        guarantee: Timestamp up to which writes must be seen.
        expression: That rows must satisfy.
    """
    messages = contract()
    placeholder = messages.common.PlaceholderValue(tag="$0", type=messages.common.PlaceholderType.FloatVector)
    placeholder.values.extend(row.tobytes() for row in queries)
    made = messages.milvus.SearchRequest(
        collection_name=collection,
        dsl=expression,
        dsl_type=messages.common.DslType.BoolExprV1,
        placeholder_group=messages.common.PlaceholderGroup(placeholders=[placeholder]).SerializeToString(),
        nq=len(queries),
        guarantee_timestamp=guarantee,
        consistency_level=messages.common.ConsistencyLevel.Customized,
    )
    for key, value in {
        "anns_field": schema.DESCRIPTOR,
        "topk": str(neighbours),
        "metric_type": "L2",
        "round_decimal": "-1",
        "params": json.dumps({"nprobe": probes}),
    }.items():
        made.search_params.add(key=key, value=value)
    return made


def query(collection: str, expression: str, fields: Sequence[str], guarantee: int, limit: int = 0) -> Any:  # noqa: ANN401 - milvus_pb2.QueryRequest
    """A question for the rows that satisfy an expression, those of the lowest primary keys first.

    Args:
        collection: Name or alias.
        expression: That rows must satisfy.
        fields: That are wanted.
        guarantee: Timestamp up to which writes must be seen; 0: all there are now.
        limit: Rows; 0: all.
    """
    messages = contract()
    level = messages.common.ConsistencyLevel
    made = messages.milvus.QueryRequest(
        collection_name=collection,
        expr=expression,
        output_fields=fields,
        guarantee_timestamp=guarantee,
        consistency_level=level.Customized if guarantee else level.Strong,
    )
    if limit:
        made.query_params.add(key="limit", value=str(limit))
    return made


def neighbours_of(results: Any, queries: int, neighbours: int) -> Neighbours:  # noqa: ANN401 - schema_pb2.SearchResultData
    """What an answer says, as arrays; rows that stand for whole images are left out."""
    counts = np.array(results.topks, np.int64)
    ids = np.full((queries, neighbours), -1, np.int64)
    distances = np.full((queries, neighbours), np.inf, np.float32)
    if len(counts):
        there = np.arange(neighbours) < counts[:, None]
        ids[there] = np.array(results.ids.int_id.data, np.int64)
        distances[there] = np.array(results.scores, np.float32)
    distances[ids < 0] = np.inf
    keys, features = rows.images_of(ids)
    return Neighbours(keys, features, np.maximum(distances, 0.0))


def none(queries: int, neighbours: int) -> Neighbours:
    """No neighbours of as many descriptors."""
    shape = (queries, neighbours)
    return Neighbours(np.full(shape, -1, np.int64), np.full(shape, -1, np.int32), np.full(shape, np.inf, np.float32))


def joined(parts: list[Neighbours]) -> Neighbours:
    """The neighbours of all descriptors of several parts."""
    if len(parts) == 1:
        return parts[0]
    return Neighbours(
        np.concatenate([part.image_keys for part in parts]),
        np.concatenate([part.feature_numbers for part in parts]),
        np.concatenate([part.distances for part in parts]),
    )


def nearest(parts: list[Neighbours], neighbours: int) -> Neighbours:
    """The nearest of all that several searches of the same descriptors found."""
    if len(parts) == 1:
        return parts[0]
    distances = np.concatenate([part.distances for part in parts], axis=1)
    order = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
    return Neighbours(
        np.take_along_axis(np.concatenate([part.image_keys for part in parts], axis=1), order, axis=1),
        np.take_along_axis(np.concatenate([part.feature_numbers for part in parts], axis=1), order, axis=1),
        np.take_along_axis(distances, order, axis=1),
    )
