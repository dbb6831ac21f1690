"""Proposals in the database; every function works in the transaction of the connection it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, RowMapping, func, select

from steeple.errors import FailedPreconditionError, NotFoundError
from steeple.server.catalogue import Landmark, LatLng, landmarks
from steeple.server.catalogue import discovery_tables as tables
from steeple.server.discovery import photo_rows
from steeple.server.discovery.records import Proposal, ProposalState, proposal_name
from steeple.server.discovery.summary import by_view, summarise

_TABLE = tables.proposal
_PHOTO = tables.discovery_photo
_NEARBY: Final = 5
_NEARBY_METERS: Final = 1000.0  # beyond the extent


def insert(connection: Connection, discovery_id: str, number: int, landmark_id: str, now: datetime) -> None:
    """Adds a proposal, of which photos are part already."""
    connection.execute(
        sqlalchemy.insert(_TABLE).values(
            discovery_id=discovery_id,
            number=number,
            state=str(ProposalState.PROPOSED),
            landmark_id=landmark_id,
            update_time=now,
            **_summary(connection, discovery_id, number),
        )
    )


def next_number(connection: Connection, discovery_id: str) -> int:
    """A number that no proposal of a discovery has."""
    last = select(func.max(_TABLE.c.number)).where(_TABLE.c.discovery_id == discovery_id)
    return (connection.execute(last).scalar_one() or 0) + 1


def refresh(connection: Connection, discovery_id: str, number: int, now: datetime) -> None:
    """Makes a proposal fit the photos that it has now."""
    update(connection, discovery_id, number, now, **_summary(connection, discovery_id, number))


def update(connection: Connection, discovery_id: str, number: int, now: datetime, **columns: object) -> None:
    """Sets columns of a proposal."""
    where = (_TABLE.c.discovery_id == discovery_id, _TABLE.c.number == number)
    connection.execute(sqlalchemy.update(_TABLE).where(*where).values(update_time=now, **columns))


def delete(connection: Connection, discovery_id: str, number: int) -> None:
    """Removes a proposal that has no photos any more."""
    where = (_TABLE.c.discovery_id == discovery_id, _TABLE.c.number == number)
    connection.execute(sqlalchemy.delete(_TABLE).where(*where))


def get(connection: Connection, discovery_id: str, number: int) -> Proposal:
    """A proposal with photos, pairs and the landmarks near it.

    Raises:
        NotFoundError: If there is none of that number.
    """
    found = _with_photos(connection, discovery_id, number)
    pairs = photo_rows.pairs(connection, discovery_id, [photo.number for photo in found.photos])
    return replace(_surrounded(connection, found, _landmarks(connection, [found.landmark_id])), pairs=tuple(pairs))


def open_one(connection: Connection, discovery_id: str, number: int) -> Proposal:
    """A proposal that something can still become of, with photos, but without pairs and landmarks.

    Raises:
        NotFoundError: If there is none of that number.
        FailedPreconditionError: If it is accepted or discarded.
    """
    found = _with_photos(connection, discovery_id, number)
    if found.state is not ProposalState.PROPOSED:
        raise FailedPreconditionError(
            f"{found.name} is {found.state}; only what is {ProposalState.PROPOSED} can be changed", resource=found.name
        )
    return found


def discarded_one(connection: Connection, discovery_id: str, number: int) -> Proposal:
    """A proposal that is discarded, with photos, but without pairs and landmarks.

    Raises:
        NotFoundError: If there is none of that number.
        FailedPreconditionError: If it is not discarded.
    """
    found = _with_photos(connection, discovery_id, number)
    if found.state is not ProposalState.DISCARDED:
        raise FailedPreconditionError(
            f"{found.name} is {found.state}; only what is {ProposalState.DISCARDED} can be restored",
            resource=found.name,
        )
    return found


def listed(
    connection: Connection, discovery_id: str, after: int, limit: int, states: Sequence[str]
) -> tuple[list[Proposal], int]:
    """The first proposals, ``limit`` at most, after a number; and how many there are."""
    where = [_TABLE.c.discovery_id == discovery_id]
    if states:
        where.append(_TABLE.c.state.in_(states))
    query = select(_TABLE).where(*where, _TABLE.c.number > after).order_by(_TABLE.c.number).limit(limit)
    rows = connection.execute(query).mappings().all()
    total = connection.execute(select(func.count()).select_from(_TABLE).where(*where)).scalar_one()
    counting = select(_PHOTO.c.proposal, func.count(), func.count(_PHOTO.c.view.distinct()))
    counting = counting.where(
        _PHOTO.c.discovery_id == discovery_id, _PHOTO.c.proposal.in_([row["number"] for row in rows])
    ).group_by(_PHOTO.c.proposal)
    counts = {number: (photos, views) for number, photos, views in connection.execute(counting)}
    named = _landmarks(connection, [row["landmark_id"] for row in rows])
    found = [_proposal(row, *counts.get(row["number"], (0, 0))) for row in rows]
    return [_surrounded(connection, each, named) for each in found], int(total)


def _with_photos(connection: Connection, discovery_id: str, number: int) -> Proposal:
    query = select(_TABLE).where(_TABLE.c.discovery_id == discovery_id, _TABLE.c.number == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        name = proposal_name(discovery_id, number)
        raise NotFoundError(f"there is no {name}", resource=name)
    photos = photo_rows.of_proposal(connection, discovery_id, number)
    found = _proposal(row, len(photos), len({photo.view for photo in photos}))
    return replace(found, photos=tuple(by_view(photos)))


def _landmarks(connection: Connection, ids: Sequence[str]) -> Mapping[str, Landmark]:
    return landmarks.of_ids(connection, sorted({each for each in ids if each}))


def _summary(connection: Connection, discovery_id: str, number: int) -> dict[str, Any]:
    photos = photo_rows.of_proposal(connection, discovery_id, number)
    found = summarise(photos, photo_rows.pairs(connection, discovery_id, [photo.number for photo in photos]))
    place = found.location
    return {
        "representative": found.representative,
        "cohesion": found.cohesion,
        "latitude": None if place is None else place.latitude,
        "longitude": None if place is None else place.longitude,
        "extent_meters": found.extent_meters,
    }


def _surrounded(connection: Connection, found: Proposal, named: Mapping[str, Landmark]) -> Proposal:
    """The proposal with its landmark and, as long as it is open, those near it."""
    nearby: Sequence[tuple[Landmark, float]] = ()
    if found.location is not None and found.state is ProposalState.PROPOSED:
        nearby = landmarks.near(connection, found.location, found.extent_meters + _NEARBY_METERS, _NEARBY)
    return replace(found, landmark=named.get(found.landmark_id), nearby=tuple(nearby))


def _proposal(row: RowMapping, photos: int, views: int) -> Proposal:
    return Proposal(
        discovery_id=row["discovery_id"],
        number=row["number"],
        state=ProposalState(row["state"]),
        representative=row["representative"],
        photo_count=photos,
        view_count=views,
        cohesion=row["cohesion"],
        location=None if row["latitude"] is None else LatLng(row["latitude"], row["longitude"]),
        extent_meters=row["extent_meters"],
        landmark_id=row["landmark_id"],
        update_time=row["update_time"],
    )
