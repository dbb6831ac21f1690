"""What there is to know of a long-running operation (AIP-151)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class OperationState(StrEnum):
    """How far an operation is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


UNFINISHED: Final = (OperationState.QUEUED, OperationState.RUNNING)
"""What the server still works on, or will."""


@dataclass(frozen=True)
class Operation:
    """A long-running operation.

    Attributes:
        id: Sorts by the time at which it was begun.
        method: That began it, ``steeple.v1.{service}/{method}``.
        arguments: What was asked for, fit for JSON.
        state: How far it is.
        actor: Who began it, as in the audit log.
        step: What is being done now, in words.
        done: Items of this step that are done, failed ones among them.
        total: Items of this step; 0: not known.
        problem_count: Items that failed.
        checkpoint: Where it goes on after an interruption, fit for JSON.
        results: What came of it, once it has succeeded.
        error_status: Name of the gRPC status that it failed with; empty: it did not.
        error_message: Why it failed.
        cancel_requested: Whether it has been told to stop.
        create_time: UTC.
        start_time: When it first ran; None: it has not.
        update_time: When its progress was last stored.
        end_time: When it was finished; None: it is not.
        owner: What runs it, or has run it last: a server, and a number of its runs.
        lease_until: Until when it has the right to; None: it does not run, or is not to be taken from it.
    """

    id: str
    method: str
    arguments: Mapping[str, Any]
    state: OperationState
    actor: str
    step: str
    done: int
    total: int
    problem_count: int
    checkpoint: Mapping[str, Any]
    results: Mapping[str, str]
    error_status: str
    error_message: str
    cancel_requested: bool
    create_time: datetime
    start_time: datetime | None
    update_time: datetime
    end_time: datetime | None
    owner: str = ""
    lease_until: datetime | None = None

    @property
    def name(self) -> str:
        """``operations/{id}``."""
        return operation_name(self.id)

    @property
    def finished(self) -> bool:
        """Whether nothing more is done, unless it is resumed."""
        return self.state not in UNFINISHED


@dataclass(frozen=True)
class Problem:
    """An item of an operation that failed; the others were gone on with.

    Attributes:
        id: Its place among the operation's problems, in decimal.
        item: What it is about, such as a file's name within what is imported.
        status: Name of a gRPC status.
        message: What is wrong with it.
    """

    id: str
    item: str
    status: str
    message: str


def operation_name(operation_id: str) -> str:
    """``operations/{operation_id}``."""
    return f"operations/{operation_id}"
