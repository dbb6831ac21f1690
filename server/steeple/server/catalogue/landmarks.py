"""Landmarks in the database; every function works in the transaction of the connection it is given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, insert, select, true

from steeple.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from steeple.server.catalogue import audit, changes, filters, ids, tables, terms
from steeple.server.catalogue.distances import EARTH_RADIUS, distance
from steeple.server.catalogue.etags import check_etag, make_etag
from steeple.server.catalogue.history import difference, landmark_state
from steeple.server.catalogue.ordering import OrderField, read_number, read_text, read_time
from steeple.server.catalogue.pages import Listing
from steeple.server.catalogue.records import ChangeKind, Landmark, LandmarkDraft, LatLng, Page
from steeple.server.catalogue.search_tables import has_term, name_contains

_TABLE = tables.landmark
_CHOSEN_AT_ONCE = 9
_READ_AT_ONCE = 100  # rows of a page, which may be large

NOT_DELETED: Final = _TABLE.c.delete_time.is_(None)
SEARCHABLE: Final = and_(_TABLE.c.active, NOT_DELETED)
"""Landmarks that searches may find."""


def _filters(*, counting: bool) -> dict[str, filters.FilterField]:
    names = filters.Names(partial(name_contains, counting=counting))
    return {
        "": names,
        "names": names,
        "id": filters.Text(_TABLE.c.id),
        "display_name": filters.Text(_TABLE.c.display_name),
        "labels": filters.Words(has_term),
        "metadata": filters.TermEntries(has_term),
        "active": filters.Flag(_TABLE.c.active),
        "reference_image_count": filters.Number(_TABLE.c.reference_image_count),
        "best_grade": filters.Number(_TABLE.c.best_grade),
        "deleted": filters.Flag(_TABLE.c.delete_time.is_not(None)),
        "create_time": filters.Time(_TABLE.c.create_time),
        "update_time": filters.Time(_TABLE.c.update_time),
    }


FILTERS: Final = _filters(counting=False)
"""Fields that lists of landmarks can be filtered by."""

COUNTING_FILTERS: Final = _filters(counting=True)
"""The same, put otherwise for databases that are to count and not to list."""

ORDERS: Final = {
    "id": OrderField(_TABLE.c.id, read_text),
    "display_name": OrderField(_TABLE.c.display_name, read_text),
    "reference_image_count": OrderField(_TABLE.c.reference_image_count, read_number),
    "create_time": OrderField(_TABLE.c.create_time, read_time),
    "update_time": OrderField(_TABLE.c.update_time, read_time),
}
"""Fields that lists of landmarks can be sorted by."""


@dataclass(frozen=True)
class StoredLandmark:
    """A landmark and what only the database knows of it."""

    key: int
    revision: int
    landmark: Landmark


def resource_name(landmark_id: str) -> str:
    """``landmarks/{landmark_id}``."""
    return f"landmarks/{landmark_id}"


def create(connection: Connection, draft: LandmarkDraft, landmark_id: str, now: datetime) -> Landmark:
    """Adds a landmark; an empty id is chosen after its display name.

    Raises:
        AlreadyExistsError: If the id is taken.
    """
    if not landmark_id:
        landmark_id = _free_id(connection, draft.display_name)
    elif _taken(connection, [landmark_id]):
        name = resource_name(landmark_id)
        if get(connection, landmark_id).landmark.delete_time is None:
            raise AlreadyExistsError(f"{name} exists already; choose another id or update it", resource=name)
        raise AlreadyExistsError(f"{name} is deleted but kept: choose another id or undelete it", resource=name)
    columns = {"id": landmark_id, "revision": 1, "create_time": now, "update_time": now, **draft_columns(draft)}
    key = int(connection.execute(insert(_TABLE).values(columns).returning(_TABLE.c.key)).scalar_one())
    terms.replace(connection, key, (), terms.terms_of(draft.labels, draft.metadata))
    created = get(connection, landmark_id).landmark
    audit.record_change(connection, resource_name(landmark_id), None, landmark_state(created))
    return created


def get(connection: Connection, landmark_id: str) -> StoredLandmark:
    """The landmark of that id.

    Raises:
        NotFoundError: If there is none.
    """
    row = connection.execute(_select().where(_TABLE.c.id == landmark_id)).mappings().one_or_none()
    if row is None:
        name = resource_name(landmark_id)
        raise NotFoundError(f"there is no {name}", resource=name)
    return StoredLandmark(row["key"], row["revision"], _landmark(row))


def to_change(connection: Connection, landmark_id: str, etag: str = "") -> StoredLandmark:
    """The landmark of that id, if it may be changed.

    Raises:
        NotFoundError: If there is none.
        FailedPreconditionError: If it is deleted.
        AbortedError: If ``etag`` is neither empty nor current.
    """
    stored = get(connection, landmark_id)
    name = resource_name(landmark_id)
    if stored.landmark.delete_time is not None:
        raise FailedPreconditionError(f"{name} is deleted; undelete it first", resource=name)
    check_etag(etag, stored.landmark.etag, name)
    return stored


def to_delete(connection: Connection, landmark_id: str, etag: str = "") -> StoredLandmark:
    """The landmark of that id, if it may be deleted.

    Raises:
        NotFoundError: If there is none, or it is deleted already.
        AbortedError: If ``etag`` is neither empty nor current.
    """
    stored = get(connection, landmark_id)
    name = resource_name(landmark_id)
    if stored.landmark.delete_time is not None:
        raise NotFoundError(f"{name} is deleted already", resource=name)
    check_etag(etag, stored.landmark.etag, name)
    return stored


def of_ids(connection: Connection, landmark_ids: Sequence[str]) -> dict[str, Landmark]:
    """Searchable landmarks by id, in one query; those that are not there are left out."""
    rows = connection.execute(_select().where(_TABLE.c.id.in_(landmark_ids), SEARCHABLE)).mappings()
    return {row["id"]: _landmark(row) for row in rows}


def of_keys(connection: Connection, keys: Sequence[int]) -> dict[int, StoredLandmark]:
    """Searchable landmarks by key, in one query; those that are not there are left out."""
    rows = connection.execute(_select().where(_TABLE.c.key.in_(keys), SEARCHABLE)).mappings()
    return {row["key"]: StoredLandmark(row["key"], row["revision"], _landmark(row)) for row in rows}


def near(connection: Connection, place: LatLng, radius_meters: float, limit: int) -> list[tuple[Landmark, float]]:
    """Landmarks that are not deleted and stand near a place, and how far away, metres; the nearest first."""
    degrees = math.degrees(radius_meters / EARTH_RADIUS) + 1e-6
    chosen: ColumnElement[bool] = _TABLE.c.latitude.between(place.latitude - degrees, place.latitude + degrees)
    # Below 80 degrees, a degree of longitude is at least a sixth as long as one of latitude.
    across = 6 * degrees
    if abs(place.latitude) + degrees < 80 and abs(place.longitude) + across < 180:
        chosen = and_(chosen, _TABLE.c.longitude.between(place.longitude - across, place.longitude + across))
    rows = connection.execute(_select().where(chosen, NOT_DELETED)).mappings()
    found = [_landmark(row) for row in rows]
    away = [(one, distance(place, one.location)) for one in found if one.location is not None]
    within = [each for each in away if each[1] <= radius_meters]
    return sorted(within, key=lambda each: (each[1], each[0].id))[:limit]


def listed(connection: Connection, listing: Listing) -> Page[Landmark]:
    """The page that is asked for."""
    shown = true() if listing.show_deleted else NOT_DELETED
    keys = listing.keys(connection, _TABLE.c.key, and_(listing.where, shown))
    items, more = listing.taken(_in_order(connection, keys))
    counting = select(func.count()).select_from(_TABLE).where(listing.counting, shown)
    return listing.page(items, lambda: int(connection.execute(counting).scalar_one()), more=more)


def update(connection: Connection, stored: StoredLandmark, columns: Mapping[str, Any], now: datetime) -> Landmark:
    """Sets columns of a landmark; its etag changes. What concerns searches is recorded: see :class:`ChangeKind`."""
    active = columns.get("active", stored.landmark.active)
    if active != stored.landmark.active:
        changes.record_all(connection, ChangeKind.ADD if active else ChangeKind.REMOVE, _searched_images(stored))
    elif active and _new_facts(stored.landmark, columns):
        changes.record_all(connection, ChangeKind.FACTS, _searched_images(stored))
    # A clock that was set back must not make the landmark younger than its last state.
    return _set(connection, stored, {**columns, "update_time": max(now, stored.landmark.update_time)})


def delete(connection: Connection, stored: StoredLandmark, *, force: bool, now: datetime, expire: datetime) -> None:
    """Deletes a landmark and, if forced, its reference images: for good if it expires now.

    Raises:
        FailedPreconditionError: If it has images and is not forced.
    """
    images = stored.landmark.reference_image_count
    if images and not force:
        name = resource_name(stored.landmark.id)
        raise FailedPreconditionError(
            f"{name} has {images} reference image{'s' if images > 1 else ''}; delete them first, or force it",
            resource=name,
        )
    if stored.landmark.active:
        changes.record_all(connection, ChangeKind.REMOVE, _searched_images(stored))
    if expire <= now:
        purge(connection, [stored.key])
        audit.record_change(connection, resource_name(stored.landmark.id), None, None)
    else:
        _set(connection, stored, {"delete_time": now, "expire_time": expire})


def undelete(connection: Connection, landmark_id: str, etag: str) -> Landmark:
    """Brings a landmark back with its images.

    Raises:
        NotFoundError: If there is none.
        AlreadyExistsError: If it is not deleted.
        AbortedError: If ``etag`` is neither empty nor current.
    """
    stored = get(connection, landmark_id)
    name = resource_name(landmark_id)
    if stored.landmark.delete_time is None:
        raise AlreadyExistsError(f"{name} is not deleted", resource=name)
    check_etag(etag, stored.landmark.etag, name)
    if stored.landmark.active:
        changes.record_all(connection, ChangeKind.ADD, _searched_images(stored))
    return _set(connection, stored, {"delete_time": None, "expire_time": None})


def expired(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Keys of at most ``limit`` landmarks whose time is over."""
    query = select(_TABLE.c.key).where(_TABLE.c.expire_time <= now).limit(limit)
    return list(connection.execute(query).scalars())


