"""Photos of discoveries in the database; every function works in the transaction of the connection it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy
from sqlalchemy import Connection, RowMapping, Select, and_, func, insert, select

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import NotFoundError
from steeple.server.catalogue import Capture, LatLng, Quality
from steeple.server.catalogue import discovery_tables as tables
from steeple.server.catalogue.features import unpack
from steeple.server.discovery.matches import Match, Pair, pairs_of
from steeple.server.discovery.records import DiscoveryPhoto, LeftoverReason, PhotoDraft, photo_name

_PHOTO = tables.discovery_photo
_FEATURES = tables.discovery_features
_MATCH = tables.discovery_match
_AT_ONCE = 5000  # as catalogue.lookups: fewer than any database's parameters


def add(connection: Connection, discovery_id: str, draft: PhotoDraft, features: FeatureSet) -> None:
    """Adds a photo with its features."""
    last = select(func.max(_PHOTO.c.number)).where(_PHOTO.c.discovery_id == discovery_id)
    number = (connection.execute(last).scalar_one() or 0) + 1
    place, packed = draft.capture.location, wire.pack(features)
    connection.execute(
        insert(_PHOTO).values(
            {
                "discovery_id": discovery_id,
                "number": number,
                "item": draft.item,
                "sha256": draft.sha256,
                "size_bytes": draft.size_bytes,
                "media_type": draft.media_type,
                "width": features.width,
                "height": features.height,
                "feature_count": len(features),
                "capture_latitude": None if place is None else place.latitude,
                "capture_longitude": None if place is None else place.longitude,
                "capture_time": draft.capture.time,
                "quality_grade": draft.quality.grade,
                "quality_reasons": list(draft.quality.reasons),
            }
        )
    )
    connection.execute(
        insert(_FEATURES).values(
            discovery_id=discovery_id,
            number=number,
            descriptors=packed.descriptors,
            geometry=packed.geometry,
            max_score=packed.max_score,
        )
    )


def get(connection: Connection, discovery_id: str, number: int) -> DiscoveryPhoto:
    """A photo.

    Raises:
        NotFoundError: If there is none of that number.
    """
    query = select(_PHOTO).where(_PHOTO.c.discovery_id == discovery_id, _PHOTO.c.number == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        name = photo_name(discovery_id, number)
        raise NotFoundError(f"there is no {name}", resource=name)
    return _photo(row)


def of_discovery(connection: Connection, discovery_id: str) -> list[DiscoveryPhoto]:
    """All photos, by number."""
    query = select(_PHOTO).where(_PHOTO.c.discovery_id == discovery_id).order_by(_PHOTO.c.number)
    return [_photo(row) for row in connection.execute(query).mappings()]


def of_proposal(connection: Connection, discovery_id: str, proposal: int) -> list[DiscoveryPhoto]:
    """The photos of a proposal, by number."""
    query = select(_PHOTO).where(_PHOTO.c.discovery_id == discovery_id, _PHOTO.c.proposal == proposal)
    return [_photo(row) for row in connection.execute(query.order_by(_PHOTO.c.number)).mappings()]


def leftovers(connection: Connection, discovery_id: str, after: int, limit: int) -> tuple[list[DiscoveryPhoto], int]:
    """The first photos, ``limit`` at most, after a number that are part of no proposal; and how many such there are."""
    where = and_(_PHOTO.c.discovery_id == discovery_id, _PHOTO.c.proposal.is_(None))
    query = select(_PHOTO).where(where, _PHOTO.c.number > after).order_by(_PHOTO.c.number).limit(limit)
    total = connection.execute(select(func.count()).select_from(_PHOTO).where(where)).scalar_one()
    return [_photo(row) for row in connection.execute(query).mappings()], int(total)


def assign(
    connection: Connection,
    discovery_id: str,
    numbers: Iterable[int],
    *,
    proposal: int | None,
    view: int = 0,
    reason: LeftoverReason | None = None,
) -> None:
    """Makes photos part of a proposal, or of none for a reason."""
    every = list(numbers)
    values = {"proposal": proposal, "view": view, "reason": "" if reason is None else str(reason)}
    for start in range(0, len(every), _AT_ONCE):
        some = _PHOTO.c.number.in_(every[start : start + _AT_ONCE])
        connection.execute(sqlalchemy.update(_PHOTO).where(_PHOTO.c.discovery_id == discovery_id, some).values(values))


def move(connection: Connection, discovery_id: str, numbers: Sequence[int], proposal: int) -> None:
    """Makes photos part of another proposal; their views stay."""
    for start in range(0, len(numbers), _AT_ONCE):
        where = and_(_PHOTO.c.discovery_id == discovery_id, _PHOTO.c.number.in_(numbers[start : start + _AT_ONCE]))
        connection.execute(sqlalchemy.update(_PHOTO).where(where).values(proposal=proposal))


def became(connection: Connection, discovery_id: str, number: int, image_id: str) -> None:
    """Keeps which reference image a photo has become."""
    where = and_(_PHOTO.c.discovery_id == discovery_id, _PHOTO.c.number == number)
    connection.execute(sqlalchemy.update(_PHOTO).where(where).values(image_id=image_id))


def searched(
    connection: Connection,
    discovery_id: str,
    number: int,
    matches: Iterable[Match],
    landmark_id: str,
    confidence: float,
) -> None:
    """Keeps what a photo was found to match and to show, instead of what was kept of it before."""
    connection.execute(sqlalchemy.delete(_MATCH).where(_MATCH.c.discovery_id == discovery_id, _MATCH.c.query == number))
    rows = [
        {
            "discovery_id": discovery_id,
            "query": match.query,
            "photo": match.photo,
            "inliers": match.inliers,
            "distinct": match.distinct,
            "near_duplicate": match.near_duplicate,
        }
        for match in matches
    ]
    if rows:
        connection.execute(insert(_MATCH), rows)
    where = and_(_PHOTO.c.discovery_id == discovery_id, _PHOTO.c.number == number)
    values = {"searched": True, "landmark_id": landmark_id, "confidence": confidence}
    connection.execute(sqlalchemy.update(_PHOTO).where(where).values(values))


def pairs(connection: Connection, discovery_id: str, among: Sequence[int] | None = None) -> list[Pair]:
    """Pairs of photos that match.

    Args:
        connection: Of the transaction.
        discovery_id: The discovery.
        among: Numbers of the photos that both belong to; None: all.
    """
    query = select(_MATCH).where(_MATCH.c.discovery_id == discovery_id)
    if among is not None and len(among) <= _AT_ONCE:
        query = query.where(_MATCH.c.query.in_(among))
    chosen = None if among is None else set(among)
    rows = connection.execute(query).mappings()
    return pairs_of(
        Match(row["query"], row["photo"], row["inliers"], row["distinct"], row["near_duplicate"])
        for row in rows
        if chosen is None or (row["query"] in chosen and row["photo"] in chosen)
    )


def features(connection: Connection, discovery_id: str, numbers: Sequence[int]) -> dict[int, FeatureSet]:
    """Features by number; photos that are not there are left out."""
    found: dict[int, FeatureSet] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        query = _select_features(discovery_id).where(_PHOTO.c.number.in_(numbers[start : start + _AT_ONCE]))
        found |= {row["number"]: _unpack(discovery_id, row) for row in connection.execute(query).mappings()}
    return found


def features_after(connection: Connection, discovery_id: str, number: int, limit: int) -> list[tuple[int, FeatureSet]]:
    """Numbers and features of the first ``limit`` photos after a number."""
    query = _select_features(discovery_id).where(_PHOTO.c.number > number).order_by(_PHOTO.c.number).limit(limit)
    return [(row["number"], _unpack(discovery_id, row)) for row in connection.execute(query).mappings()]


def delete(connection: Connection, discovery_id: str) -> set[str]:
    """Removes all photos of a discovery and what they match; the SHA-256, hex, of their files."""
    digests = set(connection.execute(select(_PHOTO.c.sha256).where(_PHOTO.c.discovery_id == discovery_id)).scalars())
    for table in (_MATCH, _FEATURES, _PHOTO):
        connection.execute(sqlalchemy.delete(table).where(table.c.discovery_id == discovery_id))
    return digests


def _select_features(discovery_id: str) -> Select[tuple[object, ...]]:
    same = and_(_FEATURES.c.discovery_id == _PHOTO.c.discovery_id, _FEATURES.c.number == _PHOTO.c.number)
    model = select(tables.discovery.c.model).where(tables.discovery.c.id == discovery_id).scalar_subquery()
    query: Select[tuple[object, ...]] = select(
        _PHOTO.c.number,
        _PHOTO.c.width,
        _PHOTO.c.height,
        model.label("model"),
        _FEATURES.c.descriptors,
        _FEATURES.c.geometry,
        _FEATURES.c.max_score,
    ).join_from(_PHOTO, _FEATURES, same)
    return query.where(_PHOTO.c.discovery_id == discovery_id)


def _unpack(discovery_id: str, row: RowMapping) -> FeatureSet:
    return unpack(row, photo_name(discovery_id, row["number"]))


def _photo(row: RowMapping) -> DiscoveryPhoto:
    latitude = row["capture_latitude"]
    place = None if latitude is None else LatLng(latitude, row["capture_longitude"])
    return DiscoveryPhoto(
        item=row["item"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        media_type=row["media_type"],
        capture=Capture(place, row["capture_time"]),
        quality=Quality(row["quality_grade"], tuple(row["quality_reasons"])),
        number=row["number"],
        width=row["width"],
        height=row["height"],
        feature_count=row["feature_count"],
        searched=row["searched"],
        landmark_id=row["landmark_id"],
        confidence=row["confidence"],
        proposal=row["proposal"],
        view=row["view"],
        reason=LeftoverReason(row["reason"]) if row["reason"] else None,
        image_id=row["image_id"],
    )
