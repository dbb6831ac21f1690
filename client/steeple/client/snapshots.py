"""Snapshots of a server."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a whole server, on the server's disk.

    Attributes:
        name: ``snapshots/{id}``. Names sort by time.
        create_time: When it was begun, UTC; None if ``damage`` is set.
        version: Of the Steeple that made it.
        schema: Revision of the catalogue's schema.
        sequence: Number of the catalogue's last change.
        model: ``models/{model}`` that was the default.
        landmark_count: Landmarks, deleted ones that are kept among them.
        reference_image_count: Reference images, likewise.
        photo_count: Files of photos in it.
        missing_photo_count: Photos that the server had lost already.
        has_index: Whether it has the index too, so that a restored server need not build it.
        size_bytes: Of its files.
        copied_bytes: Of those that share no space with the server's own.
        damage: Why it cannot be read; then all else but the name stands for nothing. Empty: it can.
    """

    name: str
    create_time: datetime | None
    version: str
    schema: str
    sequence: int
    model: str
    landmark_count: int
    reference_image_count: int
    photo_count: int
    missing_photo_count: int
    has_index: bool
    size_bytes: int
    copied_bytes: int
    damage: str

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.removeprefix("snapshots/")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        time = None if self.create_time is None else self.create_time.isoformat()
        return {**asdict(self), "id": self.id, "create_time": time}