def purge(connection: Connection, keys: Sequence[int]) -> None:
    """Removes landmarks that are not searched any more, with all of their images, and what history has of them."""
    image = tables.reference_image
    names = connection.execute(select(_TABLE.c.id).where(_TABLE.c.key.in_(keys))).scalars()
    audit.forget(connection, [resource_name(landmark_id) for landmark_id in names])
    connection.execute(sqlalchemy.delete(image).where(image.c.landmark_key.in_(keys)))
    connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.key.in_(keys)))


def after_key(connection: Connection, key: int, limit: int) -> list[StoredLandmark]:
    """The first ``limit`` landmarks that are not deleted and whose keys follow ``key``, in key order."""
    query = _select().where(_TABLE.c.key > key, NOT_DELETED).order_by(_TABLE.c.key).limit(limit)
    rows = connection.execute(query).mappings()
    return [StoredLandmark(row["key"], row["revision"], _landmark(row)) for row in rows]


def count_images(connection: Connection, key: int, more: int) -> None:
    """Adds to the number of a landmark's reference images that are not deleted; these have been changed already."""
    image = tables.reference_image
    grades = select(func.max(image.c.quality_grade)).where(image.c.landmark_key == key, image.c.delete_time.is_(None))
    counted = {"reference_image_count": _TABLE.c.reference_image_count + more, "best_grade": grades.scalar_subquery()}
    connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.key == key).values(counted))


