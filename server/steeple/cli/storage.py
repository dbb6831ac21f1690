"""``steeple storage``."""

from __future__ import annotations

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Cell, Column, Output, describe_size, describe_time


def storage(server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show what a server keeps on its disks, by what it is for, and the room that is left.

    Snapshots count with what they do not share with the server's own files. It is measured anew at most every half
    minute.

    \b
    Examples:
      steeple storage
      steeple storage --json | jq '.disks[] | .free_bytes'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.storage()
    output.document(found.to_dict())
    output.table(
        (Column("kept"), Column("size", "right"), Column("items", "right")),
        [
            (
                part.kind.value,
                Cell(f"{'at least ' if part.partial else ''}{describe_size(part.size_bytes)}"),
                f"{part.items:,}",
            )
            for part in found.parts
        ],
    )
    output.say("")
    output.table(
        (Column("disk of"), Column("free", "right"), Column("size", "right"), Column("free share", "right")),
        [
            (
                ", ".join(kind.value for kind in disk.kinds),
                describe_size(disk.free_bytes),
                describe_size(disk.total_bytes),
                f"{disk.free_bytes / max(1, disk.total_bytes):.0%}",
            )
            for disk in found.disks
        ],
    )
    output.note(f"{describe_size(found.size_bytes)} in all, as of {describe_time(found.measure_time)}")
