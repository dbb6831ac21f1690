"""What pages show of the audit log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from steeple.client.history import AuditEvent
from steeple.console.links import deed, field_words, path_of

_LONGEST: Final = 600


@dataclass(frozen=True)
class Line:
    """What was done to a field.

    Attributes:
        title: Of the field.
        before: As it was; empty: it was not there.
        after: As it is since; the same.
    """

    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """An event, for people.

    Attributes:
        event: As the server has it.
        what: Was done.
        actor: Who did it.
        actor_path: Of the page about them; empty: there is none.
        resource_path: Of the page about what was changed; the same.
        lines: What it did to fields.
        failed: Whether it was no more than an attempt.
    """

    event: AuditEvent
    what: str
    actor: str
    actor_path: str
    resource_path: str
    lines: Sequence[Line]
    failed: bool


def entry_of(event: AuditEvent) -> Entry:
    """As pages show it."""
    actor = {"open": "Somebody", "local": "Whoever runs the server"}.get(event.actor, event.actor)
    return Entry(
        event=event,
        what=deed(event.method),
        actor=actor.removeprefix("people/"),
        actor_path=path_of(event.actor),
        resource_path=path_of(event.resource),
        lines=[Line(_title(each.field), _text(each.before), _text(each.after)) for each in event.field_changes],
        failed=event.outcome != "OK",
    )


def _title(field: str) -> str:
    name, _, entry = field.partition(".")
    return f"{field_words(name)}: {entry}" if entry else field_words(name)


def _text(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
