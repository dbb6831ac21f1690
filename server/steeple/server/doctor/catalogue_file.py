"""The catalogue's SQLite file, opened to be read alone: whether it is whole and of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from steeple.server.catalogue.migrate import known_revisions
from steeple.server.doctor.findings import Finding, Status


@dataclass
class Catalogued:
    """What other checks need to know of the catalogue.

    Attributes:
        photos: Sizes in bytes of all photos by SHA-256; None if they could not be read.
        sequence: Number of the last change; None likewise.
        newest: When an image was last added; None likewise, or if there is none.
        model: Name or folder of the model release that is served; None likewise, or if the setting says which.
        identity: By which its collections in Milvus are known; empty: it has none; None: it could not be read.
    """

    photos: dict[str, int] | None = None
    sequence: int | None = None
    newest: datetime | None = field(default=None)
    model: str | None = None
    identity: str | None = None


def catalogue(path: Path, known: Catalogued, *, in_use: bool) -> Iterator[Finding]:
    """Whether the catalogue is whole and of this version.

    Args:
        path: The SQLite file.
        known: Is filled with what other checks need.
        in_use: Whether a server has it open.
    """
    if not path.is_file():
        known.identity = ""
        yield Finding("catalogue", Status.OK, f"{path} is not there yet; the first start makes it")
        return
    try:
        with closing(_opened(path, in_use=in_use)) as database:
            yield from _looked_into(database, known)
    except sqlite3.DatabaseError as error:
        remedy = "restore it from a backup; keep the damaged file, for sqlite3's .recover"
        yield Finding("catalogue", Status.FAILED, f"{path} cannot be read: {error}", remedy)


def _looked_into(database: sqlite3.Connection, known: Catalogued) -> Iterator[Finding]:
    damage = [row[0] for row in database.execute("PRAGMA quick_check(3)") if row[0] != "ok"]
    if damage:
        remedy = "stop the server, and restore it from a backup; keep the damaged file, for sqlite3's .recover"
        yield Finding("catalogue", Status.FAILED, f"SQLite finds damage: {'; '.join(damage)}", remedy)
        return
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "alembic_version" not in tables:
        remedy = "name another data folder or database"
        yield Finding("catalogue", Status.FAILED, "the file is no catalogue of Steeple", remedy)
        return
    revisions = known_revisions()
    (found,) = database.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    oldest = ""
    if "schema_compatibility" in tables:
        (oldest,) = database.execute("SELECT oldest_revision FROM schema_compatibility").fetchone() or ("",)
    if found not in revisions and oldest not in revisions:
        remedy = "install the version of Steeple that wrote it"
        yield Finding("catalogue", Status.FAILED, f"schema {found or 'none'} is of another Steeple", remedy)
        return
    if "served_model" in tables:
        (known.model,) = database.execute("SELECT source FROM served_model WHERE place = 0").fetchone() or (None,)
    known.identity = ""
    if "shared_index_identity" in tables:
        (known.identity,) = database.execute("SELECT identity FROM shared_index_identity").fetchone() or ("",)
    known.photos = dict(database.execute("SELECT sha256, size_bytes FROM reference_image WHERE sha256 <> ''"))
    (known.sequence,) = database.execute("SELECT coalesce(max(sequence), 0) FROM change").fetchone()
    (landmarks,) = database.execute("SELECT count(*) FROM landmark").fetchone()
    (images, newest) = database.execute("SELECT count(*), max(create_time) FROM reference_image").fetchone()
    known.newest = None if newest is None else datetime.fromisoformat(newest).replace(tzinfo=UTC)
    told = f"whole; {landmarks:,} landmarks, {images:,} images, change {known.sequence:,}, schema {found}"
    if found not in revisions:
        remedy = "install the version of Steeple that wrote it; until then this one can use it"
        yield Finding("catalogue", Status.WARNING, f"{told}, a newer one", remedy)
    elif found != revisions[0]:
        remedy = f"nothing: the next start brings it to {revisions[0]}; make a backup before"
        yield Finding("catalogue", Status.WARNING, f"{told}, an older one", remedy)
    else:
        yield Finding("catalogue", Status.OK, told)


def _opened(path: Path, *, in_use: bool) -> sqlite3.Connection:
    # Files of a write-ahead log would be made even to read. Where there are none, and nobody writes, none are needed.
    log = path.with_name(path.name + "-wal")
    settled = not in_use and not (log.exists() and log.stat().st_size)
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro{'&immutable=1' if settled else ''}", uri=True)
