"""``steeple.v1.AuditService``."""

from __future__ import annotations

from typing import Any

import grpc

from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import read_time, timestamp
from steeple.server.catalogue import audit
from steeple.v1 import audit_service_pb2, audit_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


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
            start_time=read_time(request.start_time, "start_time") if request.HasField("start_time") else None,
            end_time=read_time(request.end_time, "end_time") if request.HasField("end_time") else None,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return audit_service_pb2.ListAuditEventsResponse(
            audit_events=[_message(event) for event in page.items], next_page_token=page.next_page_token
        )


def _message(event: audit.AuditEvent) -> audit_service_pb2.AuditEvent:
    return audit_service_pb2.AuditEvent(
        name=f"auditEvents/{event.id}",
        actor=event.actor,
        method=event.method,
        resource=event.resource,
        outcome=event.outcome,
        time=timestamp(event.time),
    )
