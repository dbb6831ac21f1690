"""Protocol messages of the audit log to the SDK's types."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

from steeple.client._convert import to_landmark, to_reference_image
from steeple.client._requests import prefixed
from steeple.client._times import to_time
from steeple.client.history import AuditEvent, ChangeKind, FieldChange, UndoneChange
from steeple.client.resources import Landmark, ReferenceImage
from steeple.v1.audit_service_pb2 import AuditEvent as AuditEventMessage
from steeple.v1.catalog_service_pb2 import UndoChangeResponse

_CHANGES: Final = {
    AuditEventMessage.CHANGE_UNSPECIFIED: ChangeKind.UNKNOWN,
    AuditEventMessage.CHANGE_CREATED: ChangeKind.CREATED,
    AuditEventMessage.CHANGE_UPDATED: ChangeKind.UPDATED,
    AuditEventMessage.CHANGE_DELETED: ChangeKind.DELETED,
    AuditEventMessage.CHANGE_UNDELETED: ChangeKind.UNDELETED,
}


def event_name(event: str | int | AuditEvent) -> str:
    """``auditEvents/{number}`` of a number, a name or an event."""
    return event.name if isinstance(event, AuditEvent) else prefixed("auditEvents/", str(event))


def to_audit_event(message: AuditEventMessage) -> AuditEvent:
    """An event of the audit log."""
    return AuditEvent(
        message.name,
        to_time(message.time),
        message.actor,
        message.method,
        message.resource,
        message.outcome,
        change=_CHANGES.get(message.change, ChangeKind.OTHER),
        field_changes=tuple(
            FieldChange(
                change.field,
                _value(change.before) if change.HasField("before") else None,
                _value(change.after) if change.HasField("after") else None,
            )
            for change in message.field_changes
        ),
        values_omitted=message.values_omitted,
        undoes=message.undoes,
        batch=message.batch,
    )


def to_undone(message: UndoChangeResponse) -> UndoneChange:
    """What came of undoing a change."""
    resource: Landmark | ReferenceImage | None = None
    match message.WhichOneof("resource"):
        case "landmark":
            resource = to_landmark(message.landmark)
        case "reference_image":
            resource = to_reference_image(message.reference_image)
    return UndoneChange(resource, message.event)


def _value(message: Value) -> Any:  # noqa: ANN401 - whatever JSON has
    return json_format.MessageToDict(message)
