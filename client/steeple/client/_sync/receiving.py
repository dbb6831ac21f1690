# Made from _async/receiving.py by tools/generate_sync_client.py; do not edit.
"""Files that are received, however often the connection breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from steeple.client._concurrency import in_thread, sleep
from steeple.client._local_files import PartialFile
from steeple.client._patience import Patience
from steeple.errors import SteepleError

Progress = Callable[[int, int], object]
"""Told bytes that are there, and bytes of the whole file."""


class Part(Protocol):
    """The next bytes of a file."""

    data: bytes


TakePart = Callable[[Part], None]
"""Is given the parts of a file, one after the other."""


def receive_file(
    received: PartialFile,
    send_from: Callable[[int, TakePart], None],
    *,
    patience_seconds: float,
    progress: Progress | None,
) -> None:
    """Receives what is missing of a file; it appears at its place once it is whole and its hash is right.

    Args:
        received: The file.
        send_from: Makes the call that sends from an offset on, and gives each response to the second.
        patience_seconds: How long to go on without anything coming through.
        progress: Told bytes that are here, and bytes of the file, now and then.

    Raises:
        FailedPreconditionError: If the file cannot be written.
        DataLossError: If the file is damaged, on the server or here.
        UnavailableError: If nothing has come through for so long.
    """
    total, patience = received.size_bytes, Patience(patience_seconds)
    while (here := in_thread(received.size)) < total:
        if progress is not None:
            progress(here, total)
        at = here

        def take(part: Part) -> None:
            nonlocal at
            in_thread(partial(received.write, at, part.data))
            at += len(part.data)
            if progress is not None:
                progress(at, total)

        try:
            send_from(here, take)
        except SteepleError as error:
            if in_thread(received.size) > here:
                patience.renew()
            patience.check(error)
            sleep(patience.pause())
    in_thread(received.finish)
    if progress is not None:
        progress(total, total)
