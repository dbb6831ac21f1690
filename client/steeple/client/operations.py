"""Long-running operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any


class OperationState(Enum):
    """How far an operation is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OTHER = "other"
    """Of a newer server."""


@dataclass(frozen=True)
class Operation:
    """Work that a call began and the server does in the background.

    Attributes:
        name: ``operations/{id}``. Names sort by time.
        method: That began it, such as ``steeple.v1.CatalogService/ExportCatalogue``.
        state: How far it is.
        actor: Who began it, as in the audit log.
        step: What is being done now, in words.
        done_count: Items of this step that are done, failed ones among them.
        total_count: Items of this step; 0: not known.
        problem_count: Items that failed, see ``list_operation_problems``.
        results: What came of it.
        error_status: Name of the gRPC status that it failed with; empty: it did not.
        error_message: Why it failed.
        cancel_requested: Whether it was told to stop.
        create_time: UTC.
        start_time: When it first ran; None: it has not.
        update_time: When it last told of its progress.
        end_time: When it was finished; None: it is not.
    """

    name: str
    method: str
    state: OperationState
    actor: str
    step: str
    done_count: int
    total_count: int
    problem_count: int
    results: Mapping[str, str]
    error_status: str
    error_message: str
    cancel_requested: bool
    create_time: datetime
    start_time: datetime | None
    update_time: datetime
    end_time: datetime | None

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.removeprefix("operations/")

    @property
    def finished(self) -> bool:
        """Whether nothing more is done, unless it is resumed."""
        return self.state not in (OperationState.QUEUED, OperationState.RUNNING)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        times = {name: getattr(self, name) for name in ("create_time", "start_time", "update_time", "end_time")}
        return {
            **asdict(self),
            "id": self.id,
            "state": self.state.value,
            "results": dict(self.results),
            **{name: None if time is None else time.isoformat() for name, time in times.items()},
        }


@dataclass(frozen=True)
class OperationProblem:
    """An item of an operation that failed; the operation went on without it.

    Attributes:
        item: What it is about, such as the name of a file.
        status: Name of a gRPC status.
        message: What is wrong, and what to do.
    """

    item: str
    status: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
