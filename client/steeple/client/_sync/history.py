# Made from _async/history.py by tools/generate_sync_client.py; do not edit.
"""Calls of the AuditService, and the one that undoes what it tells of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from steeple.client._convert_history import event_name, to_audit_event, to_undone
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client._times import timestamp
from steeple.client.history import AuditEvent, UndoneChange
from steeple.v1.audit_service_pb2 import ListAuditEventsRequest
from steeple.v1.catalog_service_pb2 import UndoChangeRequest


class HistoryCalls:
    """The part of the client that tells who changed what, and puts it back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_audit_events(
        self,
        *,
        resource: str = "",
        actor: str = "",
        method: str = "",
        outcomes: Iterable[str] = (),
        batch: str | int | AuditEvent = "",
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_size: int = 50,
        timeout: float | None = None,
    ) -> Listing[AuditEvent]:
        """Changes and failed attempts at them, the latest first.

        An editor's key is enough for those of ``landmarks`` and of what is below; the others take an admin's.

        Args:
            resource: Only those of this resource and what is below it, such as ``landmarks/big-ben``; empty: all.
            actor: Only those of this one, such as ``keys/x7kq2m4a``; empty: all.
            method: Only those of methods that begin so, such as ``steeple.v1.CatalogService/Delete``; empty: all.
            outcomes: Only those with one of these, such as ``OK`` or ``ABORTED``; none: all.
            batch: Only those of the same batch as this event, by number or name, or as returned; empty: all.
            start_time: Only those at this time or later.
            end_time: Only those before this time.
            page_size: Events fetched at a time, as the iterator needs them.
            timeout: Seconds for each page; None: the client's.

        Raises:
            InvalidArgumentError: If an outcome is no status.
        """
        request = ListAuditEventsRequest(
            page_size=page_size,
            resource=resource,
            actor=actor,
            method=method,
            outcomes=outcomes,
            batch=event_name(batch) if batch else "",
            start_time=timestamp(start_time, "start_time"),
            end_time=timestamp(end_time, "end_time"),
        )
        return self._connection.listing(
            self._connection.link.audit.ListAuditEvents,
            request,
            lambda page: map(to_audit_event, page.audit_events),
            timeout=timeout,
        )

    def undo_change(
        self,
        event: str | int | AuditEvent,
        *,
        etag: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> UndoneChange:
        """Puts back what one event of the audit log tells of: fields as they were, or a deletion, or a creation.

        That is a change like others, with an event of its own, and can be undone itself.

        Args:
            event: Which, by number, by name (``auditEvents/{number}``) or as another call returned it.
            etag: If not empty, that of the landmark or reference image as the caller knows it.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            ChangedSinceError: If somebody has changed the same again; ``metadata`` has the ``fields`` and the later
                ``event``.
            AbortedError: If the etag is not the current one.
            FailedPreconditionError: If there is nothing to put back, or it is not known (any more); if what it is about
                is deleted, or has reference images by now.
            NotFoundError: If there is no such event.
        """
        request = UndoChangeRequest(name=event_name(event), etag=etag, request_id=request_id_or_new(request_id))
        response = self._connection.call(self._connection.link.catalog.UndoChange, request, timeout=timeout, long=True)
        return to_undone(response)
