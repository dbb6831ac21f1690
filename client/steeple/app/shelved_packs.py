"""Packs as the app shows them: on this device, and offered by a server."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from steeple.client import LatLng
from steeple.client import Pack as ServerPack


class ShelfState(enum.StrEnum):
    """What is on this device of a pack that a server offers."""

    ABSENT = "absent"
    PARTIAL = "partial"
    """Its download was interrupted; it goes on from there, unless the pack was made anew."""
    OUTDATED = "outdated"
    CURRENT = "current"
    UNUSABLE = "unusable"
    """It is of a model release that this app does not extract with."""


@dataclass(frozen=True)
class ShelvedPack:
    """A pack on this device.

    Attributes:
        id: ``{id}`` of ``packs/{id}``.
        display_name: What people call it.
        path: Its file.
        size_bytes: Of the file.
        model: Name of the model release whose features it has; empty if the file is damaged.
        landmark_count: Landmarks in it.
        near: Its landmarks stand around it; None: wherever they stand.
        radius_meters: So far from ``near`` at most; 0 without one.
        create_time: When the server made it, UTC; None if the file is damaged.
        fetch_time: When it came here, UTC.
        problem: Why it cannot be used; None if it can.
    """

    id: str
    display_name: str
    path: Path
    size_bytes: int
    model: str
    landmark_count: int
    near: LatLng | None
    radius_meters: float
    create_time: datetime | None
    fetch_time: datetime
    problem: str | None = None


@dataclass(frozen=True)
class OfferedPack:
    """A pack that a server offers.

    Attributes:
        pack: As the server tells it.
        state: What is on this device of it.
        received_bytes: Of a download that was interrupted; 0 if there is none.
    """

    pack: ServerPack
    state: ShelfState
    received_bytes: int = 0
