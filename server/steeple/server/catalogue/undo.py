"""Puts changes of landmarks and reference images back, as the audit log has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Connection, select

from steeple.errors import ChangedSinceError, FailedPreconditionError, InvalidArgumentError
from steeple.server.catalogue import answers, audit, history, landmarks, limits, reference_images, tables
from steeple.server.catalogue.audit import AuditEvent
from steeple.server.catalogue.etags import check_etag
from steeple.server.catalogue.history import ChangedHow, State
from steeple.server.catalogue.records import Landmark, ReferenceImage
from steeple.server.catalogue.requests import Request
from steeple.server.catalogue.transactions import Transactions

_IMAGE = tables.reference_image


@dataclass(frozen=True)
class Undone:
    """What came of putting a change back.

    Attributes:
        resource: The landmark or reference image as it is now; None if it is gone for good.
        event: Number of the event that tells of it; None outside of a call.
        photos: SHA-256, hex, of the photos of reference images that are gone for good.
    """

    resource: Landmark | ReferenceImage | None
    event: int | None
    photos: tuple[str, ...] = ()


class UndoCalls(Transactions):
    """The part of the catalogue that puts changes back."""

    def undo_change(self, number: int, *, etag: str = "", request_id: str = "") -> Undone:
        """Puts back what one event of the audit log tells of; that is a change like others, with an event of its own.

        An update: the fields that it changed become what they were before. A deletion: it is undeleted. A creation, or
        an undeletion: it is deleted, of a landmark that was undeleted with its reference images.

        Args:
            number: Of the event.
            etag: If not empty, must be the current one of the landmark or image.
            request_id: A repeat gets the first answer.

        Raises:
            NotFoundError: If there is no such event.
            FailedPreconditionError: If it is not of a change of a landmark or reference image that was made, or what it
                did is not known (any more); if the landmark or image, or the image's landmark, is deleted; if a
                landmark has reference images by now; or if the limits would be broken.
            ChangedSinceError: If a field that it changed has been changed since; of a creation, any field.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        request = Request.of("UndoChange", request_id, {"event": number, "etag": etag})
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return _from_json(answer)
            now = datetime.now(UTC)
            event = audit.get(connection, number)
            after = _known(event)
            with audit.undoing(number):
                match event.resource.split("/"):
                    case ["landmarks", landmark_id, "images", image_id]:
                        of_image = _ImageUndo(connection, event, after, landmark_id, image_id)
                        undone = of_image.carry_out(etag, now, now + self._retention)
                    case ["landmarks", landmark_id]:
                        of_landmark = _LandmarkUndo(connection, event, after, landmark_id)
                        undone = of_landmark.carry_out(etag, now, now + self._retention)
                    case _:
                        _refuse(event, "it is not about one landmark or reference image")
            request.remember(connection, _to_json(undone), now)
        return undone


class _LandmarkUndo:
    def __init__(self, connection: Connection, event: AuditEvent, after: State, landmark_id: str) -> None:
        self._connection = connection
        self._event = event
        self._after = after
        self._id = landmark_id

    def carry_out(self, etag: str, now: datetime, expire: datetime) -> Undone:
        connection, event = self._connection, self._event
        stored = landmarks.get(connection, self._id)
        check_etag(etag, stored.landmark.etag, event.resource)
        state = history.landmark_state(stored.landmark)
        _check_unchanged(connection, event, self._after, state)
        if event.how in (ChangedHow.CREATED, ChangedHow.UNDELETED):
            comes_with = event.how is ChangedHow.UNDELETED
            if comes_with:
                self._check_no_image_since(stored.key)
            lost = _photos(connection, _IMAGE.c.landmark_key == stored.key) if expire <= now else ()
            deleted_at = _deleted_at(event, now, expire)
            landmarks.delete(connection, stored, force=comes_with, now=deleted_at, expire=expire)
            landmark = landmarks.get(connection, self._id).landmark if expire > now else None
            return Undone(landmark, audit.last_event(), lost)
        if event.how is ChangedHow.DELETED:
            landmark = landmarks.undelete(connection, self._id, "")
        else:
            stored = landmarks.to_change(connection, self._id)
            columns = _landmark_columns(event, self._after, state)
            landmark = landmarks.update(connection, stored, columns, now)
        return Undone(landmark, audit.last_event())

    def _check_no_image_since(self, key: int) -> None:
        added = select(_IMAGE.c.id).where(
            _IMAGE.c.landmark_key == key, _IMAGE.c.create_time > self._event.time, _IMAGE.c.delete_time.is_(None)
        )
        image_id = self._connection.execute(added.limit(1)).scalar_one_or_none()
        if image_id is not None:
            name = reference_images.image_resource_name(self._id, image_id)
            raise ChangedSinceError(
                f"{self._event.resource} has got {name} since, which would be deleted with it; delete that first, or "
                "delete the landmark by hand",
                resource=name,
            )


