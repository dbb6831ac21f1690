"""``steeple export``: all of a catalogue in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steeple.cli.connection import connect
from steeple.cli.following import follow
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Output
from steeple.cli.progress import bytes_bar
from steeple.cli.writable import check_writable


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Where the archive is to be; what is there goes.")],
    photos: Annotated[
        bool, typer.Option("--photos/--no-photos", help="Whether photos are in it; features always are.")
    ] = True,
    operation: Annotated[
        str,
        typer.Option("--operation", metavar="OPERATION", help="Go on with an export that was begun, by its id."),
    ] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the archive on the server as well.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Export the catalogue: landmarks, reference images, features and photos, as one ZIP archive.

    The server writes the archive, of one state of the catalogue, while everything else goes on. Then it is downloaded,
    its hash is checked, and the server's copy is deleted. A download that breaks off is gone on with by --operation.

    \b
    Examples:
      steeple export catalogue.zip
      steeple export small.zip --no-photos
      steeple export catalogue.zip --operation 20270131-120000123-x7kq2m4a
      steeple import catalogue.zip --server elsewhere:50051
    """
    output = Output(as_json=json)
    check_writable(file, "FILE.zip", (".zip",))
    with connect(server) as client:
        begun = client.get_operation(operation) if operation else client.export_catalogue(photos=photos)
        if not operation:
            output.note(f"{begun.name} writes the archive on the server")
        done = follow(output, client, begun)
        for problem in client.list_operation_problems(done):
            output.note(f"{problem.item}: {problem.message}")
        with bytes_bar(output, "downloading") as progress:
            client.download_operation_file(done, done.results.get("file", ""), file, progress=progress)
        if not keep:
            client.delete_operation(done)
    results = done.results
    output.document({**results, "file": str(file), "operation": done.name, "problem_count": done.problem_count})
    output.say(
        f"{file}: {results['landmarks']} landmarks, {results['images']} images, {results['photos']} photos, "
        f"{results['file_size_bytes']} bytes"
    )
    if done.problem_count:
        raise typer.Exit(1)
