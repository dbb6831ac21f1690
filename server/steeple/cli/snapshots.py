"""``steeple snapshots``: a whole server, kept for the day on which its data is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.following import carry_out, follow
from steeple.cli.options import DEFAULT_SERVER, JsonOption, NoWaitOption, ServerOption
from steeple.cli.output import Cell, Column, Output, describe_size, describe_time
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.server.settings import Settings
    from steeple.server.snapshots.places import SnapshotPlace

app = typer.Typer(no_args_is_help=True, help="Snapshots of a whole server, made while it serves.")

SnapshotArgument = Annotated[
    str, typer.Argument(metavar="SNAPSHOT", help="Its id, as list prints it (or snapshots/ID).")
]
LocalSnapshotArgument = Annotated[
    str, typer.Argument(metavar="SNAPSHOT|FOLDER", help="Its id, or the folder that it lies in.")
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="Look into this data folder; no server is asked.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="With --data-dir: the server's settings as TOML.")
]


@app.command("create")
def create_snapshot(
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy photos also where they could share their space with the server's.")
    ] = False,
    without_index: Annotated[
        bool, typer.Option("--without-index", help="Leave the index out; it is built after a restore.")
    ] = False,
    keep: Annotated[
        int, typer.Option("--keep", metavar="N", min=0, help="Then keep the latest N; 0: as the server's setting says.")
    ] = 0,
    no_wait: NoWaitOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> int:
    """Make a snapshot where the server's setting snapshots_dir says: on its disk, or in object storage.

    The server goes on serving.

    \b
    Examples:
      steeple snapshots create
      steeple snapshots create --keep 7
      steeple snapshots create --copy --json | jq -r '.results.snapshot'

    \b
    Exit code: 1 if photos are missing that the catalogue refers to, else 0.
    """
    output = Output(as_json=json)
    with connect(server) as client:
        begun = client.create_snapshot(copy_photos=copy, without_index=without_index, keep=keep)
        done = carry_out(output, client, begun, no_wait=no_wait)
    if done is None:
        return 0
    results = done.results
    size, copied = describe_size(int(results["size_bytes"])), describe_size(int(results["copied_bytes"]))
    output.say(f"{results['snapshot']}: {results['photos']} photos, {size}, of which {copied} are copies")
    if results["removed"]:
        output.note(f"deleted, as older than the ones to keep: {results['removed']}")
    if missing := int(results["missing_photos"]):
        output.note(f"{missing} photos are missing; see: steeple operations show {done.id}", "yellow")
    return 1 if missing else 0


@app.command("list")
def list_snapshots(
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List snapshots, the latest first.

    \b
    Examples:
      steeple snapshots list
      steeple snapshots list --data-dir /var/lib/steeple --json | jq -r '.[0].id'
    """
    output = Output(as_json=json)
    found = _found(data_dir, config, server)
    output.document(found)
    output.table(
        (
            Column("id"),
            Column("made"),
            Column("landmarks", "right"),
            Column("images", "right"),
            Column("photos", "right"),
            Column("size", "right"),
            Column("notes"),
        ),
        [
            (
                each["id"],
                "" if each["damage"] else each["create_time"][:19].replace("T", " "),
                *("" if each["damage"] else str(each[name]) for name in _COUNTS),
                "" if each["damage"] else describe_size(each["size_bytes"]),
                Cell(each["damage"], "red") if each["damage"] else _notes(each),
            )
            for each in found
        ],
    )


