"""Who may call what: keys, scopes, rates, quotas, and the audit log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final, Literal, TypeVar

from google.protobuf.message import Message

from steeple.errors import PermissionDeniedError, SteepleError, UnauthenticatedError
from steeple.server.access import Credential, Keyring, Scope
from steeple.server.api.kinds import AUDIT
from steeple.server.api.metrics import Metrics
from steeple.server.api.policy import Rule, rule_of
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.catalogue import audit
from steeple.server.catalogue.database import Database
from steeple.server.logs import facts
from steeple.server.usage import UsageCounts
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, Answer, IdentifyResponse

log = logging.getLogger(__name__)

Metadata = Iterable[tuple[str, str | bytes]]
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

HEADER: Final = "authorization"
"""Metadata that carries the key, as ``Bearer stp_...``, or the secret of a session, ``Bearer sts_...``."""

_BEARER: Final = "bearer"


class Guard:
    """Lets calls through, or does not. Belongs to one event loop.

    Args:
        access: ``open``: everyone may do everything; ``keys``: who sends a key, and what its scope covers.
        readiness: Where the engine, and so the keys, are.
        calls: Threads for what only reads and writes the catalogue.
        metrics: Where answers are counted.
    """

    def __init__(self, access: Literal["open", "keys"], readiness: Readiness, calls: Pool, metrics: Metrics) -> None:
        self._open = access == "open"
        self._readiness = readiness
        self._calls = calls
        self._metrics = metrics

    def identify(self, metadata: Metadata | None, method: str = "") -> Credential | None:
        """The key or session that a call came with; None if none is asked for.

        Args:
            metadata: Of the call.
            method: ``steeple.v1.{service}/{method}``; empty: of another's service, which anybody known may call.

        Raises:
            UnauthenticatedError: If it is missing, unknown, expired or revoked.
            UnavailableError: If the server is still starting.
        """
        if self._open:
            return None
        keyring, sent = self._readiness.engine.keyring, _sent(metadata)
        if sent is None and method and rule_of(method).public:
            return None
        return keyring.authenticate(sent)

    def admit(self, method: str, key: Credential | None, request: object = None) -> Admission:
        """Lets a call through.

        Args:
            method: ``steeple.v1.{service}/{method}``.
            key: As :meth:`identify` gave it.
            request: Of a method that takes one.

        Raises:
            PermissionDeniedError: If the key's scope does not cover the method.
            ResourceExhaustedError: If the key is at its limit of calls a second.
        """
        rule, engine = rule_of(method), self._readiness.engine
        if key is not None:
            engine.keyring.check_rate(key)
            _check_scope(key, rule.scope_for(request), method)
        elif not (self._open or rule.public):
            raise UnauthenticatedError(f"{method} needs a key")
        database = engine.catalogue.database
        return Admission(method, rule, key, request, engine.keyring, database, self._calls, engine.usage, self._metrics)


class Admission:
    """A call that was let through; made by :class:`Guard`."""

    def __init__(
        self,
        method: str,
        rule: Rule,
        key: Credential | None,
        request: object,
        keyring: Keyring,
        database: Database,
        calls: Pool,
        usage: UsageCounts,
        metrics: Metrics,
    ) -> None:
        self._usage = usage
        self._metrics = metrics
        self._rule = rule
        self._key = key
        self._keyring = keyring
        self._database = database
        self._calls = calls
        self._attempt: audit.Attempt | None = None
        if rule.changes is not None:
            actor = audit.OPEN if key is None else key.actor
            self._attempt = audit.Attempt(actor, method, _read(request, rule.changes))

    @property
    def changes(self) -> bool:
        """Whether the call changes something."""
        return self._attempt is not None

    async def answer(self, work: Callable[[], Awaitable[ResponseT]]) -> ResponseT:
        """What ``work`` returns; a change is recorded, an identification counted.

        Raises:
            ResourceExhaustedError: If the key has used up its identifications.
        """
        if self._attempt is not None:
            return await self._change(self._attempt, work)
        if not self._rule.identifies:
            return await work()
        self.begin_frame()
        answer: Answer | None = None
        try:
            response = await work()
            answer = response.answer if isinstance(response, IdentifyResponse) else None
        finally:
            self.end_frame(answer)
        return response

    async def requests(self, requests: AsyncIterator[RequestT]) -> AsyncIterator[RequestT]:
        """The requests of a stream, the first of which says what is to be changed.

        Raises:
            UnauthenticatedError: If the key has expired or was revoked since the call began.
        """
        first = True
        async for request in requests:
            if self._key is not None:
                self._key = self._keyring.current(self._key)
            if first and self._attempt is not None and self._rule.changes is not None:
                self._attempt.resource = _read(request, self._rule.changes)
            first = False
            yield request

    def begin_frame(self) -> None:
        """A query is to be answered; :meth:`end_frame` must follow.

        Raises:
            UnauthenticatedError: If the key has expired or was revoked since the call began.
            ResourceExhaustedError: If the key has used up its identifications.
        """
        if self._key is not None:
            self._key = self._keyring.current(self._key)
            self._keyring.begin_query(self._key)

    def end_frame(self, answer: Answer | None) -> None:
        """How a query was answered in the end, however many parts it came in; None: not at all.

        It is counted here and nowhere else: of its key, its landmark, its server, and for the metrics.
        """
        identified = None if answer is None else answer.outcome == OUTCOME_IDENTIFIED
        if self._key is not None:
            self._keyring.end_query(self._key, identified)
        if answer is not None:
            name = answer.candidates[0].landmark.name if identified else ""
            self._usage.add(name.removeprefix("landmarks/") if identified else None)
            self._metrics.answered(identified=bool(identified))

    async def pace(self) -> None:
        """Returns when the key's rate allows another frame."""
        if self._key is not None:
            while wait := self._keyring.take(self._key):
                await asyncio.sleep(wait)

    async def _change(self, attempt: audit.Attempt, work: Callable[[], Awaitable[ResponseT]]) -> ResponseT:
        try:
            with audit.attempting(attempt):
                response = await work()
        except Exception as error:
            if self._rule.failures:
                await self._record(attempt, error.status if isinstance(error, SteepleError) else "INTERNAL")
            raise
        if not attempt.recorded:  # a repeat of a request that was done before
            await self._record(attempt, "OK")
        return response

    async def _record(self, attempt: audit.Attempt, outcome: str) -> None:
        try:
            # Whatever the call itself was told, and however long it may take.
            turn = await self._calls.turn(AUDIT, patient=True)
            await self._calls.run_in(turn, audit.record_outcome, self._database, attempt, outcome)
        except Exception as error:  # what the caller is told of the change itself stays as it is
            values = {"actor": attempt.actor, "method": attempt.method, "resource": attempt.resource}
            log.error("not in the audit log", extra=facts(**values, outcome=outcome, error=error))


def _sent(metadata: Metadata | None) -> str | None:
    for name, value in metadata or ():
        if name == HEADER:
            scheme, _, text = (value if isinstance(value, str) else value.decode("utf-8", "replace")).partition(" ")
            if scheme.lower() != _BEARER:
                raise UnauthenticatedError(f'metadata "{HEADER}" must read "Bearer stp_ID_SECRET"')
            return text.strip()
    return None


def _check_scope(key: Credential, least: Scope, method: str) -> None:
    if key.scope < least:
        raise PermissionDeniedError(
            f"{key.name} has the scope {key.scope}; {method} takes {least} or more",
            resource=key.name,
            scope=str(key.scope),
            needed_scope=str(least),
            method=method,
        )


def _read(request: object, path: str) -> str:
    value: Any = request
    for name in path.split("."):
        if not name or not isinstance(value, Message):
            return ""
        value = getattr(value, name)
    return str(value) if isinstance(value, str) else ", ".join(map(str, value))
