"""``steeple catalogue``: the database of a catalogue, worked on directly."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Column, Output
from steeple.errors import FailedPreconditionError

app = typer.Typer(no_args_is_help=True, help="The database of a catalogue, while no server uses it.")

_CHANGED = 1


@app.command("migrate", short_help="Copy a catalogue to another database.")
def migrate(
    source: Annotated[
        str,
        typer.Option("--from", metavar="URL", envvar="STEEPLE_MIGRATE_FROM", help="Database that has the catalogue."),
    ],
    target: Annotated[
        str,
        typer.Option("--to", metavar="URL", envvar="STEEPLE_MIGRATE_TO", help="Empty database that shall have it."),
    ],
    json: JsonOption = False,
) -> int:
    """Copy a catalogue to another database: from SQLite to PostgreSQL, or back.

    Stop the servers first: what is changed meanwhile is not in the copy. All rows keep their keys, and all of them are
    read again and compared in the end. Until then the new database cannot be served from. After an interruption, give
    the command again: it begins anew. The old database is not changed.

    \b
    Examples:
      steeple catalogue migrate --from sqlite:////var/lib/steeple/catalogue.db --to postgresql://steeple@db/steeple
      steeple catalogue migrate --from postgresql://steeple@db/steeple --to sqlite:////tmp/catalogue.db --json

    \b
    A password in a URL can be seen by other users of this machine. Give it in PGPASSWORD or ~/.pgpass, or the whole URL
    in STEEPLE_MIGRATE_FROM or STEEPLE_MIGRATE_TO.
    Exit code: 1 if the old database was changed meanwhile, else 0.
    """
    from steeple.server.catalogue.copying import copy_catalogue
    from steeple.server.catalogue.database import Database, parse_url, safe_url

    output = Output(as_json=json)
    given = parse_url(source)
    if given.get_backend_name() == "sqlite" and not Path(given.database or "").is_file():
        raise FailedPreconditionError(f"there is no catalogue {given.database or ''!r}")
    if given == parse_url(target):
        raise FailedPreconditionError("both URLs name the same database")
    with closing(Database(given)) as old, closing(Database(target)) as new, output.steps() as told:
        copied = copy_catalogue(old, new, lambda done, total: told("rows, copied and compared", done, total))
    output.document(
        {
            "from": safe_url(source),
            "to": safe_url(target),
            "schema": copied.revision,
            "rows": copied.rows,
            "tables": [{"name": one.name, "rows": one.rows, "digest": one.digest} for one in copied.tables],
            "replaced_characters": copied.replaced_characters,
            "changed_meanwhile": copied.changed_meanwhile,
        }
    )
    output.table(
        (Column("table"), Column("rows", "right")),
        [(one.name, f"{one.rows:,}") for one in copied.tables if one.rows],
    )
    output.say(f"{copied.rows:,} rows are in {safe_url(target)}, the same as in {safe_url(source)}")
    if copied.replaced_characters:
        output.note(
            f"{copied.replaced_characters:,} NUL characters became U+FFFD: PostgreSQL has none in texts", "yellow"
        )
    if copied.changed_meanwhile:
        output.note(
            "the old catalogue was changed meanwhile: stop its servers, and copy it to another, empty database", "red"
        )
        return _CHANGED
    output.note("next: set database_url (STEEPLE_DATABASE_URL) of every server to the new database, and start them")
    return 0
