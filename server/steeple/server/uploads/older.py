"""Uploads of older versions, which kept what is known of each in a file beside its bytes."""

from __future__ import annotations

import json
import logging
import shutil
from datetime import datetime
from pathlib import Path
from typing import Final

from steeple.server.logs import facts
from steeple.server.uploads.records import Upload
from steeple.server.uploads.store import UploadStore

log = logging.getLogger(__name__)

STATE: Final = "state.json"


def adopt(folder: Path, store: UploadStore) -> None:
    """Takes over the uploads that a folder has; those that cannot be read are deleted, and the log tells.

    Raises:
        OSError: If the folder cannot be read.
        SteepleError: If the database cannot be reached; what is left is taken over the next time.
    """
    for state in sorted(folder.glob(f"*/{STATE}")):
        try:
            upload = _read(state)
        except ValueError as error:
            log.error("an upload cannot be read and is deleted", extra=facts(folder=state.parent, error=error))
            shutil.rmtree(state.parent, ignore_errors=True)
            continue
        if store.adopt(upload):
            log.info("an upload of an older version goes on", extra=facts(upload=upload.id))
        state.unlink()


def _read(path: Path) -> Upload:
    state = json.loads(path.read_bytes())
    try:
        times = {name: datetime.fromisoformat(state[name]) for name in ("create_time", "expire_time")}
        upload = Upload(**{**state, **times})
    except (TypeError, KeyError) as error:
        raise ValueError(f"not the state of an upload: {error}") from error
    if upload.id != path.parent.name:
        raise ValueError(f"the state of another upload, {upload.id}")
    return upload
