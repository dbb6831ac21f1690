"""``steeple health``."""

from __future__ import annotations

from typing import Annotated

import typer

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Output


def health(
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0.001, help="Give it this long to be up and ready.")
    ] = 5.0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Say whether a server takes calls, by grpc.health.v1: for health checks of containers and for scripts.

    Needs no key, unless the server's setting health_access says so.

    \b
    Examples:
      steeple health
      steeple health --server search.example.org:50051 --tls --wait 1
      steeple serve & steeple health --wait 600 && steeple landmarks import landmarks.json

    \b
    Exit code: 0 if it does, 11 if it cannot be reached or is not ready.
    """
    with connect(server, wait) as client:
        client.wait_until_ready(wait)
    output = Output(as_json=json)
    output.document({"server": server, "serving": True})
    output.say(f"{server} serves")
