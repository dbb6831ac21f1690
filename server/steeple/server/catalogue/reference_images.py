"""Reference images in the database; every function works in the transaction of the connection it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    func,
    insert,
    or_,
    select,
    true,
    union,
)

from steeple.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from steeple.server.catalogue import audit, changes, discovery_tables, features, filters, ids, landmarks, tables
from steeple.server.catalogue.etags import check_etag, make_etag
from steeple.server.catalogue.history import difference, image_state
from steeple.server.catalogue.landmarks import StoredLandmark, resource_name
from steeple.server.catalogue.ordering import OrderField, read_number, read_text, read_time
from steeple.server.catalogue.pages import Listing
from steeple.server.catalogue.records import (
    Capture,
    ChangeKind,
    ImageDraft,
    LatLng,
    Page,
    Quality,
    ReferenceImage,
    TakenImage,
)
from steeple.v1 import features_pb2

_TABLE = tables.reference_image
_READ_AT_ONCE = 100  # rows of a page, which may be large

_NOT_DELETED: Final = _TABLE.c.delete_time.is_(None)
SEARCHABLE: Final = and_(_NOT_DELETED, landmarks.SEARCHABLE)
"""Reference images that searches may find, where the landmark is joined."""

FILTERS: Final = {
    "id": filters.Text(_TABLE.c.id),
    "model": filters.Text("models/" + _TABLE.c.model),
    "sha256": filters.Text(_TABLE.c.sha256),
    "media_type": filters.Text(_TABLE.c.media_type),
    "metadata": filters.JsonEntries(_TABLE.c.metadata),
    "feature_count": filters.Number(_TABLE.c.feature_count),
    "identify_count": filters.Number(_TABLE.c.identify_count),
    "quality_grade": filters.Number(_TABLE.c.quality_grade),
    "create_time": filters.Time(_TABLE.c.create_time),
}
"""Fields that lists of reference images can be filtered by."""

ORDERS: Final = {
    "id": OrderField(_TABLE.c.id, read_text),
    "create_time": OrderField(_TABLE.c.create_time, read_time),
    "feature_count": OrderField(_TABLE.c.feature_count, read_number),
    "identify_count": OrderField(_TABLE.c.identify_count, read_number),
}
"""Fields that lists of reference images can be sorted by."""


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
    place, quality = draft.capture.location, draft.quality
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
            **capture_columns(place),
            "capture_time": draft.capture.time,
            "quality_grade": None if quality is None else quality.grade,
            "quality_reasons": [] if quality is None else list(quality.reasons),
        }
    )
    key = int(connection.execute(inserted.returning(_TABLE.c.key)).scalar_one())
    features.store(connection, key, packed)
    landmarks.count_images(connection, parent.key, 1)
    if parent.landmark.active:
        changes.record(connection, ChangeKind.ADD, key)
    created = _image(connection.execute(_select().where(_TABLE.c.key == key)).mappings().one())
    audit.record_change(connection, image_resource_name(parent.landmark.id, image_id), None, image_state(created))
    return replace(created, duplicates=tuple(draft.duplicates))


def check_free(connection: Connection, parent: StoredLandmark, image_id: str) -> None:
    """Checks that a landmark has no reference image of that id.

    Raises:
        AlreadyExistsError: If it has.
    """
    if _taken(connection, parent, image_id):
        name = image_resource_name(parent.landmark.id, image_id)
        if get(connection, parent.landmark.id, image_id).delete_time is None:
            raise AlreadyExistsError(f"{name} exists already; choose another id", resource=name)
        raise AlreadyExistsError(f"{name} is deleted but kept: choose another id or undelete it", resource=name)


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
    """Searchable reference images by key, in one query; those that are not there are left out."""
    rows = connection.execute(_select().where(_TABLE.c.key.in_(keys), SEARCHABLE)).mappings()
    return {row["key"]: _image(row) for row in rows}


def after_key(connection: Connection, which: ColumnElement[bool], key: int, limit: int) -> list[ReferenceImage]:
    """The first ``limit`` reference images that meet a condition and whose keys follow ``key``, in key order."""
    query = _select().where(which, _TABLE.c.key > key).order_by(_TABLE.c.key).limit(limit)
    return [_image(row) for row in connection.execute(query).mappings()]


def of_photo(connection: Connection, sha256: str) -> list[ReferenceImage]:
    """Searchable reference images that were made from a file, in the order in which they came."""
    query = _select().where(_TABLE.c.sha256 == sha256, SEARCHABLE).order_by(_TABLE.c.key)
    return [_image(row) for row in connection.execute(query).mappings()]


def of_photo_in(connection: Connection, parent: StoredLandmark, sha256: str) -> ReferenceImage | None:
    """The oldest reference image of a landmark that was made from a file; None if there is none, or it is deleted."""
    query = _select().where(_TABLE.c.landmark_key == parent.key, _TABLE.c.sha256 == sha256, _NOT_DELETED)
    row = connection.execute(query.order_by(_TABLE.c.key).limit(1)).mappings().one_or_none()
    return None if row is None else _image(row)


def best_graded(connection: Connection, landmark_id: str, limit: int) -> list[ReferenceImage]:
    """The reference images of a landmark of the best grades; of as good ones, those of most features."""
    query = _select().where(tables.landmark.c.id == landmark_id, _NOT_DELETED)
    grade = func.coalesce(_TABLE.c.quality_grade, -1)
    query = query.order_by(grade.desc(), _TABLE.c.feature_count.desc(), _TABLE.c.key).limit(limit)
    return [_image(row) for row in connection.execute(query).mappings()]


def taken(connection: Connection, landmark_id: str, limit: int) -> list[TakenImage]:
    """Where and when the reference images of a landmark were taken, of the latest ``limit``, the oldest first."""
    its = _TABLE.c
    columns = (its.id, its.capture_latitude, its.capture_longitude, its.capture_time, its.quality_grade)
    query = select(*columns).join_from(_TABLE, tables.landmark, tables.landmark.c.key == _TABLE.c.landmark_key)
    query = query.where(tables.landmark.c.id == landmark_id, _NOT_DELETED).order_by(_TABLE.c.key.desc()).limit(limit)
    found = [
        TakenImage(row["id"], Capture(_capture_location(row), row["capture_time"]), row["quality_grade"])
        for row in connection.execute(query).mappings()
    ]
    return found[::-1]


def listed(connection: Connection, parent: StoredLandmark, listing: Listing) -> Page[ReferenceImage]:
    """The page of a landmark's reference images that is asked for."""
    of_parent = _TABLE.c.landmark_key == parent.key
    where = and_(of_parent, listing.where, true() if listing.show_deleted else _NOT_DELETED)
    items, more = listing.taken(_in_order(connection, listing.keys(connection, _TABLE.c.key, where)))
    counting = select(func.count()).select_from(_TABLE).where(where)
    return listing.page(items, lambda: int(connection.execute(counting).scalar_one()), more=more)


