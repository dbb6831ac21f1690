"""Features of reference images, stored as the packed bytes of the wire."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, Select, insert, select

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import DataLossError, FeatureSetError
from steeple.server.catalogue import tables
from steeple.v1 import features_pb2


def store(connection: Connection, image_key: int, packed: features_pb2.FeatureSet) -> None:
    """Stores the features of an image beside its row."""
    connection.execute(
        insert(tables.image_features).values(
            image_key=image_key,
            descriptors=packed.descriptors,
            geometry=packed.geometry,
            max_score=packed.max_score,
        )
    )


def of_images(connection: Connection, keys: Sequence[int], model: str = "") -> dict[int, FeatureSet]:
    """Features by image key: by a model release or, without one, by each image's own.

    Images that are not there, or have no such features, are left out.
    """
    own = _select().where(tables.image_features.c.image_key.in_(keys))
    if not model:
        return {row["key"]: unpack(row, f"image {row['key']}") for row in connection.execute(own).mappings()}
    others = _select_others(model).where(tables.release_features.c.image_key.in_(keys))
    queries = (own.where(tables.reference_image.c.model == model), others)
    return {
        row["key"]: unpack(row, f"image {row['key']}")
        for query in queries
        for row in connection.execute(query).mappings()
    }


def packed(connection: Connection, keys: Sequence[int]) -> dict[int, features_pb2.FeatureSet]:
    """Features by image key as they are stored; images that are not there are left out."""
    rows = connection.execute(_select().where(tables.image_features.c.image_key.in_(keys))).mappings()
    return {row["key"]: _message(row) for row in rows}


def of_model(connection: Connection, model: str, after_key: int, limit: int) -> list[tuple[int, FeatureSet]]:
    """Features by ``model`` of the first ``limit`` searchable images after a key that have such, in key order."""
    image, landmark = tables.reference_image, tables.landmark
    found: dict[int, RowMapping] = {}
    for every in (_select().where(image.c.model == model), _select_others(model)):
        query = every.join(landmark, landmark.c.key == image.c.landmark_key).where(image.c.key > after_key)
        query = query.where(landmark.c.active, landmark.c.delete_time.is_(None), image.c.delete_time.is_(None))
        rows = connection.execute(query.order_by(image.c.key).limit(limit)).mappings()
        found.update((row["key"], row) for row in rows)
    return [(key, unpack(found[key], f"image {key}")) for key in sorted(found)[:limit]]


def unpack(row: RowMapping, what: str) -> FeatureSet:
    """The features in a row that has ``model``, ``width``, ``height`` and the packed bytes.

    Args:
        row: Of the database.
        what: Whose features they are.

    Raises:
        DataLossError: If they are damaged.
    """
    try:
        return wire.unpack(_message(row))
    except FeatureSetError as error:
        raise DataLossError(f"the stored features of {what} are damaged: {error.message}") from error


def _select() -> Select[int, str, int, int, bytes, bytes, float]:
    image, features = tables.reference_image, tables.image_features
    return select(
        image.c.key,
        image.c.model,
        image.c.width,
        image.c.height,
        features.c.descriptors,
        features.c.geometry,
        features.c.max_score,
    ).join_from(image, features, features.c.image_key == image.c.key)


def _select_others(model: str) -> Select[int, str, int, int, bytes, bytes, float]:
    """Features by a model release of images that are another's own."""
    image, features = tables.reference_image, tables.release_features
    return (
        select(
            image.c.key,
            features.c.model,
            features.c.width,
            features.c.height,
            features.c.descriptors,
            features.c.geometry,
            features.c.max_score,
        )
        .join_from(image, features, features.c.image_key == image.c.key)
        .where(features.c.model == model, image.c.model != model)
    )


def _message(row: RowMapping) -> features_pb2.FeatureSet:
    return features_pb2.FeatureSet(
        model=wire.MODEL_PREFIX + row["model"],
        image_width=row["width"],
        image_height=row["height"],
        descriptors=row["descriptors"],
        geometry=row["geometry"],
        max_score=row["max_score"],
    )
