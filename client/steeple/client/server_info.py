"""What a server tells of itself."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


class UpkeepActivity(enum.Enum):
    """What a server does to its index. Queries and changes go on meanwhile.

    Attributes:
        IDLE: Nothing.
        SAVING: It writes what is new to a file.
        REBUILDING: It makes a new index beside the one that serves; a stopped server goes on with it.
        OTHER: Something that this version of the SDK does not know.
    """

    IDLE = "idle"
    SAVING = "saving"
    REBUILDING = "rebuilding"
    OTHER = "other"


@dataclass(frozen=True)
class IndexInfo:
    """The index that serves.

    Attributes:
        factory: FAISS factory string of its codebook, such as ``IVF1024,PQ20``.
        device: What searches it: ``CPU``, ``GPU 0``, or ``GPU 0 and CPU``.
        faiss_version: Of the library.
        batching: Whether queries that come at once share a call of FAISS.
        probes: Inverted lists visited per descriptor of a query.
        neighbours: Nearest neighbours fetched per descriptor of a query.
        images: Reference images in it.
        descriptors: Of these images.
        live_descriptors: Descriptors in memory that no file has yet.
        dead_descriptors: Of removed images, that inverted lists still hold.
        bytes_per_descriptor: Of a code and its number.
        sequence: Number of the last change of the catalogue that it has.
        catalogue_sequence: Number of the catalogue's last change.
    """

    factory: str
    device: str
    faiss_version: str
    batching: bool
    probes: int
    neighbours: int
    images: int
    descriptors: int
    live_descriptors: int
    dead_descriptors: int
    bytes_per_descriptor: float
    sequence: int
    catalogue_sequence: int

    @property
    def dead_share(self) -> float:
        """Of the descriptors that inverted lists hold, the share that is of removed images; 0 to 1."""
        held = self.descriptors + self.dead_descriptors
        return self.dead_descriptors / held if held else 0.0

    @property
    def changes_behind(self) -> int:
        """Changes of the catalogue that are not searchable yet."""
        return max(0, self.catalogue_sequence - self.sequence)


@dataclass(frozen=True)
class UpkeepInfo:
    """What is done to the index.

    Attributes:
        activity: What.
        images_done: Reference images in the new index; 0 while its codebook is trained.
        images_total: That the new index will have; 0 if none is being made.
        waiting_for: What has to happen before the index is of the kind that the server's settings name; empty if
            nothing has to.
    """

    activity: UpkeepActivity
    images_done: int = 0
    images_total: int = 0
    waiting_for: str = ""


@dataclass(frozen=True)
class ServerInfo:
    """A server that takes calls.

    Attributes:
        version: Of Steeple.
        start_time: When it was started, UTC.
        uptime: Seconds since then.
        models: The model releases served, as ``models/{model}``, the default first.
        index: The index that serves.
        upkeep: What is done to the index.
        max_message_bytes: A larger request is refused; 0 if the server does not say.
        max_image_pixels: A photo of more is refused; 0 if the server does not say.
    """

    version: str
    start_time: datetime
    uptime: float
    models: tuple[str, ...]
    index: IndexInfo
    upkeep: UpkeepInfo
    max_message_bytes: int = 0
    max_image_pixels: int = 0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": self.version,
            "start_time": self.start_time.isoformat(),
            "uptime": round(self.uptime, 3),
            "models": list(self.models),
            "index": {
                **asdict(self.index),
                "dead_share": round(self.index.dead_share, 4),
                "changes_behind": self.index.changes_behind,
            },
            "upkeep": {**asdict(self.upkeep), "activity": self.upkeep.activity.value},
            "max_message_bytes": self.max_message_bytes,
            "max_image_pixels": self.max_image_pixels,
        }