def update(
    connection: Connection, landmark_id: str, image_id: str, columns: Mapping[str, Any], etag: str
) -> ReferenceImage:
    """Sets columns of a reference image.

    Raises:
        NotFoundError: If there is none.
        FailedPreconditionError: If it or its landmark is deleted.
        AbortedError: If ``etag`` is neither empty nor current.
    """
    image = get(connection, landmark_id, image_id)
    name = image_resource_name(landmark_id, image_id)
    landmarks.to_change(connection, landmark_id)
    if image.delete_time is not None:
        raise FailedPreconditionError(f"{name} is deleted; undelete it first", resource=name)
    check_etag(etag, image.etag, name)
    return _set(connection, image, {**columns, "revision": _TABLE.c.revision + 1})


def capture_columns(location: LatLng | None) -> dict[str, float | None]:
    """Where a photo was taken, as columns."""
    if location is None:
        return {"capture_latitude": None, "capture_longitude": None}
    return {"capture_latitude": location.latitude, "capture_longitude": location.longitude}


def delete(connection: Connection, landmark_id: str, image_id: str, etag: str, now: datetime, expire: datetime) -> None:
    """Deletes a reference image and records the change: for good, with its features, if it expires now.

    Raises:
        NotFoundError: If there is none, or it is deleted already.
        FailedPreconditionError: If its landmark is deleted.
        AbortedError: If ``etag`` is neither empty nor current.
    """
    image = get(connection, landmark_id, image_id)
    name = image_resource_name(landmark_id, image_id)
    parent = landmarks.to_change(connection, landmark_id)
    if image.delete_time is not None:
        raise NotFoundError(f"{name} is deleted already", resource=name)
    check_etag(etag, image.etag, name)
    changes.record(connection, ChangeKind.REMOVE, image.key)
    if expire <= now:
        purge(connection, [image.key])
        audit.record_change(connection, name, None, None)
    else:
        _set(connection, image, {"delete_time": now, "expire_time": expire})
        landmarks.count_images(connection, parent.key, -1)


def undelete(connection: Connection, landmark_id: str, image_id: str, etag: str) -> ReferenceImage:
    """Brings a reference image back and records the change.

    Raises:
        NotFoundError: If there is none.
        AlreadyExistsError: If it is not deleted.
        FailedPreconditionError: If its landmark is deleted.
        AbortedError: If ``etag`` is neither empty nor current.
    """
    image = get(connection, landmark_id, image_id)
    name = image_resource_name(landmark_id, image_id)
    parent = landmarks.to_change(connection, landmark_id)
    if image.delete_time is None:
        raise AlreadyExistsError(f"{name} is not deleted", resource=name)
    check_etag(etag, image.etag, name)
    if parent.landmark.active:
        changes.record(connection, ChangeKind.ADD, image.key)
    undeleted = _set(connection, image, {"delete_time": None, "expire_time": None})
    landmarks.count_images(connection, parent.key, 1)
    return undeleted


