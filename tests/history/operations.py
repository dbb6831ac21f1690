"""What clients did to a server and what it answered: a history, and the file that it is kept in."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
_DEATH_NOTICED: Final = 5_000_000_000  # nanoseconds from a lost answer to the note that its server is gone

LANDMARK_CHANGES: Final = frozenset({"CreateLandmark", "UpdateLandmark", "DeleteLandmark", "UndeleteLandmark"})
IMAGE_CHANGES: Final = frozenset(
    {"CreateReferenceImage", "DeleteReferenceImage", "UndeleteReferenceImage", "BatchDeleteReferenceImages"}
)
CHANGES: Final = LANDMARK_CHANGES | IMAGE_CHANGES
"""Actions that have an effect; all others read."""

DATABASE_ENDS: Final = "the database ends"
DATABASE_READY: Final = "the database is ready"
"""Events of what several servers share."""

REPEAT: Final = "Repeat"
"""Sends a request that was answered once more, with the same request_id."""


class Outcome(StrEnum):
    """What a client knows of its operation."""

    OK = "ok"
    REFUSED = "refused"  # with a status that says why; it had no effect
    UNKNOWN = "unknown"  # the answer was lost; it had its effect before the server ended, or never


@dataclass(frozen=True)
class Operation:
    """One operation of one client, of as many calls with one request_id as it took.

    Attributes:
        client: Which.
        number: Among the client's.
        server: The process that was asked last.
        action: The method's name, or :data:`REPEAT`.
        arguments: ``landmark``, ``image`` and so on, fit for JSON.
        invoked: Nanoseconds from the begin of the run to before the first call.
        completed: To after the answer; if that was lost, to after the server's end.
        outcome: What is known of it.
        status: Name of the gRPC status.
        answer: What the model is compared with.
        attempts: Calls.
        message: The server's, of an error.
    """

    client: int
    number: int
    server: int
    action: str
    arguments: Mapping[str, Any]
    invoked: int
    completed: int
    outcome: Outcome
    status: str = "OK"
    answer: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 1
    message: str = ""

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        said = {Outcome.OK: f"OK {dict(self.answer)}", Outcome.UNKNOWN: f"? ({self.status})"}
        times = f"{self.invoked / 1e9:9.4f} to {self.completed / 1e9:9.4f} s"
        return f"{times}  client {self.client} {self.action}({arguments}) -> {said.get(self.outcome, self.status)}"


@dataclass(frozen=True)
class Event:
    """Something that befell the server: it was started, was ready, ended, or its files were damaged meanwhile."""

    time: int
    server: int
    what: str


@dataclass(frozen=True)
class History:
    """A run.

    Attributes:
        seed: That it was made from.
        retained: Whether what is deleted can be undeleted.
        operations: Of all clients, in the order of their completion.
        events: Of the server.
    """

    seed: int
    retained: bool
    operations: tuple[Operation, ...]
    events: tuple[Event, ...] = ()

    def save(self, file: Path) -> None:
        """Writes it as JSON, one object a line."""
        head = {"format": FORMAT, "seed": self.seed, "retained": self.retained}
        lines = [head, *({"event": asdict(event)} for event in self.events), *map(asdict, self.operations)]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    @staticmethod
    def load(file: Path) -> History:
        """Reads what :meth:`save` wrote."""
        head, *lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        if head.get("format") != FORMAT:
            raise ValueError(f"{file} is not a history of format {FORMAT}")
        events = [Event(**line["event"]) for line in lines if "event" in line]
        operations = [Operation(**{**line, "outcome": Outcome(line["outcome"])}) for line in lines if "client" in line]
        return History(head["seed"], head["retained"], tuple(operations), tuple(events))


class Recorder:
    """Takes down operations and events. Thread safe.

    Args:
        grace: Nanoseconds after the end of a server, or after a live one has said that something went wrong, in which
            what it was doing may still have its effect: a database may be told to commit by a process that is gone.
            None: there is but one server, and its end is the end of all that it was doing.
    """

    def __init__(self, grace: int | None = None) -> None:
        self._lock = threading.Lock()
        self._operations: list[Operation] = []
        self._events: list[Event] = []
        self._ends: dict[int, int] = {}
        self._grace = grace

    def operation(self, operation: Operation) -> None:
        """Takes down an operation that has ended."""
        with self._lock:
            self._operations.append(operation)

    def event(self, time: int, server: int, what: str) -> None:
        """Takes down what befell a server."""
        with self._lock:
            self._events.append(Event(time, server, what))

    def ended(self, time: int, server: int, how: str) -> None:
        """Takes down that a server's process is gone, and with it all that was under way."""
        self.event(time, server, how)
        with self._lock:
            self._ends[server] = time

    def history(self, seed: int, *, retained: bool) -> History:
        """All of it. What was unknown to its client ended with the server."""
        with self._lock:
            last = max((one.completed for one in self._operations), default=0)
            known = [
                replace(one, completed=self._settled(one, last)) if one.outcome is Outcome.UNKNOWN else one
                for one in self._operations
            ]
            return History(seed, retained, tuple(sorted(known, key=lambda one: one.completed)), tuple(self._events))

    def _settled(self, one: Operation, last: int) -> int:
        """When an operation whose answer was lost cannot have its effect any more."""
        end = self._ends.get(one.server, last)
        if self._grace is None:
            return max(one.completed, end)
        # A server that went on for long afterwards was not ended by what lost the answer.
        died = one.completed <= end <= one.completed + _DEATH_NOTICED
        return (end if died else one.completed) + self._grace
