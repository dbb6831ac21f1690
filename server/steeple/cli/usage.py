"""``steeple usage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Column, Output
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steeple.client import Usage


def usage(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Of this month; default: twelve.")] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="month|landmark|key", help="What to list; JSON has all three.")
    ] = "month",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="Landmarks told, at most.")] = 10,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show how many queries a server has answered: with a landmark, and with UNKNOWN.

    Each frame of a camera counts as one query, however many parts it came in.

    \b
    Examples:
      steeple usage
      steeple usage --month 2027-01 --by landmark --limit 50
      steeple usage --by key
      steeple usage --json | jq '.landmarks[] | select(.identified > 100)'
    """
    if by not in ("month", "landmark", "key"):
        raise InvalidArgumentError(f"--by must be month, landmark or key, not {by!r}")
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.usage(month, max_landmarks=limit)
    output.document(found.to_dict())
    if by == "landmark":
        output.table(
            (Column("landmark"), Column("name"), Column("identified", "right")),
            [(one.landmark, one.display_name, f"{one.identified:,}") for one in found.landmarks],
        )
    elif by == "key":
        _print_counts(output, "key", ((one.key, one.identified, one.unknown) for one in found.keys))
    else:
        _print_counts(output, "month", ((one.month, one.identified, one.unknown) for one in found.months))
    output.note(_describe(found))


def _print_counts(output: Output, title: str, rows: Iterable[tuple[str, int, int]]) -> None:
    output.table(
        (Column(title), Column("identified", "right"), Column("unknown", "right"), Column("total", "right")),
        [(name, f"{identified:,}", f"{unknown:,}", f"{identified + unknown:,}") for name, identified, unknown in rows],
    )


def _describe(found: Usage) -> str:
    total = found.identified + found.unknown
    if not total:
        return "no query was answered"
    return f"{total:,} queries answered, {found.identified / total:.1%} of them with a landmark"
