"""Etags: what a caller sends back to be refused if somebody else was faster."""

from __future__ import annotations

import hashlib
from datetime import datetime

from steeple.errors import AbortedError


def make_etag(kind: str, key: int, revision: int, create_time: datetime) -> str:
    """The etag of a revision of a row. The time sets it apart from the same row of a catalogue begun anew."""
    text = f"{kind} {key} {revision} {create_time.isoformat()}"
    return f'"{hashlib.sha256(text.encode("ascii")).hexdigest()[:16]}"'


def check_etag(sent: str, current: str, resource: str) -> None:
    """Lets a change of ``resource`` pass if ``sent`` is empty or current.

    Raises:
        AbortedError: If it is neither.
    """
    if sent and sent != current:
        raise AbortedError(
            f"{resource} was changed by somebody else in the meantime (its etag is {current}, not {sent}); "
            "read it again and decide anew",
            resource=resource,
            etag=current,
        )
