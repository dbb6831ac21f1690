"""Clients that carry out their steps on whichever server is up, and take down what came of it."""

from __future__ import annotations

import functools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc

from tests.history.calls import Calls
from tests.history.generator import Step
from tests.history.operations import CHANGES, REPEAT, Operation, Outcome, Recorder

_LOST = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNKNOWN,
}
_REMEMBERED = 20


class Reach(Protocol):
    """Where clients find whom to ask."""

    def newer_than(self, number: int, ended: Callable[[], bool]) -> tuple[int, Calls] | None:
        """Another server than the one of that number, once there is one; None if ``ended`` before."""
        ...


class Server:
    """Where the clients find the server that is up, if one is. Thread safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = -1
        self._calls: Calls | None = None

    @contextmanager
    def up(self, number: int, address: str) -> Iterator[None]:
        """While this lasts, the server of that number can be reached."""
        # Nothing is sent twice behind our back, nor to another process than it was meant for.
        options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(address, options=options) as channel:
            with self._changed:
                self._number, self._calls = number, Calls(channel)
                self._changed.notify_all()
            try:
                yield
            finally:
                with self._changed:
                    self._calls = None

    def newer_than(self, number: int, ended: Callable[[], bool]) -> tuple[int, Calls] | None:
        """A server of a greater number, once there is one; None if ``ended`` before."""
        with self._changed:
            while True:
                if self._calls is not None and self._number > number:
                    return self._number, self._calls
                if ended():
                    return None
                self._changed.wait(0.05)


@dataclass(frozen=True)
class _Told:
    """What came back of a call."""

    outcome: Outcome = Outcome.UNKNOWN
    status: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    message: str = ""


@dataclass
class _Asked:
    """Of one step: what became of it so far."""

    server: int = -1
    invoked: int = -1
    attempts: int = 0
    told: _Told = field(default_factory=_Told)


class Client:
    """One client, with one operation at a time.

    Args:
        number: Its own.
        server: Whom it asks.
        recorder: Takes down its operations.
        now: Nanoseconds since the run began.
        ended: Whether to stop.
    """

    def __init__(
        self, number: int, server: Reach, recorder: Recorder, now: Callable[[], int], ended: Callable[[], bool]
    ) -> None:
        self._number = number
        self._server = server
        self._recorder = recorder
        self._now = now
        self._ended = ended
        self._etags: dict[str, str] = {}
        self._answered: list[tuple[int, str, dict[str, Any], str]] = []
        self._silent = -1  # the server that has not answered the last time

    def work(self, steps: Iterable[Step]) -> None:
        """Carries steps out until the run has ended."""
        for number, step in enumerate(steps):
            if self._ended():
                return
            self._carry_out(number, step)

    def _carry_out(self, number: int, step: Step) -> None:
        action, arguments, request_id = step.action, dict(step.arguments), step.request_id
        recorded = arguments
        if action == REPEAT:
            if not self._answered:
                return
            # Which one depends on what was answered; chosen by the step's own number, not by a clock.
            of, action, arguments, request_id = random.Random(request_id).choice(self._answered)  # noqa: S311
            recorded = {"of": of, "landmark": arguments["landmark"]}
        elif step.match and action in ("UpdateLandmark", "DeleteLandmark") and arguments["landmark"] in self._etags:
            arguments["etag"] = self._etags[arguments["landmark"]]
        changes = action in CHANGES
        asked = self._asked(
            action, arguments, request_id, persistent=step.persistent and changes, twice=step.twice and changes
        )
        if asked.attempts == 0:
            return
        if asked.told.outcome is Outcome.OK and step.action in CHANGES:
            self._answered = [*self._answered[1 - _REMEMBERED :], (number, action, arguments, request_id)]
        if asked.told.answer.get("etag") and step.action != REPEAT:
            self._etags[arguments["landmark"]] = asked.told.answer["etag"]
        self._recorder.operation(
            Operation(
                client=self._number,
                number=number,
                server=asked.server,
                action=step.action,
                arguments=recorded,
                invoked=asked.invoked,
                completed=self._now(),
                outcome=asked.told.outcome,
                status=asked.told.status,
                answer=asked.told.answer,
                attempts=asked.attempts,
                message=asked.told.message,
            )
        )

    def _asked(
        self, action: str, arguments: dict[str, Any], request_id: str, *, persistent: bool, twice: bool
    ) -> _Asked:
        asked = _Asked()
        while True:
            reached = self._server.newer_than(self._silent, self._ended)
            if reached is None:
                return asked
            asked.server, calls = reached
            asked.attempts += 1 + twice
            asked.invoked = self._now() if asked.invoked < 0 else asked.invoked
            sent = functools.partial(_sent, calls, action, arguments, request_id)
            if twice:
                with ThreadPoolExecutor(1) as beside:
                    other = beside.submit(sent)
                    asked.told = _one_of(sent(), other.result())
            else:
                asked.told = sent()
            if asked.told.outcome is not Outcome.UNKNOWN:
                return asked
            self._silent = asked.server
            if not persistent:
                return asked


def _sent(calls: Calls, action: str, arguments: dict[str, Any], request_id: str) -> _Told:
    """One call."""
    try:
        return _Told(Outcome.OK, "OK", calls.send(action, arguments, request_id))
    except grpc.RpcError as error:
        code, message = error.code(), error.details() or ""
    except ValueError:  # the channel was closed in the moment of the call
        code, message = grpc.StatusCode.CANCELLED, "the channel is closed"
    # A connection that breaks may be told as INTERNAL too; the server's own has the number of an incident.
    lost = code in _LOST or (code is grpc.StatusCode.INTERNAL and "incident" not in message)
    return _Told(Outcome.UNKNOWN if lost else Outcome.REFUSED, code.name, {}, message)


def _one_of(one: _Told, other: _Told) -> _Told:
    """What two calls with one request_id at once amount to; either may have come first."""
    if one.outcome is other.outcome is Outcome.OK and one.answer != other.answer:
        return _Told(Outcome.REFUSED, "TWO_ANSWERS", {}, f"sent twice at once: {one.answer} and {other.answer}")
    order = (Outcome.OK, Outcome.UNKNOWN, Outcome.REFUSED)
    return min(one, other, key=lambda told: order.index(told.outcome))


def clock() -> Callable[[], int]:
    """Nanoseconds since now."""
    began = time.monotonic_ns()
    return lambda: time.monotonic_ns() - began
