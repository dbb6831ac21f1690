"""``steeple uploads``: files that were sent to a server for other commands to use."""

from __future__ import annotations

import itertools
from typing import Annotated

import typer

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, LimitOption, ServerOption
from steeple.cli.output import Column, Output, describe_time

app = typer.Typer(no_args_is_help=True, help="Files that were sent to a server, such as archives to import.")


@app.command("list")
def list_uploads(
    limit: LimitOption = 50,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List uploads, the latest first.

    \b
    Examples:
      steeple uploads list
      steeple uploads list --json | jq -r '.[] | select(.complete | not) | .id'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = list(itertools.islice(client.list_uploads(), limit or None))
    output.document([upload.to_dict() for upload in found])
    output.table(
        (Column("id"), Column("file"), Column("bytes", "right"), Column("there", "right"), Column("expires")),
        [
            (
                upload.id,
                upload.file_name,
                str(upload.size_bytes),
                "all" if upload.complete else str(upload.committed_size),
                describe_time(upload.expire_time),
            )
            for upload in found
        ],
    )


@app.command("delete")
def delete_upload(
    upload: Annotated[str, typer.Argument(metavar="UPLOAD", help="Its id, as list prints it (or uploads/ID).")],
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Delete an upload. What was imported from it stays.

    \b
    Example:
      steeple uploads delete 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    name = f"uploads/{upload.removeprefix('uploads/')}"
    with connect(server) as client:
        client.delete_upload(upload)
    output.document({"deleted": name})
    output.say(f"deleted {name}")
