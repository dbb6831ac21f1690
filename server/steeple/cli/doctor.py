"""``steeple doctor``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption
from steeple.cli.output import Cell, Column, Output
from steeple.errors import SteepleError, UnavailableError

if TYPE_CHECKING:
    from steeple.server.doctor import Finding
    from steeple.server.settings import Settings

_SERVER_SECONDS: Final = 5.0
_SKEW_SECONDS: Final = 5.0
_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def doctor(
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Look at this data folder, not the settings'.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", envvar="STEEPLE_CONFIG", metavar="FILE", help="Settings as TOML.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option("--server", "-s", metavar="HOST:PORT", envvar="STEEPLE_SERVER", help="Must be serving."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Look for what is wrong with this machine, a data folder and a server, and say how to mend it.

    Changes nothing, but for a file that it writes into object storage and deletes again. Can run while a server does;
    what cannot be looked at then is told as skipped.

    \b
    Examples:
      steeple doctor
      steeple doctor --data-dir /var/lib/steeple
      steeple doctor --server search.example.org:50051 --json | jq '.checks[] | select(.status != "ok")'

    \b
    Exit code: 1 if a check failed, else 0.
    """
    from steeple.server.settings import Settings

    output = Output(as_json=json)
    settings = Settings.load(config, data_dir=data_dir)
    findings = list(_findings(settings, server))
    failed = any(finding.status == "failed" for finding in findings)
    output.document({"healthy": not failed, "checks": [finding.to_dict() for finding in findings]})
    output.table(
        (Column("status"), Column("check"), Column("found")),
        [
            (Cell(finding.status.value, _STYLES[finding.status.value]), finding.check, found)
            for finding in findings
            for found in (finding.found, *([f"→ {finding.remedy}"] if finding.remedy else []))
        ],
    )
    counts = Counter(finding.status.value for finding in findings)
    output.note(", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status]))
    return 1 if failed else 0


def _findings(settings: Settings, server: str | None) -> Iterator[Finding]:
    from steeple.server.catalogue.database import parse_url
    from steeple.server.doctor import Finding, Status, looked_at, machine
    from steeple.server.doctor.catalogue_database import catalogue_database
    from steeple.server.doctor.catalogue_file import Catalogued, catalogue
    from steeple.server.doctor.data_folder import folder, holder, photos, snapshot, snapshots
    from steeple.server.doctor.storage import storage
    from steeple.server.object_storage import is_url
    from steeple.server.snapshots.opening import open_place

    yield from looked_at("python", machine.python)
    yield from looked_at("packages", machine.packages)
    yield from looked_at("tflite", machine.runtime)
    yield from looked_at("releases", lambda: machine.releases(settings.model))
    yield from looked_at("faiss", lambda: machine.faiss_and_device(settings.device))
    held_by = holder(settings.data_dir)
    in_use, known = held_by is not None, Catalogued()
    yield from looked_at("data folder", lambda: folder(settings.data_dir, held_by))
    url = parse_url(settings.catalogue_url)
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        yield from looked_at("catalogue", lambda: catalogue(file, known, in_use=in_use))
    else:
        yield from looked_at("catalogue", lambda: catalogue_database(settings.catalogue_url, known))
    expected = known.photos
    for check, setting, place in (
        ("images storage", "images_url", settings.photos_url),
        ("snapshots storage", "snapshots_dir", settings.snapshots_place),
    ):
        if is_url(place):
            yield from looked_at(check, partial(storage, check, setting, place))
    if expected is None:
        yield Finding("photos", Status.SKIPPED, "the catalogue does not tell which there should be")
    else:
        yield from looked_at("photos", lambda: photos(settings.photos_url, expected, in_use=in_use))
    if settings.milvus_uri:
        yield from looked_at("milvus", lambda: _milvus(settings, known.identity))
    else:
        indexes = settings.data_dir / "index"
        yield from looked_at(
            "index", lambda: snapshot(indexes, known.model or settings.model, known.sequence, in_use=in_use)
        )
    yield from looked_at("snapshots", lambda: snapshots(open_place(settings.snapshots_place, settings.data_dir)))
    yield from looked_at("server", lambda: _server(server))
    if settings.files_url:
        yield from looked_at("files storage", lambda: storage("files storage", "files_url", settings.files_url))
    yield from looked_at("clock", lambda: machine.clock(known.newest))


def _milvus(settings: Settings, identity: str | None) -> Iterator[Finding]:
    from steeple.server.doctor.milvus import milvus  # where numpy is missing, other checks go on

    yield from milvus(settings, identity)


def _server(asked: str | None) -> Iterator[Finding]:
    """Whether a server answers; one that nobody asked about may be down."""
    from datetime import UTC, datetime, timedelta
    from importlib.metadata import version

    from steeple.server.doctor import Finding, Status

    address = asked or DEFAULT_SERVER
    try:
        with connect(address, _SERVER_SECONDS) as client:
            client.wait_until_ready(_SERVER_SECONDS if asked else 1.0)
            info = client.server_info()
    except UnavailableError as error:
        status = Status.FAILED if asked else Status.SKIPPED
        remedy = "start it with `steeple serve`, read its log, or say where it is with --server" if asked else ""
        yield Finding("server", status, error.message, remedy)
        return
    except SteepleError as error:
        yield Finding("server", Status.FAILED, f"{address}: {error.message}", "read its log")
        return
    told = f"Steeple {info.version} serves {', '.join(info.models)} at {address}"
    if info.index.changes_behind:
        remedy = "if that stays so, read its log"
        told += f"; its index is {info.index.changes_behind:,} changes behind the catalogue"
        yield Finding("server", Status.WARNING, told, remedy)
    elif info.version != version("steeple"):
        remedy = f"this is {version('steeple')}; install the same on both sides"
        yield Finding("server", Status.WARNING, told, remedy)
    else:
        yield Finding("server", Status.OK, told)
    ahead = (info.start_time + timedelta(seconds=info.uptime) - datetime.now(UTC)).total_seconds()
    if abs(ahead) > _SKEW_SECONDS:
        remedy = "keep both clocks with NTP (timedatectl set-ntp true)"
        yield Finding("clock", Status.WARNING, f"the server's is {ahead:+.0f} s off this machine's", remedy)
