"""A process that imports an archive or exports a catalogue, and is killed."""

from __future__ import annotations

import os
from pathlib import Path

from steeple.server.engine import Engine
from steeple.server.operations import OperationRunner
from steeple.server.settings import Settings


def work(data_dir: Path, archive: Path | None, journal: Path) -> None:
    """Begins an import, or an export if there is no archive, unless one was begun before; waits for its end.

    Says in the journal when it goes on, and when that is over.
    """
    engine = Engine(Settings.load(None, data_dir=data_dir))
    said = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    method = "ExportCatalogue" if archive is None else "ImportCatalogue"
    found = [each for each in engine.operations.store.list(1000).items if each.method.endswith(method)]
    if found:
        operation = found[0]
    elif archive is None:
        operation = engine.transfers.begin_export()
    else:
        upload = engine.uploads.create(archive.name, archive.stat().st_size)
        writer = engine.uploads.begin(upload.id)
        writer.write(0, archive.read_bytes())
        writer.end()
        operation = engine.transfers.begin_import(upload.id)
    os.write(said, f"began {operation.id}\n".encode())
    _wait(engine.operations, operation.id)
    os.write(said, b"ended\n")
    engine.close()


def _wait(operations: OperationRunner, operation_id: str) -> None:
    operations.wait(operation_id, 120.0)