def expired(connection: Connection, now: datetime, limit: int) -> dict[int, str]:
    """Keys and SHA-256 of at most ``limit`` reference images whose time, or whose landmark's, is over."""
    over = or_(_TABLE.c.expire_time <= now, tables.landmark.c.expire_time <= now)
    return {row["key"]: row["sha256"] for row in connection.execute(_select().where(over).limit(limit)).mappings()}


def purge(connection: Connection, keys: Sequence[int]) -> None:
    """Removes reference images, that are not searched any more, with their features and what history has of them."""
    landmark = tables.landmark
    named = select(landmark.c.id, _TABLE.c.id).join_from(_TABLE, landmark, landmark.c.key == _TABLE.c.landmark_key)
    names = connection.execute(named.where(_TABLE.c.key.in_(keys))).all()
    audit.forget(connection, [image_resource_name(landmark_id, image_id) for landmark_id, image_id in names])
    counting = select(_TABLE.c.landmark_key, func.count()).where(_TABLE.c.key.in_(keys), _NOT_DELETED)
    gone = connection.execute(counting.group_by(_TABLE.c.landmark_key)).all()
    connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.key.in_(keys)))
    for landmark_key, counted in gone:
        landmarks.count_images(connection, landmark_key, -counted)


def count_identified(connection: Connection, counts: Mapping[int, int]) -> None:
    """Adds to the number of answers that images have supported, by key; those that are not there are left out."""
    parameters = [{"image_key": key, "more": more} for key, more in counts.items()]
    more = sqlalchemy.bindparam("more", type_=BigInteger)
    statement = sqlalchemy.update(_TABLE).where(_TABLE.c.key == sqlalchemy.bindparam("image_key"))
    connection.execute(statement.values(identify_count=_TABLE.c.identify_count + more), parameters)


def count(connection: Connection) -> int:
    """Number of searchable reference images."""
    return int(connection.execute(_searchable(func.count())).scalar_one())


def descriptor_count(connection: Connection, model: str) -> int:
    """Number of descriptors of all searchable reference images of a model release."""
    query = _searchable(func.coalesce(func.sum(_TABLE.c.feature_count), 0)).where(_TABLE.c.model == model)
    return int(connection.execute(query).scalar_one())


def photos_in_use(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Those of the SHA-256 digests that some reference image, or photo of a discovery, refers to."""
    columns = (_TABLE.c.sha256, discovery_tables.discovery_photo.c.sha256)
    queries = [select(column).where(column.in_(digests)) for column in columns]
    return set(connection.execute(union(*queries)).scalars())


def photos_of(connection: Connection, landmark_ids: Sequence[str]) -> dict[str, set[str]]:
    """SHA-256, hex, of the photos of all reference images of landmarks, by the landmarks' ids."""
    landmark = tables.landmark
    query = select(landmark.c.id, _TABLE.c.sha256).join_from(_TABLE, landmark).where(landmark.c.id.in_(landmark_ids))
    found: dict[str, set[str]] = {}
    for landmark_id, sha256 in connection.execute(query.where(_TABLE.c.sha256 != "")):
        found.setdefault(landmark_id, set()).add(sha256)
    return found


def _in_order(connection: Connection, keys: Sequence[int]) -> Iterator[ReferenceImage]:
    """The reference images of these keys, read as they are asked for."""
    for start in range(0, len(keys), _READ_AT_ONCE):
        some = keys[start : start + _READ_AT_ONCE]
        found = {row["key"]: row for row in connection.execute(_select().where(_TABLE.c.key.in_(some))).mappings()}
        yield from (_image(found[key]) for key in some)


def _taken(connection: Connection, parent: StoredLandmark, image_id: str) -> bool:
    query = select(_TABLE.c.key).where(_TABLE.c.landmark_key == parent.key, _TABLE.c.id == image_id)
    return connection.execute(query).one_or_none() is not None


def _set(connection: Connection, before: ReferenceImage, columns: Mapping[str, Any]) -> ReferenceImage:
    connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.key == before.key).values(dict(columns)))
    image = get(connection, before.landmark_id, before.id)
    name = image_resource_name(image.landmark_id, image.id)
    audit.record_change(connection, name, *difference(image_state(before), image_state(image)))
    return image


def _searchable(what: ColumnElement[Any]) -> Select[Any]:
    landmark = tables.landmark
    return select(what).join_from(_TABLE, landmark, landmark.c.key == _TABLE.c.landmark_key).where(SEARCHABLE)


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
        etag=_etag(row),
        quality=None if row["quality_grade"] is None else Quality(row["quality_grade"], tuple(row["quality_reasons"])),
        capture=Capture(_capture_location(row), row["capture_time"]),
        identify_count=row["identify_count"],
        delete_time=row["delete_time"],
        expire_time=row["expire_time"],
    )


def _etag(row: RowMapping) -> str:
    # Odd while it is there, even while it is deleted: an etag tells these apart.
    number = 2 * row["revision"] - (row["delete_time"] is None)
    return make_etag("image", row["key"], number, row["create_time"])


def _capture_location(row: RowMapping) -> LatLng | None:
    return None if row["capture_latitude"] is None else LatLng(row["capture_latitude"], row["capture_longitude"])
