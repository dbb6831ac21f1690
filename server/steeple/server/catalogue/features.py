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


def of_images(connection: Connection, keys: Sequence[int]) -> dict[int, FeatureSet]:
    """Features by image key, in one query; images that are not there are left out."""
    rows = connection.execute(_select().where(tables.image_features.c.image_key.in_(keys))).mappings()
    return {row["key"]: unpack(row, f"image {row['key']}") for row in rows}


def of_model(connection: Connection, model: str, after_key: int, limit: int) -> list[tuple[int, FeatureSet]]:
    """Features of the first ``limit`` searchable images of ``model`` whose keys follow ``after_key``, in key order."""
    image, landmark = tables.reference_image, tables.landmark
    query = _select().join(landmark, landmark.c.key == image.c.landmark_key)
    query = query.where(image.c.model == model, image.c.key > after_key)
    query = query.where(landmark.c.active, landmark.c.delete_time.is_(None), image.c.delete_time.is_(None))
    query = query.order_by(image.c.key).limit(limit)
    return [(row["key"], unpack(row, f"image {row['key']}")) for row in connection.execute(query).mappings()]


def unpack(row: RowMapping, what: str) -> FeatureSet:
    """The features in a row that has ``model``, ``width``, ``height`` and the packed bytes.

    Args:
        row: Of the database.
        what: Whose features they are.

    Raises:
        DataLossError: If they are damaged.
    """
    message = features_pb2.FeatureSet(
        model=wire.MODEL_PREFIX + row["model"],
        image_width=row["width"],
        image_height=row["height"],
        descriptors=row["descriptors"],
        geometry=row["geometry"],
        max_score=row["max_score"],
    )
    try:
        return wire.unpack(message)
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
