"""What pages show of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steeple.client import AuditEvent
from steeple.console.change_words import Line, actor, line_of, undoable
from steeple.console.links import deed, path_of
from steeple.console.sessions import Me


@dataclass(frozen=True)
class Entry:
    """An event, for people.

    Attributes:
        event: As the server has it.
        number: Of the event.
        what: Was done.
        actor: Who did it.
        actor_path: Of the page about them; empty: there is none.
        resource_path: Of the page about what was changed; the same.
        lines: What it did to fields.
        failed: Whether it was no more than an attempt.
        undoable: Whether it can be put back.
    """

    event: AuditEvent
    number: str
    what: str
    actor: str
    actor_path: str
    resource_path: str
    lines: Sequence[Line]
    failed: bool
    undoable: bool


def entry_of(event: AuditEvent, me: Me) -> Entry:
    """As pages show it to somebody."""
    return Entry(
        event=event,
        number=event.name.rpartition("/")[2],
        what=deed(event.method),
        actor=actor(event.actor, me),
        actor_path=path_of(event.actor),
        resource_path=path_of(event.resource),
        lines=[] if event.values_omitted else [line_of(change) for change in event.field_changes],
        failed=event.outcome != "OK",
        undoable=undoable(event),
    )
