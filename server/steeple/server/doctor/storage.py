"""Object storage: whether it can be written, read, listed and deleted from, with the credentials of this process."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from steeple.errors import SteepleError
from steeple.server.doctor.findings import Finding, Status
from steeple.server.durable import errors_translated
from steeple.server.object_storage import open_storage

_FOLDER: Final = "doctor/"
_REMEDY: Final = "see docs/server/object-storage.md: credentials, endpoint, and the policy that Steeple needs"


def storage(check: str, setting: str, url: str) -> Iterator[Finding]:
    """Writes a small file, reads it, finds it in a list and deletes it.

    Args:
        check: What the finding goes by.
        setting: That names the place.
        url: The place.
    """
    content = secrets.token_bytes(32)
    path, step, began = f"{_FOLDER}{secrets.token_hex(8)}", "opened", time.perf_counter()
    try:
        with errors_translated(check):
            place = open_storage(url)
            step = "written"
            place.put(path, content, sha256=hashlib.sha256(content).hexdigest())
            try:
                step = "read"
                same = place.get(path) == content
                step = "listed"
                listed = any(stored.path == path for stored in place.list(_FOLDER))
                step = "deleted from"
                place.delete(path)
                gone = place.stat(path) is None
            except BaseException:
                with suppress(Exception):  # what was written is not left, if that can be
                    place.delete(path)
                raise
    except SteepleError as error:
        told = f"{url} ({setting}) cannot be {step}: {error.message}"
        yield Finding(check, Status.FAILED, told, _REMEDY)
        return
    milliseconds = 1000 * (time.perf_counter() - began)
    if not (same and listed and gone):
        told = f"what was just written to {url} ({setting}), or deleted from it, is not seen so"
        yield Finding(check, Status.FAILED, told, "use storage whose every request sees what those before it have done")
        return
    yield Finding(check, Status.OK, f"{url} can be written, read, listed and deleted from, {milliseconds:.0f} ms")
