"""``steeple.v1.AuditService``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import grpc
from google.protobuf import json_format, struct_pb2

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import parse_event
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import read_time, timestamp
from steeple.server.api.status import FIELD
from steeple.server.catalogue import audit
from steeple.server.catalogue.history import ChangedHow
from steeple.v1 import audit_service_pb2, audit_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

_CHANGES: Final = {
    ChangedHow.CREATED: audit_service_pb2.AuditEvent.CHANGE_CREATED,
    ChangedHow.UPDATED: audit_service_pb2.AuditEvent.CHANGE_UPDATED,
    ChangedHow.DELETED: audit_service_pb2.AuditEvent.CHANGE_DELETED,
    ChangedHow.UNDELETED: audit_service_pb2.AuditEvent.CHANGE_UNDELETED,
    None: audit_service_pb2.AuditEvent.CHANGE_UNSPECIFIED,
}
_OUTCOMES: Final = frozenset(grpc.StatusCode.__members__)


class AuditService(audit_service_pb2_grpc.AuditServiceServicer):
    """Tells who changed what.

    Args:
        readiness: Where the engine, and so the log, is.
        calls: Threads for what only reads and writes the catalogue.
    """

    def __init__(self, readiness: Readiness, calls: Pool) -> None:
        self._readiness = readiness
        self._calls = calls

    async def ListAuditEvents(  # noqa: N802
        self, request: audit_service_pb2.ListAuditEventsRequest, context: Context
    ) -> audit_service_pb2.ListAuditEventsResponse:
        """Events, the latest first, a page at a time."""
        page = await self._calls.run(
            audit.events,
            self._readiness.engine.catalogue.database,
            resource=request.resource,
            actor=request.actor,
            method=request.method,
            outcomes=_read_outcomes(request.outcomes),
            batch=parse_event(request.batch, "batch") if request.batch else None,
            start_time=read_time(request.start_time, "start_time") if request.HasField("start_time") else None,
            end_time=read_time(request.end_time, "end_time") if request.HasField("end_time") else None,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return audit_service_pb2.ListAuditEventsResponse(
            audit_events=[_message(event) for event in page.items], next_page_token=page.next_page_token
        )


def _read_outcomes(outcomes: Collection[str]) -> frozenset[str]:
    for outcome in outcomes:
        if outcome not in _OUTCOMES:
            raise InvalidArgumentError(
                f"outcomes are names of gRPC statuses, such as OK or NOT_FOUND, not {outcome[:40]!r}",
                **{FIELD: "outcomes"},
            )
    return frozenset(outcomes)


def _message(event: audit.AuditEvent) -> audit_service_pb2.AuditEvent:
    before, after = event.before or {}, event.after or {}
    return audit_service_pb2.AuditEvent(
        name=audit.event_name(event.id),
        actor=event.actor,
        method=event.method,
        resource=event.resource,
        outcome=event.outcome,
        time=timestamp(event.time),
        change=_CHANGES[event.how],
        field_changes=[
            audit_service_pb2.FieldChange(field=path, before=_value(before.get(path)), after=_value(after.get(path)))
            for path in sorted({*before, *after})
        ],
        values_omitted=event.values_omitted,
        undoes="" if event.undoes is None else audit.event_name(event.undoes),
        batch=audit.event_name(event.batch),
    )


def _value(value: Any) -> struct_pb2.Value | None:  # noqa: ANN401 - whatever JSON has
    """A value that JSON has; None for None, which stands for nothing."""
    return None if value is None else json_format.ParseDict(value, struct_pb2.Value())
