"""Changes of the audit log, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from steeple.client import AuditEvent, ChangeKind, FieldChange, LatLng
from steeple.console.links import deed
from steeple.console.sessions import Me
from steeple.console.web_map import words

_FIELDS: Final = {
    "display_name": "Name",
    "description": "Description",
    "location": "Place",
    "active": "Active",
    "capture_location": "Where it was taken",
    "capture_time": "When it was taken",
    "delete_time": "Deleted",
    "expire_time": "Gone for good",
    "reference_image_count": "Photos",
    "quality": "Grade",
    "quality_grade": "Grade",
    "feature_count": "Local features",
    "size_bytes": "Bytes",
    "media_type": "Kind of file",
    "sha256": "SHA-256",
}
_ENTRIES: Final = {"metadata": "Metadata: ", "aliases": "Other names: ", "labels": "Label "}
_DID: Final = {
    ChangeKind.CREATED: ("made", "added"),
    ChangeKind.UPDATED: ("changed", "changed"),
    ChangeKind.DELETED: ("deleted", "deleted"),
    ChangeKind.UNDELETED: ("brought back", "brought back"),
}
_LONGEST: Final = 2000


@dataclass(frozen=True)
class Line:
    """What a change did to one field.

    Attributes:
        title: Of the field.
        before: As it was; empty: it was not there.
        after: As it is since.
    """

    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """A change, for people.

    Attributes:
        number: Of the event.
        time: UTC.
        who: Did it.
        what: They did, without a full stop.
        failed: Name of the gRPC status, if it failed.
        lines: What it did to fields.
        omitted: Whether these are too long to be shown.
        photo: Id of the photo that it is about; empty: it is about the landmark.
        landmark_id: Of the landmark.
        undoable: Whether it can be put back.
        undoes: Number of the event that it put back; empty if it did not.
    """

    number: str
    time: datetime
    who: str
    what: str
    failed: str
    lines: Sequence[Line]
    omitted: bool
    photo: str
    landmark_id: str
    undoable: bool
    undoes: str


def told(event: AuditEvent, me: Me) -> Change:
    """An event of a landmark or a photo."""
    landmark, _, photo = event.resource.removeprefix("landmarks/").partition("/images/")
    failed = "" if event.outcome == "OK" else event.outcome
    if event.change in _DID:
        did = _DID[event.change][bool(photo)]
        what = f"{did} the {'photo' if photo else 'landmark'}"
    else:
        what = _method(event.method)
    if event.undoes:
        what = f"undid a change: {what}"
    if failed:
        what = f"tried and failed: {_method(event.method)}"
    return Change(
        number=event.name.rpartition("/")[2],
        time=event.time,
        who=actor(event.actor, me),
        what=what,
        failed=failed,
        lines=[] if event.values_omitted else [line_of(each) for each in event.field_changes],
        omitted=event.values_omitted,
        photo=photo,
        landmark_id=landmark,
        undoable=undoable(event),
        undoes=event.undoes.rpartition("/")[2],
    )


def undoable(event: AuditEvent) -> bool:
    """Whether it can be put back, as far as the event tells."""
    return event.change in _DID and event.outcome == "OK"


def actor(name: str, me: Me) -> str:
    """Who did something, for people."""
    if name and name == me.name:
        return "You"
    if name == "open":
        return "Somebody"
    if name == "local":
        return "Whoever runs the server"
    kind, _, own = name.partition("/")
    return {"people": own, "keys": f"Key {own}"}.get(kind, name)


def field_title(name: str) -> str:
    """A field as people call it."""
    field, dot, entry = name.partition(".")
    if dot and field in _ENTRIES:
        return f"{_ENTRIES[field]}{entry}"
    return _FIELDS.get(name) or field.replace("_", " ").capitalize()


def line_of(change: FieldChange) -> Line:
    """What a change did to one field."""
    return Line(field_title(change.field), _value(change.before), _value(change.after))


def _value(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case {"latitude": float() | int() as latitude, "longitude": float() | int() as longitude}:
            return words(LatLng(float(latitude), float(longitude)))
        case list():
            return ", ".join(map(str, value))[:_LONGEST]
        case float() if value.is_integer():
            return f"{int(value):,}"
        case _:
            return str(value)[:_LONGEST]


def _method(method: str) -> str:
    """``CatalogService/DeleteLandmark`` as ``delete landmark``."""
    return deed(method).lower() or "a change"
