"""Reference images in the database; every function works in the transaction of the connection it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, RowMapping, Select, func, insert, select

from steeple.errors import AlreadyExistsError, NotFoundError
from steeple.server.catalogue import changes, features, ids, tables
from steeple.server.catalogue.etags import make_etag
from steeple.server.catalogue.landmarks import StoredLandmark, resource_name
from steeple.server.catalogue.records import ChangeKind, ImageDraft, ReferenceImage
from steeple.v1 import features_pb2

_TABLE = tables.reference_image


def image_resource_name(landmark_id: str, image_id: str) -> str:
    """``landmarks/{landmark_id}/images/{image_id}``."""
    return f"{resource_name(landmark_id)}/images/{image_id}"


def create(
    connection: Connection,
    parent: StoredLandmark,
    draft: ImageDraft,
    packed: features_pb2.FeatureSet,
    *,
    image_id: str,
    now: datetime,
) -> ReferenceImage:
    """Adds a reference image with its features and records the change; an empty id is chosen at random.

    Raises:
        AlreadyExistsError: If the id is taken.
    """
    if image_id:
        check_free(connection, parent, image_id)
    else:
        image_id = next(one for one in ids.image_ids() if not _taken(connection, parent, one))
    inserted = insert(_TABLE).values(
        {
            "landmark_key": parent.key,
            "id": image_id,
            "model": draft.features.model,
            "width": draft.features.width,
            "height": draft.features.height,
            "feature_count": len(draft.features),
            "sha256": draft.sha256,
            "size_bytes": draft.size_bytes,
            "media_type": draft.media_type,
            "metadata": dict(draft.metadata),
            "create_time": now,
        }
    )
    key = int(connection.execute(inserted.returning(_TABLE.c.key)).scalar_one())
    features.store(connection, key, packed)
    changes.record(connection, ChangeKind.ADD, key)
    return of_keys(connection, [key])[key]


def check_free(connection: Connection, parent: StoredLandmark, image_id: str) -> None:
    """Checks that a landmark has no reference image of that id.

    Raises:
        AlreadyExistsError: If it has.
    """
    if _taken(connection, parent, image_id):
        name = image_resource_name(parent.landmark.id, image_id)
        raise AlreadyExistsError(f"{name} exists already; choose another id or delete it first", resource=name)


def get(connection: Connection, landmark_id: str, image_id: str) -> ReferenceImage:
    """The reference image of that id.

    Raises:
        NotFoundError: If there is none.
    """
    query = _select().where(tables.landmark.c.id == landmark_id, _TABLE.c.id == image_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        name = image_resource_name(landmark_id, image_id)
        raise NotFoundError(f"there is no {name}", resource=name)
    return _image(row)


def of_keys(connection: Connection, keys: Sequence[int]) -> dict[int, ReferenceImage]:
    """Reference images by key, in one query; those that are not there are left out."""
    rows = connection.execute(_select().where(_TABLE.c.key.in_(keys))).mappings()
    return {row["key"]: _image(row) for row in rows}


def after(connection: Connection, parent: StoredLandmark, last_id: str, limit: int) -> list[ReferenceImage]:
    """The first ``limit`` reference images of a landmark whose ids follow ``last_id``."""
    query = _select().where(_TABLE.c.landmark_key == parent.key, _TABLE.c.id > last_id)
    rows = connection.execute(query.order_by(_TABLE.c.id).limit(limit)).mappings()
    return [_image(row) for row in rows]


def delete(connection: Connection, image: ReferenceImage) -> None:
    """Deletes a reference image with its features and records the change."""
    changes.record(connection, ChangeKind.REMOVE, image.key)
    connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.key == image.key))


def count(connection: Connection) -> int:
    """Number of reference images."""
    return int(connection.execute(select(func.count()).select_from(_TABLE)).scalar_one())


def descriptor_count(connection: Connection, model: str) -> int:
    """Number of descriptors of all reference images of a model release."""
    query = select(func.coalesce(func.sum(_TABLE.c.feature_count), 0)).where(_TABLE.c.model == model)
    return int(connection.execute(query).scalar_one())


def photos_in_use(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Those of the SHA-256 digests that some reference image refers to."""
    return set(connection.execute(select(_TABLE.c.sha256).where(_TABLE.c.sha256.in_(digests)).distinct()).scalars())


def _taken(connection: Connection, parent: StoredLandmark, image_id: str) -> bool:
    query = select(_TABLE.c.key).where(_TABLE.c.landmark_key == parent.key, _TABLE.c.id == image_id)
    return connection.execute(query).one_or_none() is not None


def _select() -> Select[Any]:
    landmark = tables.landmark
    query = select(_TABLE, landmark.c.id.label("landmark_id"))
    return query.join_from(_TABLE, landmark, landmark.c.key == _TABLE.c.landmark_key)


def _image(row: RowMapping) -> ReferenceImage:
    return ReferenceImage(
        key=row["key"],
        landmark_id=row["landmark_id"],
        id=row["id"],
        model=row["model"],
        width=row["width"],
        height=row["height"],
        feature_count=row["feature_count"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        media_type=row["media_type"],
        metadata=row["metadata"],
        create_time=row["create_time"],
        etag=make_etag("image", row["key"], 1, row["create_time"]),
    )
