"""From where, and when, the photos of a landmark were taken."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from steeple.server.catalogue import LatLng
from steeple.server.catalogue.distances import bearing, distance
from steeple.server.catalogue.records import TakenImage
from steeple.server.coverage.records import NEAR_METERS, SECTORS, Sector, Surroundings

_WIDTH: Final = 360.0 / len(SECTORS)
_POOR: Final = 1  # grade, at most


def surroundings_of(location: LatLng | None, photos: Sequence[TakenImage]) -> Surroundings:
    """Counts photos by direction from a landmark, hour of the day and month.

    Args:
        location: Of the landmark; None: it stands nowhere.
        photos: Of the landmark.
    """
    hours, months = [0] * 24, [0] * 12
    away: list[list[float]] = [[] for _ in SECTORS]
    placed = near = timed = 0
    for photo in photos:
        place, time = photo.capture.location, photo.capture.time
        if place is not None:
            placed += 1
            meters = distance(location, place) if location is not None else 0.0
            if location is not None and meters < NEAR_METERS:
                near += 1
            elif location is not None:
                away[sector_of(bearing(location, place))].append(meters)
        if time:  # ISO 8601, to the second, by the camera's clock
            timed += 1
            hours[int(time[11:13])] += 1
            months[int(time[5:7]) - 1] += 1
    sectors = [
        Sector(number * _WIDTH, len(meters), median(meters) if meters else 0.0) for number, meters in enumerate(away)
    ]
    return Surroundings(
        sectors=() if location is None else tuple(sectors),
        placed=placed,
        near=near,
        hours=tuple(hours),
        months=tuple(months),
        timed=timed,
        poor_ids=tuple(photo.image_id for photo in photos if photo.grade is not None and photo.grade <= _POOR),
        looked_at=len(photos),
    )


def sector_of(degrees: float) -> int:
    """Number of the sector that a bearing, degrees clockwise from north, lies in: that around north is 0."""
    return int((degrees + _WIDTH / 2) // _WIDTH) % len(SECTORS)
