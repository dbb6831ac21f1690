"""Landmarks in the database; every function works in the transaction of the connection it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, RowMapping, Select, func, insert, select

from steeple.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from steeple.server.catalogue import changes, ids, tables
from steeple.server.catalogue.etags import make_etag
from steeple.server.catalogue.records import Landmark, LandmarkDraft, LatLng

_TABLE = tables.landmark
_CHOSEN_AT_ONCE = 9


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
        raise AlreadyExistsError(f"{name} exists already; choose another id or update it", resource=name)
    connection.execute(
        insert(_TABLE).values(
            {
                "id": landmark_id,
                "display_name": draft.display_name,
                "description": draft.description,
                **location_columns(draft.location),
                "metadata": dict(draft.metadata),
                "revision": 1,
                "create_time": now,
                "update_time": now,
            }
        )
    )
    return get(connection, landmark_id).landmark


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


def of_ids(connection: Connection, landmark_ids: Sequence[str]) -> dict[str, Landmark]:
    """Landmarks by id, in one query; those that are not there are left out."""
    rows = connection.execute(_select().where(_TABLE.c.id.in_(landmark_ids))).mappings()
    return {row["id"]: _landmark(row) for row in rows}


def after(connection: Connection, last_id: str, limit: int) -> list[Landmark]:
    """The first ``limit`` landmarks whose ids follow ``last_id``."""
    query = _select().where(_TABLE.c.id > last_id).order_by(_TABLE.c.id).limit(limit)
    return [_landmark(row) for row in connection.execute(query).mappings()]


def count(connection: Connection) -> int:
    """Number of landmarks."""
    return int(connection.execute(select(func.count()).select_from(_TABLE)).scalar_one())


def update(connection: Connection, stored: StoredLandmark, columns: Mapping[str, Any], now: datetime) -> Landmark:
    """Sets columns of a landmark; its etag changes."""
    connection.execute(
        sqlalchemy.update(_TABLE)
        .where(_TABLE.c.key == stored.key)
        # A clock that was set back must not make the landmark younger than its last state.
        .values({**columns, "revision": stored.revision + 1, "update_time": max(now, stored.landmark.update_time)})
    )
    return get(connection, stored.landmark.id).landmark


def delete(connection: Connection, stored: StoredLandmark, *, force: bool) -> None:
    """Deletes a landmark and, if forced, its reference images.

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
    of_landmark = tables.reference_image.c.landmark_key == stored.key
    changes.record_removals(connection, of_landmark)
    connection.execute(sqlalchemy.delete(tables.reference_image).where(of_landmark))
    connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.key == stored.key))


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


def _select() -> Select[Any]:
    image = tables.reference_image
    images = select(func.count()).where(image.c.landmark_key == _TABLE.c.key).correlate(_TABLE).scalar_subquery()
    return select(_TABLE, images.label("reference_image_count"))


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
    )
