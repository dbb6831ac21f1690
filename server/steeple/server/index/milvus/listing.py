"""Which collections of Steeple's there are in Milvus, whoever made them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from steeple.errors import FailedPreconditionError, NotFoundError
from steeple.server.index.milvus.collections import Collections
from steeple.server.index.milvus.connection import MilvusConnection
from steeple.server.index.milvus.failures import MissingError


@dataclass(frozen=True)
class StoredCollection:
    """A collection of Steeple's.

    Attributes:
        name: Its own.
        prefix: What it was made with, which begins its name: of one catalogue alone.
        model: Name of the model release whose descriptors it has.
        rows: As Milvus counts them: about as many as it has descriptors and images, and some that were removed.
        create_time: When it was made.
        aliases: That stand for it.
    """

    name: str
    prefix: str
    model: str
    rows: int
    create_time: datetime
    aliases: tuple[str, ...]


def stored(connection: MilvusConnection, prefix: str) -> list[StoredCollection]:
    """Steeple's collections whose names begin with a prefix and ``_``, by name.

    Raises:
        SteepleError: If Milvus cannot tell.
    """
    collections, kept = Collections(connection), []
    for name in sorted(collections.names()):
        if name.startswith(f"{prefix}_") and (described := collections.described(name)) is not None:
            try:
                found = _read(connection, described)
            except MissingError:  # dropped just now
                continue
            if found is not None:
                kept.append(found)
    return kept


def named(connection: MilvusConnection, name: str) -> StoredCollection:
    """The collection of a name.

    Raises:
        NotFoundError: If there is none of that name; an alias is none.
        FailedPreconditionError: If it is not one of Steeple's.
        SteepleError: If Milvus cannot tell.
    """
    described = Collections(connection).described(name)
    if described is None:
        raise NotFoundError(f"Milvus has no collection {name}")
    if described.schema.name != name:
        raise NotFoundError(f"{name} is an alias of the collection {described.schema.name}: name that")
    found = _read(connection, described)
    if found is None:
        raise FailedPreconditionError(f"the collection {name} is not one of Steeple's")
    return found


def drop(connection: MilvusConnection, collection: StoredCollection) -> None:
    """Drops a collection, with the aliases that stand for it."""
    collections = Collections(connection)
    for alias in collection.aliases:
        collections.drop_alias(alias)
    collections.drop(collection.name)


def _read(connection: MilvusConnection, described: Any) -> StoredCollection | None:  # noqa: ANN401 - milvus_pb2.DescribeCollectionResponse
    """What is told of a collection; None: it is not one of Steeple's."""
    name = str(described.schema.name)
    facts = _facts(described.schema.description)
    if facts is None:
        return None
    request = connection.contract.milvus.GetCollectionStatisticsRequest(collection_name=name)
    counted = connection.call("GetCollectionStatistics", request, "count rows")
    return StoredCollection(
        name,
        facts.get("prefix", ""),
        facts["model"],
        next((int(one.value) for one in counted.stats if one.key == "row_count"), 0),
        datetime.fromtimestamp(described.created_utc_timestamp / 1000, UTC),
        tuple(sorted(described.aliases)),
    )


def _facts(description: str) -> dict[str, str] | None:
    """What a collection was made with, if Steeple made it: nothing else describes its collections so."""
    try:
        found = json.loads(description)
    except ValueError:
        return None
    if not isinstance(found, dict) or not {"model", "tflite_sha256", "index"} <= found.keys():
        return None
    return {str(key): str(value) for key, value in found.items()}
