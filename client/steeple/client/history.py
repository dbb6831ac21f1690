"""The audit log: who changed what, and what it was before."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from steeple.client.resources import Landmark, ReferenceImage


class ChangeKind(enum.Enum):
    """What was done to a landmark or a reference image.

    Attributes:
        CREATED: It was added.
        UPDATED: Fields of it were changed.
        DELETED: It was deleted, and can be undeleted for some time.
        UNDELETED: It was brought back.
        UNKNOWN: The change failed, was about something else, was made before the log had that, or is of something that
            is gone for good.
        OTHER: Something that this version of the SDK does not know.
    """

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNDELETED = "undeleted"
    UNKNOWN = "unknown"
    OTHER = "other"


@dataclass(frozen=True)
class FieldChange:
    """What a change did to one field; metadata, aliases and labels are told entry by entry.

    Attributes:
        field: As in :class:`Landmark` or :class:`ReferenceImage`: ``description``, ``location``, ``delete_time``; with
            the entry behind a dot: ``metadata.wikidata``, ``aliases.fr``, ``labels.church``.
        before: As JSON has it: a text; True or False of ``active`` and labels; a dictionary with ``latitude`` and
            ``longitude`` of places; a list of texts of aliases. None: it was empty, or there was no such entry.
        after: The same afterwards.
    """

    field: str
    before: Any
    after: Any

    def __hash__(self) -> int:
        return hash((self.field, repr(self.before), repr(self.after)))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"field": self.field, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class AuditEvent:
    """A change, or a failed attempt at one.

    Attributes:
        name: ``auditEvents/{number}``.
        time: UTC.
        actor: ``keys/{id}``; ``open`` where the server asks for no keys; ``local``: made on the data folder itself.
        method: Such as ``steeple.v1.CatalogService/DeleteLandmark``.
        resource: Name of what was changed; may be empty if it failed.
        outcome: Name of the gRPC status.
        change: What was done to a landmark or a reference image.
        field_changes: The fields that it changed, by name; of a creation, all that are not empty.
        values_omitted: Whether these have no values, as they would not fit an answer; the change can be undone like
            others.
        undoes: ``auditEvents/{number}`` of the event whose change this one put back; empty if it did not.
        batch: ``auditEvents/{number}`` of the first of the events whose changes were made together, all or none.
    """

    name: str
    time: datetime
    actor: str
    method: str
    resource: str
    outcome: str
    change: ChangeKind = ChangeKind.UNKNOWN
    field_changes: tuple[FieldChange, ...] = ()
    values_omitted: bool = False
    undoes: str = ""
    batch: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "time": self.time.isoformat(),
            "actor": self.actor,
            "method": self.method,
            "resource": self.resource,
            "outcome": self.outcome,
            "change": self.change.value,
            "field_changes": [change.to_dict() for change in self.field_changes],
            "values_omitted": self.values_omitted,
            "undoes": self.undoes,
            "batch": self.batch,
        }


@dataclass(frozen=True)
class UndoneChange:
    """What came of undoing a change.

    Attributes:
        resource: The landmark or reference image as it is now; None if it is gone for good, on a server that retains
            nothing.
        event: ``auditEvents/{number}`` of the undo, which can be undone itself.
    """

    resource: Landmark | ReferenceImage | None
    event: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        kind = "reference_image" if isinstance(self.resource, ReferenceImage) else "landmark"
        return {"event": self.event, kind: None if self.resource is None else self.resource.to_dict()}
