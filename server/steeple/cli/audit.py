"""``steeple audit``."""

from __future__ import annotations

import itertools
from typing import Annotated

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.history import print_events
from steeple.cli.options import DEFAULT_SERVER, JsonOption, LimitOption, ServerOption
from steeple.cli.output import Output
from steeple.cli.times import read_time
from steeple.errors import InvalidArgumentError

_PACKAGE = "steeple.v1."
_FAILED = (
    *("CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)


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
    by: Annotated[
        str, typer.Option("--by", metavar="ACTOR", help="Only what this one did: keys/ID, open, local.")
    ] = "",
    method: Annotated[
        str,
        typer.Option("--method", metavar="PREFIX", help="Only methods that begin so: CatalogService/Delete."),
    ] = "",
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            "--outcome",
            metavar="STATUS",
            autocompletion=completion.choices("OK", *_FAILED),
            help="Only what ended so: OK, ABORTED; repeatable.",
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what did not end with OK.")] = False,
    limit: LimitOption = 100,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List who changed what, and who tried to, the latest first.

    \b
    Examples:
      steeple audit
      steeple audit landmarks/big-ben --since 7d
      steeple audit --by keys/x7kq2m4a --method CatalogService/Delete
      steeple audit --failed --limit 0 --json | jq -r '.[].actor'
    """
    if failed and outcome:
        raise InvalidArgumentError("--failed and --outcome exclude each other")
    start = None if since is None else read_time(since, "--since", towards="past")
    end = None if until is None else read_time(until, "--until", towards="past")
    with connect(server) as client:
        found = client.list_audit_events(
            resource=resource,
            actor=by,
            method=_PACKAGE + method if method and not method.startswith(_PACKAGE) else method,
            outcomes=_FAILED if failed else outcome or (),
            start_time=start,
            end_time=end,
        )
        events = list(itertools.islice(found, limit or None))
    print_events(Output(as_json=json), events)
