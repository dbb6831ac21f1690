"""``steeple traffic``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Cell, Column, Output

if TYPE_CHECKING:
    from steeple.client import Latency, Traffic


def traffic(
    minutes: Annotated[int, typer.Option("--minutes", metavar="N", min=1, max=360, help="Of so many minutes.")] = 60,
    interval: Annotated[
        int, typer.Option("--interval", metavar="N", min=1, help="Minutes that JSON tells together.")
    ] = 1,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show what a server was asked in the last minutes: calls, refusals, errors and latencies.

    Refused are calls for who called (key, scope) or for how much was asked at once; errors are those of the server.
    Latencies, in milliseconds and right to within a tenth, are of calls that ended well. A server that starts has
    counted nothing; for longer, there are metrics for Prometheus.

    \b
    Examples:
      steeple traffic
      steeple traffic --minutes 10
      steeple traffic --minutes 360 --interval 5 --json | jq '.methods[] | {method, calls, latency}'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.traffic(minutes, interval_minutes=min(interval, minutes))
    output.document(found.to_dict())
    output.table(
        (
            Column("method"),
            *(Column(name, "right") for name in ("calls", "refused", "errors", "p50 ms", "p90 ms", "p99 ms")),
        ),
        [
            (
                one.method,
                f"{one.calls:,}",
                Cell(f"{one.refusals:,}", "yellow" if one.refusals else ""),
                Cell(f"{one.errors:,}", "red" if one.errors else ""),
                *_latency(one.latency),
            )
            for one in found.methods
        ],
    )
    if found.stages and not json:
        output.say("")
        output.table(
            (Column("stage"), *(Column(name, "right") for name in ("times", "p50 ms", "p90 ms", "p99 ms"))),
            [(one.stage, f"{one.count:,}", *_latency(one.latency)) for one in found.stages],
        )
    output.note(_describe(found))


def _latency(latency: Latency | None) -> tuple[str, str, str]:
    if latency is None:
        return "", "", ""
    return _milliseconds(latency.p50), _milliseconds(latency.p90), _milliseconds(latency.p99)


def _milliseconds(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def _describe(found: Traffic) -> str:
    since = f"since {found.start_time:%H:%M} UTC"
    answered = found.identified + found.unknown
    if not answered:
        return f"{found.calls:,} calls {since}; no query was answered"
    share = f"{found.identified / answered:.1%} with a landmark"
    return f"{found.calls:,} calls {since}; {answered:,} queries answered, {share}"
