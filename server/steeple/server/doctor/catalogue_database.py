"""The catalogue's PostgreSQL database: whether it can be reached, is of this version, and has what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from sqlalchemy import Connection, func, select, text

from steeple.errors import SteepleError
from steeple.server.catalogue import changes, tables
from steeple.server.catalogue.database import Database, safe_url
from steeple.server.catalogue.index_identity import known_identity
from steeple.server.catalogue.migrate import known_revisions, revision_of
from steeple.server.catalogue.trigrams import has_index
from steeple.server.doctor.catalogue_file import Catalogued
from steeple.server.doctor.findings import Finding, Status

_FEW_CONNECTIONS: Final = 40  # a server may have that many threads that each use one


def catalogue_database(url: str, known: Catalogued) -> Iterator[Finding]:
    """Whether the database can be used as a catalogue. Nothing is written.

    Args:
        url: Of the database.
        known: Is filled with what other checks need.
    """
    shown = safe_url(url)
    try:
        with closing(Database(url)) as database, database.read() as connection:
            yield from _looked_into(connection, known, shown)
    except SteepleError as error:
        remedy = f"see whether `psql {shown}` gets in; database_url says where it is"
        yield Finding("catalogue", Status.FAILED, f"{shown}: {error.message}", remedy)


def _looked_into(connection: Connection, known: Catalogued, shown: str) -> Iterator[Finding]:
    version, standby = connection.execute(text("SELECT version(), pg_is_in_recovery()")).one()
    where = f"{' '.join(version.split()[:2])} at {shown}"
    if standby:
        remedy = "name the primary in database_url"
        yield Finding("catalogue", Status.FAILED, f"{where} is a standby, which takes no changes", remedy)
        return
    yield from _schema(connection, known, where)
    yield from _connections(connection)


def _schema(connection: Connection, known: Catalogued, where: str) -> Iterator[Finding]:
    found, revisions = revision_of(connection), known_revisions()
    if not found:
        known.identity = ""
        yield Finding("catalogue", Status.OK, f"{where} has no tables yet; the first start makes them")
        return
    if found not in revisions:
        remedy = "install the version of Steeple that wrote it"
        yield Finding("catalogue", Status.FAILED, f"{where}: schema {found} is of another Steeple", remedy)
        return
    if found != revisions[0]:
        remedy = f"nothing: the next start brings it to {revisions[0]}; make a backup before"
        yield Finding("catalogue", Status.WARNING, f"{where}: schema {found}, an older one", remedy)
        return
    image = tables.reference_image
    photos = select(image.c.sha256, image.c.size_bytes).where(image.c.sha256 != "").distinct()
    known.photos = {row.sha256: row.size_bytes for row in connection.execute(photos)}
    known.sequence = changes.latest(connection)
    known.identity = known_identity(connection)
    known.newest = connection.execute(select(func.max(image.c.create_time))).scalar_one()
    served = select(tables.served_model.c.source).where(tables.served_model.c.place == 0)
    known.model = connection.execute(served).scalar_one_or_none()
    landmarks, images = (
        connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (tables.landmark, image)
    )
    told = f"{where}: {landmarks:,} landmarks, {images:,} images, change {known.sequence:,}, schema {found}"
    if has_index(connection):
        yield Finding("catalogue", Status.OK, told)
    else:
        remedy = (
            "install PostgreSQL's contrib modules, or run CREATE EXTENSION pg_trgm as an administrator; then restart"
        )
        yield Finding("catalogue", Status.WARNING, f"{told}; without pg_trgm names are searched row by row", remedy)


def _connections(connection: Connection) -> Iterator[Finding]:
    query = text(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,"
        " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
    )
    most, used = connection.execute(query).one()
    told = f"{used} of {most} connections to the database are in use"
    if most - used < _FEW_CONNECTIONS:
        remedy = f"raise max_connections: each server may use up to {_FEW_CONNECTIONS}"
        yield Finding("connections", Status.WARNING, told, remedy)
    else:
        yield Finding("connections", Status.OK, told)