class _ImageUndo:
    def __init__(
        self, connection: Connection, event: AuditEvent, after: State, landmark_id: str, image_id: str
    ) -> None:
        self._connection = connection
        self._event = event
        self._after = after
        self._ids = landmark_id, image_id

    def carry_out(self, etag: str, now: datetime, expire: datetime) -> Undone:
        connection, event = self._connection, self._event
        image = reference_images.get(connection, *self._ids)
        check_etag(etag, image.etag, event.resource)
        state = history.image_state(image)
        _check_unchanged(connection, event, self._after, state)
        if event.how in (ChangedHow.CREATED, ChangedHow.UNDELETED):
            lost = (image.sha256,) if expire <= now and image.sha256 else ()
            reference_images.delete(connection, *self._ids, "", _deleted_at(event, now, expire), expire)
            left = reference_images.get(connection, *self._ids) if expire > now else None
            return Undone(left, audit.last_event(), lost)
        if event.how is ChangedHow.DELETED:
            image = reference_images.undelete(connection, *self._ids, "")
        else:
            columns = _image_columns(event, self._after, state)
            image = reference_images.update(connection, *self._ids, columns, "")
        return Undone(image, audit.last_event())


def _known(event: AuditEvent) -> State:
    """The paths that a change left, as it left them.

    Raises:
        FailedPreconditionError: If there is nothing to put back, or it is not known what.
    """
    if event.outcome != "OK":
        _refuse(event, f"it ended with {event.outcome} and changed nothing")
    if event.after is None:
        _refuse(
            event,
            "the log does not have what it did: it is not of a landmark or reference image, was made before the log "
            "had that, or is of something that is gone for good",
        )
    if event.before is not None and not event.before and not event.after:
        _refuse(event, "it changed nothing")
    return event.after


def _refuse(event: AuditEvent, why: str) -> NoReturn:
    name = audit.event_name(event.id)
    raise FailedPreconditionError(f"{name} cannot be undone: {why}", resource=name)


def _check_unchanged(connection: Connection, event: AuditEvent, after: State, now: State) -> None:
    """Lets a change be put back that nobody has touched since.

    Raises:
        ChangedSinceError: If somebody has.
    """
    found = history.conflicts(event.before, after, now)
    if not found:
        return
    paths = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    later = audit.last_change_of(connection, event.resource, int(event.id), found)
    by = "" if later is None else f" by {audit.event_name(later.id)}"
    hint = "change it by hand" if later is None else "undo that first, or change it by hand"
    facts = {} if later is None else {"event": audit.event_name(later.id)}
    raise ChangedSinceError(
        f"{event.resource} was changed since {audit.event_name(event.id)}{by} ({paths}); {hint}",
        resource=event.resource,
        fields=", ".join(found),
        **facts,
    )


def _deleted_at(event: AuditEvent, now: datetime, expire: datetime) -> datetime:
    """When what was undeleted had been deleted, so that the deletion before can be undone too; else now."""
    before = (event.before or {}).get(history.DELETED)
    return now if before is None or expire <= now else datetime.fromisoformat(before)


def _landmark_columns(event: AuditEvent, after: State, now: State) -> dict[str, Any]:
    before = event.before or {}
    state = history.put_back(before, after, now)
    touched = history.fields_of({*before, *after})
    try:
        columns: dict[str, Any] = landmarks.name_columns(
            state["display_name"], limits.check_aliases(history.entries(state, "aliases"))
        )
        if "description" in touched:
            columns["description"] = state.get("description", "")
        if "location" in touched:
            columns.update(landmarks.location_columns(history.place(state, "location")))
        if "metadata" in touched:
            columns["metadata"] = _metadata(state)
        if "labels" in touched:
            columns["labels"] = limits.check_labels(history.entries(state, "labels"))
        if "active" in touched:
            columns["active"] = state["active"]
    except InvalidArgumentError as error:  # together with what has been added since
        _refuse(event, error.message)
    return columns


def _image_columns(event: AuditEvent, after: State, now: State) -> dict[str, Any]:
    before = event.before or {}
    state = history.put_back(before, after, now)
    touched = history.fields_of({*before, *after})
    columns: dict[str, Any] = {}
    try:
        if "metadata" in touched:
            columns["metadata"] = _metadata(state)
    except InvalidArgumentError as error:
        _refuse(event, error.message)
    if "capture_location" in touched:
        columns.update(reference_images.capture_columns(history.place(state, "capture_location")))
    if "capture_time" in touched:
        columns["capture_time"] = state.get("capture_time", "")
    return columns


def _metadata(state: State) -> dict[str, str]:
    metadata = history.entries(state, "metadata")
    limits.check_metadata(metadata)
    return metadata


def _photos(connection: Connection, which: ColumnElement[bool]) -> tuple[str, ...]:
    found: Sequence[str] = connection.execute(select(_IMAGE.c.sha256).where(which)).scalars().all()
    return tuple(sha256 for sha256 in found if sha256)


def _to_json(undone: Undone) -> dict[str, Any]:
    kind = "image" if isinstance(undone.resource, ReferenceImage) else "landmark"
    return {"event": undone.event, kind: answers.to_json(undone.resource)}


def _from_json(answer: Mapping[str, Any]) -> Undone:
    resource: Landmark | ReferenceImage | None = None
    if answer.get("image"):
        resource = answers.image_from_json(answer["image"])
    elif answer.get("landmark"):
        resource = answers.landmark_from_json(answer["landmark"])
    return Undone(resource, answer["event"])
