"""Importing the archive of a catalogue, for the command that imports."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from steeple.cli.following import follow, print_problems
from steeple.cli.output import Output
from steeple.cli.progress import bytes_bar

if TYPE_CHECKING:
    from steeple.client import Client, Operation

_MANIFEST: Final = "steeple.json"


def is_archive(path: Path) -> bool:
    """Whether a file is the archive of a catalogue, as ``steeple export`` makes them; the server checks the rest."""
    try:
        with zipfile.ZipFile(path) as archive:
            archive.getinfo(_MANIFEST)
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return False
    return True


def import_archive(
    output: Output, client: Client, path: Path, *, existing: str = "fail", upload: str = ""
) -> Operation:
    """Uploads an archive, imports it, shows what came of it, and deletes the upload.

    Args:
        output: Of the command.
        client: Of the server.
        path: Of the archive.
        existing: What to do about ids that are taken by something else: ``fail``, ``skip`` or ``replace``.
        upload: Of this archive, begun before, to go on with; empty: a new one.

    Returns:
        The operation, which has succeeded; items may have failed.

    Raises:
        SteepleError: If it failed; what was uploaded is left for another try.
    """
    with bytes_bar(output, "uploading") as progress:
        sent = client.upload_file(path, progress=progress, resume=upload or None)
    begun = client.import_catalogue(sent, existing=existing)
    output.note(f"{begun.name} imports {path}")
    done = follow(output, client, begun)
    problems = list(client.list_operation_problems(done, page_size=1000)) if done.problem_count else []
    if not problems:
        client.delete_upload(sent)
    output.document({**done.to_dict(), "upload": sent.name, "problems": [problem.to_dict() for problem in problems]})
    output.facts(sorted(done.results.items()))
    print_problems(output, problems)
    if problems:
        output.note(f"{sent.name} stays on the server; delete it with: steeple uploads delete {sent.id}")
    return done
