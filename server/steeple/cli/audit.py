"""``steeple audit``."""

from __future__ import annotations

import itertools
from typing import Annotated

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, LimitOption, ServerOption
from steeple.cli.output import Cell, Column, Output, describe_time
from steeple.cli.times import read_time


def audit(
    resource: Annotated[
        str,
        typer.Argument(
            metavar="[RESOURCE]",
            autocompletion=completion.resources,
            help="Only this and what is below it: landmarks/big-ben, keys/ID.",
        ),
    ] = "",
    since: Annotated[
        str | None, typer.Option("--since", metavar="SPAN|TIME", help="Not before: 7d, 12h, 2027-01-31.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="SPAN|TIME", help="Before then.")] = None,
    limit: LimitOption = 100,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List who changed what, and who tried to, the latest first.

    \b
    Examples:
      steeple audit
      steeple audit landmarks/big-ben --since 7d
      steeple audit --limit 0 --json | jq -r '.[] | select(.outcome != "OK") | .actor'
    """
    start = None if since is None else read_time(since, "--since", towards="past")
    end = None if until is None else read_time(until, "--until", towards="past")
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.list_audit_events(resource=resource, start_time=start, end_time=end)
        events = list(itertools.islice(found, limit or None))
    output.document([event.to_dict() for event in events])
    output.table(
        (Column("time"), Column("who"), Column("what"), Column("of"), Column("outcome")),
        [
            (
                describe_time(event.time),
                event.actor,
                event.method.rpartition("/")[2],
                event.resource,
                Cell(event.outcome, "" if event.outcome == "OK" else "yellow"),
            )
            for event in events
        ],
    )
