"""``steeple landmarks history`` and ``undo``, and how a change is told."""

from __future__ import annotations

import itertools
import json as json_text
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, EtagOption, JsonOption, LimitOption, ServerOption
from steeple.cli.output import Cell, Column, Output, describe_time, error_facts
from steeple.errors import InvalidArgumentError, SteepleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steeple.client import AuditEvent, FieldChange

_PARTLY_FAILED: Final = 1
_LONGEST: Final = 40
_MOST: Final = 4
_LANDMARKS: Final = "landmarks/"


def history(
    resource: Annotated[
        str,
        typer.Argument(
            metavar="LANDMARK|IMAGE",
            autocompletion=completion.landmarks,
            help="Id of the landmark, such as big-ben, or name of a reference image.",
        ),
    ],
    limit: LimitOption = 50,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Tell what was changed of a landmark and its reference images, by whom, the latest first.

    \b
    Examples:
      steeple landmarks history big-ben
      steeple landmarks history big-ben/images/north --limit 5
      steeple landmarks history big-ben --json | jq '.[0].field_changes'
    """
    output = Output(as_json=json)
    name = _LANDMARKS + resource.removeprefix(_LANDMARKS)
    with connect(server) as client:
        events = list(itertools.islice(client.list_audit_events(resource=name, outcomes=("OK",)), limit or None))
    print_events(output, events)


def undo(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Its number, as history prints it (or auditEvents/N).")],
    batch: Annotated[
        bool, typer.Option("--batch", help="All that was changed together with it, the latest first, one by one.")
    ] = False,
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> int:
    """Put back what one change did: fields as they were, a deletion, or a creation.

    Refused if somebody has changed the same again. An undo is a change as well: undo its event to do it again.
    With --batch, what is refused is told, and the rest is put back.

    \b
    Examples:
      steeple landmarks history big-ben
      steeple landmarks undo 1234
      steeple landmarks undo 1234 --batch
    """
    output = Output(as_json=json)
    if batch:
        return _undo_batch(output, server, event, etag)
    with connect(server, 60.0) as client:
        undone = client.undo_change(event, etag=etag)
    output.document(undone.to_dict())
    where = "what is gone for good" if undone.resource is None else undone.resource.name
    output.say(f"undone: {where}; undo {number_of(undone.event)} to do it again")
    return 0


def _undo_batch(output: Output, server: str, event: str, etag: str) -> int:
    if etag:
        raise InvalidArgumentError("--batch and --etag exclude each other: an etag is of one landmark or image")
    undone, failed = [], []
    with connect(server, 60.0) as client:
        # Those of landmarks and images: what an editor may see, and what can be undone.
        events = list(client.list_audit_events(resource="landmarks", outcomes=("OK",), batch=event))
        for each in events:
            try:
                undone.append(client.undo_change(each))
            except SteepleError as error:
                failed.append({"event": each.name, "resource": each.resource, "error": error_facts(error)})
                output.note(f"{each.resource}: {error.message}", "yellow")
    output.document({"undone": [each.to_dict() for each in undone], "failed": failed})
    output.say(f"{len(undone)} undone, {len(failed)} failed")
    return _PARTLY_FAILED if failed else 0


def print_events(output: Output, events: Sequence[AuditEvent]) -> None:
    """Prints events of the audit log."""
    output.document([event.to_dict() for event in events])
    output.table(
        (
            Column("event", "right"),
            Column("time"),
            Column("who"),
            Column("what"),
            Column("of"),
            Column("outcome"),
            Column("changes"),
        ),
        [
            (
                number_of(event.name),
                describe_time(event.time),
                event.actor,
                event.method.rpartition("/")[2],
                event.resource,
                Cell(event.outcome, "" if event.outcome == "OK" else "yellow"),
                describe_changes(event),
            )
            for event in events
        ],
    )


def describe_changes(event: AuditEvent) -> str:
    """What an event changed, on one line."""
    found = [_describe(change) for change in event.field_changes[:_MOST]]
    if len(event.field_changes) > _MOST:
        found.append(f"and {len(event.field_changes) - _MOST} more")
    if event.undoes:
        found.insert(0, f"undoes {number_of(event.undoes)}")
    return "; ".join(found)


def number_of(event: str) -> str:
    """The number in ``auditEvents/{number}``."""
    return event.removeprefix("auditEvents/")


def _describe(change: FieldChange) -> str:
    if change.before is None and change.after is None:  # values that do not fit
        return change.field
    if change.after is None:
        return f"-{change.field}"
    if change.before is None:
        return f"+{change.field}" if change.after is True else f"+{change.field} {_short(change.after)}"
    return f"{change.field} {_short(change.before)} -> {_short(change.after)}"


def _short(value: Any) -> str:  # noqa: ANN401 - whatever JSON has
    match value:
        case {"latitude": latitude, "longitude": longitude}:
            return f"{latitude:.5f},{longitude:.5f}"
        case bool():
            return "yes" if value else "no"
        case list():
            text = ", ".join(map(str, value))
        case _:
            text = str(value)
    text = json_text.dumps(text, ensure_ascii=False)  # on one line, whatever is in it
    return text if len(text) <= _LONGEST else f'{text[: _LONGEST - 2]}…"'
