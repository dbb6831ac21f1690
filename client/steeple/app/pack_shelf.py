"""Offline packs on this device."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from steeple.app.answers import Found
from steeple.client import Client, LatLng
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease


class PackState(enum.StrEnum):
    """What is on the device of a pack that a server offers."""

    ABSENT = "absent"
    PARTIAL = "partial"
    """Its download was interrupted, and goes on from there."""
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
        model: Name of the model release.
        landmark_count: Landmarks that it names.
        center: Of the region that it covers; None if it covers no region.
        radius_meters: Of the region; None if it covers none.
        create_time: When the server made it, UTC.
        problem: Why it cannot be used; None if it can.
    """

    id: str
    display_name: str
    path: Path
    size_bytes: int
    model: str
    landmark_count: int
    center: LatLng | None
    radius_meters: float | None
    create_time: datetime | None
    problem: str | None = None


@dataclass(frozen=True)
class OfferedPack:
    """A pack that a server offers.

    Attributes:
        id: ``{id}`` of ``packs/{id}``.
        display_name: What people call it.
        size_bytes: Of the file.
        landmark_count: Landmarks that it names.
        center: Of the region that it covers; None if it covers no region.
        radius_meters: Of the region; None if it covers none.
        state: What is on the device of it.
        received_bytes: Of a download that was interrupted; 0 if there is none.
    """

    id: str
    display_name: str
    size_bytes: int
    landmark_count: int
    center: LatLng | None
    radius_meters: float | None
    state: PackState
    received_bytes: int = 0


class PackShelf:
    """The packs on this device. Thread safe.

    Args:
        folder: Where they lie; made if need be.
        release: That queries are extracted with.
    """

    def __init__(self, folder: Path, release: ModelRelease) -> None:
        self._folder = folder
        self._release = release

    def list(self) -> tuple[ShelvedPack, ...]:
        """All packs here, by name, those that cannot be used included."""
        raise NotImplementedError

    def offered(self, client: Client) -> tuple[OfferedPack, ...]:
        """The packs that a server offers, and what is here of each.

        Raises:
            UnavailableError: If the server cannot be reached.
        """
        raise NotImplementedError

    def download(
        self, client: Client, pack_id: str, *, on_progress: Callable[[int, int], bool] | None = None
    ) -> ShelvedPack:
        """Fetches a pack; one that was interrupted goes on where it stopped. The one that was there serves until then.

        Args:
            client: Of the server.
            pack_id: Which.
            on_progress: Called with bytes received and in all; returns whether to go on.

        Raises:
            CancelledError: If ``on_progress`` said so; what was received stays.
            ModelMismatchError: If the pack is of another model release.
            DataLossError: If what was received is no whole pack.
        """
        raise NotImplementedError

    def add(self, path: Path) -> ShelvedPack:
        """Copies a pack that came otherwise, such as by a cable.

        Raises:
            DataLossError: If it is no whole pack.
            ModelMismatchError: If it is of another model release.
        """
        raise NotImplementedError

    def delete(self, pack_id: str) -> None:
        """Deletes a pack and what was received of it; no error if there is nothing."""
        raise NotImplementedError

    def choose(self, place: LatLng | None = None) -> tuple[ShelvedPack, ...]:
        """The usable packs in the order to ask them: those whose region holds the place first, the smallest region first.

        Args:
            place: Where the device is; None if that is not known: then all, the last fetched first.
        """
        raise NotImplementedError

    def identify(self, features: FeatureSet, *, place: LatLng | None = None, max_candidates: int = 5) -> Found | None:
        """The answer of the packs: of the first in order that identifies a landmark, else of the first.

        Returns:
            None if there is no usable pack.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Closes the packs' files."""

    def _opened(self, pack: ShelvedPack) -> Any:  # noqa: ANN401
        raise NotImplementedError
