"""``steeple import``: photos by the thousand."""

from __future__ import annotations

import itertools
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.following import follow, leave_running, print_problems
from steeple.cli.import_archive import import_archive, is_archive
from steeple.cli.options import DEFAULT_SERVER, JsonOption, NoWaitOption, ServerOption
from steeple.cli.output import Output
from steeple.cli.packing import files_of_folder, files_of_manifest, is_manifest, packed
from steeple.cli.progress import bytes_bar
from steeple.errors import InvalidArgumentError, SteepleError

if TYPE_CHECKING:
    from steeple.client import Client, Operation, Upload

_PARTLY_FAILED: Final = 1
_PROBLEMS_SHOWN: Final = 20
_ARCHIVE_POLICIES: Final = {"skip": "skip", "update": "replace", "fail": "fail"}
"""What --on-existing is called for archives of catalogues, which hold whole landmarks and images."""

_SAID: Final = {
    "landmarks_created": "landmarks created",
    "landmarks_to_create": "landmarks to create",
    "landmarks_updated": "landmarks updated",
    "landmarks_to_update": "landmarks to update",
    "photos_added": "photos added",
    "photos_to_add": "photos to add",
    "photos_there_already": "there already",
    "photos_of_other_landmarks_too": "of other landmarks too",
    "near_duplicates": "near-duplicates",
    "photos_like_other_landmarks": "like other landmarks",
    "files_passed_over": "files passed over",
    "failed": "failed",
}
"""Results of an import, in the order in which they are told."""


def import_(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="A folder, .zip, .csv or .jsonl on this machine."),
    ] = None,
    server_folder: Annotated[
        str, typer.Option("--server-folder", metavar="NAME", help="Instead: a folder of the server's import_dir.")
    ] = "",
    manifest: Annotated[
        str, typer.Option("--manifest", metavar="NAME", help="Manifest in it, if not manifest.csv or manifest.jsonl.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and every problem.")] = False,
    duplicates: Annotated[
        str,
        typer.Option(
            "--duplicates",
            metavar="none|report|refuse",
            help="Look for near-duplicates, which takes about a query a photo, and report or refuse them.",
        ),
    ] = "none",
    on_existing: Annotated[
        str,
        typer.Option(
            "--on-existing",
            metavar="skip|update|fail",
            help="Landmarks that are there: leave them as they are, set what is given, or change nothing at all.",
        ),
    ] = "skip",
    no_wait: NoWaitOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> int:
    """Add photos by the thousand, in the background of the server and on all of its cores.

    One sub-folder a landmark, named after it, perhaps with a landmark.json; or manifest.csv or manifest.jsonl beside
    the photos, with the columns photo, landmark, display_name, latitude, longitude, labels, aliases.fr, metadata.x
    and others (docs/server/import.md). Folders are packed into a temporary archive, which needs as much room again.

    Archives that `steeple export` made are imported too: they hold whole landmarks and images with their features.
    Of these, --on-existing update replaces what has the same id and is something else.

    A photo that its landmark has already, the same file, is not added again, so an import can be repeated. A photo
    that cannot be used is reported and the rest goes on. Interrupting this, or the server, does not end the import.

    \b
    Examples:
      steeple import photos/ --dry-run
      steeple import photos/
      steeple import europe.zip --duplicates report
      steeple import museums.csv --on-existing update
      steeple import --server-folder europe/paris --no-wait

    \b
    Exit code: 0 if all is in the catalogue now, 1 if some of it could not be used.
    """
    output = Output(as_json=json)
    if (path is None) == (not server_folder):
        raise InvalidArgumentError("give a PATH on this machine, or --server-folder")
    for name, value, known in (
        ("--duplicates", duplicates, ("none", "report", "refuse")),
        ("--on-existing", on_existing, tuple(_ARCHIVE_POLICIES)),
    ):
        if value not in known:
            raise InvalidArgumentError(f"{name} is one of {', '.join(known)}, not {value!r}")
    options: dict[str, Any] = {
        "manifest": manifest,
        "validate_only": dry_run,
        "duplicates": duplicates,
        "on_existing": on_existing,
    }
    with connect(server) as client:
        upload = None
        if path is None:
            operation = client.import_reference_images(folder=server_folder, **options)
        elif is_archive(path):
            return _import_archive(output, client, path, options, no_wait)
        else:
            if is_manifest(path):
                if manifest:
                    raise InvalidArgumentError("--manifest names one in a folder or archive; PATH is one already")
                options["manifest"] = path.name
            upload = _uploaded(output, client, path)
            try:
                operation = client.import_reference_images(upload=upload, **options)
            except SteepleError:
                _discard(client, upload)
                raise
        if no_wait:
            leave_running(output, operation)
            return 0
        try:
            done = follow(output, client, operation)
        except SteepleError:  # the operation has kept what it needs to be resumed
            _discard(client, upload)
            raise
        _discard(client, upload)
        return _report(output, client, done)


def _discard(client: Client, upload: Upload | None) -> None:
    if upload is not None:
        with suppress(SteepleError):  # it goes by itself after some days
            client.delete_upload(upload)


def _import_archive(output: Output, client: Client, path: Path, options: dict[str, Any], no_wait: bool) -> int:
    """Imports what `steeple export` made."""
    if no_wait or options["validate_only"] or options["manifest"] or options["duplicates"] != "none":
        raise InvalidArgumentError(
            f"{path} is the archive of a catalogue, for which there are no --dry-run, --manifest, --duplicates and "
            "--no-wait"
        )
    done = import_archive(output, client, path, existing=_ARCHIVE_POLICIES[options["on_existing"]])
    return _PARTLY_FAILED if done.problem_count else 0


def _uploaded(output: Output, client: Client, path: Path) -> Upload:
    """Sends what is to be imported."""
    with ExitStack() as stack:
        if path.suffix.lower() != ".zip":
            if path.is_dir():
                files = files_of_folder(path)
            elif is_manifest(path):
                files = files_of_manifest(path)
            else:
                raise InvalidArgumentError(f"{path} is no folder, .zip, .csv or .jsonl file; give one of these")
            with output.progress("packing", len(files)) as packing:
                archive = stack.enter_context(packed(files, packing.advance))
        elif path.is_file():
            archive = path
        else:
            raise InvalidArgumentError(f"there is no file {path}")
        with bytes_bar(output, "uploading") as progress:
            return client.upload_file(archive, progress=progress)


def _report(output: Output, client: Client, operation: Operation) -> int:
    results = operation.results
    failed = int(results["failed"])
    shown = list(itertools.islice(client.list_operation_problems(operation), _PROBLEMS_SHOWN)) if failed else []
    output.document({**operation.to_dict(), "problems": [problem.to_dict() for problem in shown]})
    print_problems(output, shown)
    if operation.problem_count > len(shown):
        more = operation.problem_count - len(shown)
        output.note(f"and {more} more; see: steeple operations show {operation.id}")
    for line in results.get("duplicates", "").splitlines():
        output.say(line, "yellow")
    told = [f"{results[name]} {said}" for name, said in _SAID.items() if name in results]
    output.say(", ".join(told), "bold red" if failed else "bold green")
    return _PARTLY_FAILED if failed else 0