@app.command("show")
def show_snapshot(
    snapshot: SnapshotArgument,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show one snapshot.

    \b
    Example:
      steeple snapshots show 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.get_snapshot(snapshot)
    output.document(found.to_dict())
    output.facts(
        [
            ("name", found.name),
            ("damage", found.damage),
            ("made", describe_time(found.create_time)),
            ("by Steeple", found.version),
            ("schema", found.schema),
            ("change", str(found.sequence)),
            ("model", found.model),
            ("landmarks", str(found.landmark_count)),
            ("images", str(found.reference_image_count)),
            ("photos", str(found.photo_count)),
            ("missing photos", str(found.missing_photo_count or "")),
            ("index", "yes" if found.has_index else "no: it is built after a restore"),
            ("size", f"{describe_size(found.size_bytes)}, of which {describe_size(found.copied_bytes)} are copies"),
        ]
    )


@app.command("verify")
def verify_snapshot(
    snapshot: LocalSnapshotArgument,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Compare every file of a snapshot with its checksum: on the server, or of a folder here.

    \b
    Examples:
      steeple snapshots verify 20270131-120000123-x7kq2m4a
      steeple snapshots verify /mnt/backup/20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    if data_dir is None and not Path(snapshot).is_dir():
        with connect(server) as client:
            results = dict(follow(output, client, client.verify_snapshot(snapshot)).results)
        output.document(results)
        output.say(f"{results['snapshot']} is whole: {results['files']} files")
        return
    from steeple.server.snapshots.restoring import check, named

    kept = named(snapshot, _place(_settings(data_dir, config)))
    with output.steps() as told:
        found = check(kept, told)
    output.document({"snapshot": found.name, "files": str(found.files), "size_bytes": str(found.size_bytes)})
    output.say(f"{found.name} is whole: {found.files} files")


@app.command("delete")
def delete_snapshot(
    snapshot: SnapshotArgument,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Delete a snapshot.

    \b
    Example:
      steeple snapshots delete 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    name = f"snapshots/{snapshot.removeprefix('snapshots/')}"
    with connect(server) as client:
        client.delete_snapshot(snapshot)
    output.document({"deleted": name})
    output.say(f"deleted {name}")


@app.command("restore")
def restore_snapshot(
    snapshot: LocalSnapshotArgument,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", metavar="DIR", help="The data folder to restore; its server must be stopped.")
    ],
    config: ConfigOption = None,
    beside_other_photos: Annotated[
        bool, typer.Option("--beside-other-photos", help="With images_url: keep photos that the snapshot has not.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a data folder what it was when a snapshot was made: landmarks, images, photos, keys and audit log.

    All files are verified first. What is in the folder now is kept beside until a server has opened the restored data.
    The folder may be empty, or on another machine. A key that was revoked since the snapshot is valid again.

    Where the settings name a database or a place for photos (database_url, images_url), these are filled instead. The
    database must be empty, and the place may have photos of the snapshot alone; interrupted, run it again.

    \b
    Examples:
      steeple snapshots restore 20270131-120000123-x7kq2m4a --data-dir /var/lib/steeple
      steeple snapshots restore /mnt/backup/20270131-120000123-x7kq2m4a --data-dir /srv/steeple
      steeple snapshots restore 20270131-120000123-x7kq2m4a --data-dir /srv/steeple --config /etc/steeple.toml
    """
    from steeple.server.images import ImageStore
    from steeple.server.snapshots.installing import install
    from steeple.server.snapshots.restoring import named, restore

    output = Output(as_json=json)
    settings = _settings(data_dir, config)
    kept, beside = named(snapshot, _place(settings)), beside_other_photos
    photos = ImageStore(settings.photos_url) if settings.images_url or settings.database_url else None
    with output.steps() as told:
        if settings.database_url and photos is not None:
            found = install(kept, settings.data_dir, settings.catalogue_url, photos, told, beside_others=beside)
        else:
            found = restore(kept, settings.data_dir, told, photos=photos, beside_others=beside)
    output.document({"restored": found.to_dict(), "data_dir": str(settings.data_dir)})
    output.say(f"{settings.data_dir} is what it was on {describe_time(found.create_time)}: {found.name}")
    if found.missing_photo_count:
        output.note(f"{found.missing_photo_count} photos were lost already when it was made", "yellow")
    output.note(f"start it with: steeple serve --data-dir {settings.data_dir} --model {found.model}")


_COUNTS: Final = ("landmark_count", "reference_image_count", "photo_count")


def _found(data_dir: Path | None, config: Path | None, server: str) -> list[dict[str, Any]]:
    """Snapshots as JSON, from a data folder or from a server."""
    if data_dir is None:
        if config is not None:
            raise InvalidArgumentError("--config goes with --data-dir")
        with connect(server) as client:
            return [each.to_dict() for each in client.list_snapshots()]
    found = _place(_settings(data_dir, config)).all()
    return [{**each.to_dict(), "model": f"models/{each.model}"} for each in found]


def _place(settings: Settings) -> SnapshotPlace:
    from steeple.server.snapshots.opening import open_place

    return open_place(settings.snapshots_place, settings.data_dir)


def _settings(data_dir: Path | None, config: Path | None) -> Settings:
    from steeple.server.settings import Settings

    # What the settings say of listening is not at stake here.
    return Settings.load(config, data_dir=data_dir, insecure=True)


def _notes(snapshot: dict[str, Any]) -> str:
    missing = snapshot["missing_photo_count"]
    return ", ".join(
        note
        for note, applies in (("no index", not snapshot["has_index"]), (f"{missing} photos lost", missing))
        if applies
    )
