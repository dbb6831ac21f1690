"""``steeple model upgrade`` and ``retire``: which releases a server serves, changed while it does."""

from __future__ import annotations

from typing import Annotated

import typer

from steeple.cli.connection import connect
from steeple.cli.following import carry_out
from steeple.cli.options import DEFAULT_SERVER, JsonOption, NoWaitOption, ServerOption
from steeple.cli.output import Output


def upgrade(
    release: Annotated[
        str, typer.Argument(metavar="NAME|DIR", help="One that comes with the server's Steeple, or a folder there.")
    ],
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="Go on without the images that cannot be extracted anew.")
    ] = False,
    no_wait: NoWaitOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Take a server's catalogue to another release: extract all photos anew, then make it the default.

    The server goes on with the release before, and answers queries of both until that one is retired.

    \b
    Examples:
      steeple model upgrade delf-lite2-v1
      steeple model upgrade /srv/releases/delf-mine --accept-missing --no-wait
    """
    output = Output(as_json=json)
    with connect(server) as client:
        begun = client.upgrade_model(release, accept_missing=accept_missing)
        done = carry_out(output, client, begun, no_wait=no_wait)
    if done is None:
        return
    output.say(f"{done.results['model']} is the default: {done.results['images']} images have features by it")
    if int(done.results["missing"]):
        output.note(f"{done.results['missing']} images have none and are not found by its queries", "yellow")


def retire(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="As `steeple model list` prints it.")],
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="Also if there are images that only its queries find.")
    ] = False,
    no_wait: NoWaitOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Take a release out of a server's service that is not the default, and delete its features there.

    \b
    Example:
      steeple model retire delf-base
    """
    output = Output(as_json=json)
    with connect(server) as client:
        begun = client.retire_model(release, accept_missing=accept_missing)
        done = carry_out(output, client, begun, no_wait=no_wait)
    if done is not None:
        output.say(f"{done.results['model']} is retired; features of {done.results['images']} images were deleted")
