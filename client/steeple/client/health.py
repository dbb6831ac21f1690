"""How a server is doing: what it was asked in the last hours, and what it keeps."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Latency:
    """Milliseconds, right to within a tenth.

    Attributes:
        p50: Half of all took as long, at most.
        p90: The same of nine tenths.
        p99: The same of 99 hundredths.
    """

    p50: float
    p90: float
    p99: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class TrafficInterval:
    """What ended in one interval.

    Attributes:
        start_time: Its beginning, UTC.
        count: Calls, or times that a stage was gone through.
        refusals: Of the calls: for who called, or for how much was asked at once.
        errors: Of the calls: for a reason of the server.
        latency: Of the calls that ended well; None if none did.
    """

    start_time: datetime
    count: int
    refusals: int
    errors: int
    latency: Latency | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "start_time": self.start_time.isoformat(),
            "count": self.count,
            "refusals": self.refusals,
            "errors": self.errors,
            "latency": None if self.latency is None else self.latency.to_dict(),
        }


@dataclass(frozen=True)
class MethodTraffic:
    """The calls of one method that have ended.

    Attributes:
        method: ``VisualSearchService/Identify``.
        calls: All of them.
        refusals: Of these: for who called, or for how much was asked at once.
        errors: Of these: for a reason of the server.
        statuses: Calls by the name of their gRPC status.
        latency: Of those that ended well, from arrival to end; None if none did. A stream lasts as long as its camera.
        intervals: In order; those without a call are left out.
    """

    method: str
    calls: int
    refusals: int
    errors: int
    statuses: Mapping[str, int] = field(hash=False)
    latency: Latency | None
    intervals: tuple[TrafficInterval, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "method": self.method,
            "calls": self.calls,
            "refusals": self.refusals,
            "errors": self.errors,
            "statuses": dict(sorted(self.statuses.items())),
            "latency": None if self.latency is None else self.latency.to_dict(),
            "intervals": [one.to_dict() for one in self.intervals],
        }


@dataclass(frozen=True)
class StageTraffic:
    """One stage of queries, each frame of a stream counting as one.

    Attributes:
        stage: ``extract`` (of photos that were sent whole), ``search`` or ``verify``.
        count: Times that it was gone through.
        latency: None if it was not.
        intervals: In order; those without are left out.
    """

    stage: str
    count: int
    latency: Latency | None
    intervals: tuple[TrafficInterval, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "stage": self.stage,
            "count": self.count,
            "latency": None if self.latency is None else self.latency.to_dict(),
            "intervals": [one.to_dict() for one in self.intervals],
        }


@dataclass(frozen=True)
class AnswerInterval:
    """The answers of one interval.

    Attributes:
        start_time: Its beginning, UTC.
        identified: Answers with a landmark.
        unknown: The others.
    """

    start_time: datetime
    identified: int
    unknown: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "start_time": self.start_time.isoformat()}


@dataclass(frozen=True)
class Traffic:
    """What a server was asked in the last minutes; one that starts has counted nothing.

    Attributes:
        start_time: Of the first interval, UTC.
        end_time: Of the minute that goes on, UTC.
        interval: Seconds of every interval.
        methods: That were called, those of most calls first.
        stages: Of queries, by name.
        identified: Queries and frames answered with a landmark.
        unknown: The others that were answered.
        answers: The same by interval, in order; those without are left out.
    """

    start_time: datetime
    end_time: datetime
    interval: float
    methods: tuple[MethodTraffic, ...]
    stages: tuple[StageTraffic, ...]
    identified: int
    unknown: int
    answers: tuple[AnswerInterval, ...]

    @property
    def calls(self) -> int:
        """Calls of all methods that have ended."""
        return sum(method.calls for method in self.methods)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "start_time": self.start_time.isoformat(),
            "end_time": self.end_time.isoformat(),
            "interval": self.interval,
            "calls": self.calls,
            "identified": self.identified,
            "unknown": self.unknown,
            "methods": [method.to_dict() for method in self.methods],
            "stages": [stage.to_dict() for stage in self.stages],
            "answers": [one.to_dict() for one in self.answers],
        }


class StorageKind(enum.Enum):
    """What a server keeps bytes for."""

    DATABASE = "database"
    PHOTOS = "photos"
    INDEX = "index"
    SNAPSHOTS = "snapshots"
    KEPT_QUERIES = "kept queries"
    UPLOADS = "uploads"
    PACKS = "packs"
    OPERATIONS = "operations"
    OTHER = "other"
    """One that this version of the SDK does not know."""


@dataclass(frozen=True)
class StoragePart:
    """What is kept for one purpose.

    Attributes:
        kind: What for. Of snapshots, what they share with the server's own files is not counted again.
        size_bytes: Of it.
        items: Files, photos, snapshots, queries, uploads or packs.
        partial: Whether there may be more, as not all of it could be looked at.
    """

    kind: StorageKind
    size_bytes: int
    items: int
    partial: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "kind": self.kind.value}


@dataclass(frozen=True)
class Disk:
    """A disk of the server's host.

    Attributes:
        kinds: What lies on it.
        total_bytes: Of the disk.
        free_bytes: That the server may use.
    """

    kinds: tuple[StorageKind, ...]
    total_bytes: int
    free_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "kinds": [kind.value for kind in self.kinds]}


@dataclass(frozen=True)
class Storage:
    """What a server keeps, and the room that is left.

    Attributes:
        parts: One a kind.
        disks: Of the server's host, each once.
        measure_time: When this was measured, UTC.
    """

    parts: tuple[StoragePart, ...]
    disks: tuple[Disk, ...]
    measure_time: datetime

    @property
    def size_bytes(self) -> int:
        """Of all parts."""
        return sum(part.size_bytes for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "measure_time": self.measure_time.isoformat(),
            "size_bytes": self.size_bytes,
            "parts": [part.to_dict() for part in self.parts],
            "disks": [disk.to_dict() for disk in self.disks],
        }