def draft_columns(draft: LandmarkDraft) -> dict[str, Any]:
    """Columns that hold what an application says about a landmark."""
    return {
        "description": draft.description,
        **location_columns(draft.location),
        "metadata": dict(draft.metadata),
        "labels": list(draft.labels),
        "active": draft.active,
        **name_columns(draft.display_name, draft.aliases),
    }


def name_columns(display_name: str, aliases: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Columns that hold names."""
    names = [display_name, *(name for of_language in aliases.values() for name in of_language)]
    return {
        "display_name": display_name,
        "aliases": {language: list(of_language) for language, of_language in aliases.items()},
        "search_names": "\n".join(dict.fromkeys(ids.folded(name) for name in names)),
    }


def location_columns(location: LatLng | None) -> dict[str, float | None]:
    """Columns that hold a location."""
    if location is None:
        return {"latitude": None, "longitude": None}
    return {"latitude": location.latitude, "longitude": location.longitude}


def _free_id(connection: Connection, display_name: str) -> str:
    choices = ids.landmark_ids(display_name)
    while True:
        some = list(islice(choices, _CHOSEN_AT_ONCE))
        taken = _taken(connection, some)
        free = [landmark_id for landmark_id in some if landmark_id not in taken]
        if free:
            return free[0]


def _taken(connection: Connection, landmark_ids: Sequence[str]) -> set[str]:
    return set(connection.execute(select(_TABLE.c.id).where(_TABLE.c.id.in_(landmark_ids))).scalars())


def _set(connection: Connection, stored: StoredLandmark, columns: Mapping[str, Any]) -> Landmark:
    values = {**columns, "revision": stored.revision + 1}
    connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.key == stored.key).values(values))
    was = stored.landmark
    if "labels" in columns or "metadata" in columns:
        now = columns.get("labels", was.labels), columns.get("metadata", was.metadata)
        terms.replace(connection, stored.key, terms.terms_of(was.labels, was.metadata), terms.terms_of(*now))
    landmark = get(connection, was.id).landmark
    before, after = difference(landmark_state(was), landmark_state(landmark))
    audit.record_change(connection, resource_name(landmark.id), before, after)
    return landmark


def _in_order(connection: Connection, keys: Sequence[int]) -> Iterator[Landmark]:
    """The landmarks of these keys, read as they are asked for."""
    for start in range(0, len(keys), _READ_AT_ONCE):
        some = keys[start : start + _READ_AT_ONCE]
        rows = connection.execute(_select().where(_TABLE.c.key.in_(some))).mappings()
        found = {row["key"]: row for row in rows}
        yield from (_landmark(found[key]) for key in some)


def _searched_images(stored: StoredLandmark) -> ColumnElement[bool]:
    """Those that searches find while the landmark is searchable."""
    image = tables.reference_image
    return and_(image.c.landmark_key == stored.key, image.c.delete_time.is_(None))


def _new_facts(landmark: Landmark, columns: Mapping[str, Any]) -> bool:
    """Whether labels or location become others."""
    place = landmark.location
    before = {"latitude": place and place.latitude, "longitude": place and place.longitude}
    moved = any(columns.get(name, value) != value for name, value in before.items())
    return moved or set(columns.get("labels", landmark.labels)) != set(landmark.labels)


def _select() -> Select[Any]:
    return select(_TABLE)


def _landmark(row: RowMapping) -> Landmark:
    location = None if row["latitude"] is None else LatLng(row["latitude"], row["longitude"])
    return Landmark(
        id=row["id"],
        display_name=row["display_name"],
        description=row["description"],
        location=location,
        metadata=row["metadata"],
        reference_image_count=row["reference_image_count"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        etag=make_etag("landmark", row["key"], row["revision"], row["create_time"]),
        aliases=row["aliases"],
        labels=tuple(row["labels"]),
        active=row["active"],
        delete_time=row["delete_time"],
        expire_time=row["expire_time"],
    )
