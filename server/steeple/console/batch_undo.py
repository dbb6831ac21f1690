"""Undoing what was done to many landmarks at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from steeple.client import AsyncClient
from steeple.console.sessions import Me
from steeple.errors import InvalidArgumentError, SteepleError

MOST: Final = 1000
"""Changes of a batch; what has more is undone one by one, in the history of each landmark."""

_AT_ONCE: Final = 4


@dataclass(frozen=True)
class Batch:
    """What was done at once.

    Attributes:
        number: Of the first of its events.
        count: Of its events.
        time: UTC.
    """

    number: int
    count: int
    time: datetime


@dataclass(frozen=True)
class Undone:
    """What came of undoing a batch.

    Attributes:
        count: Changes that were put back.
        refused: Why others were not, each reason once.
        left: How many these are.
    """

    count: int
    refused: Sequence[str]
    left: int


async def latest_batch(client: AsyncClient, method: str, landmark: str) -> int | None:
    """Number of the batch by which a method changed a landmark last; None if it is not known.

    Args:
        client: Of who called it.
        method: ``BatchUpdateLandmarks``.
        landmark: Name of one of the landmarks.
    """
    events = client.list_audit_events(
        resource=landmark, method=f"steeple.v1.CatalogService/{method}", outcomes=["OK"], page_size=1
    )
    page = await events.page()
    return _number(page.items[0].batch) if page.items else None


async def batch_of(client: AsyncClient, me: Me, text: str) -> Batch | None:
    """A batch of one's own doing that can be undone; None if there is none of that number.

    Args:
        client: Of who asks.
        me: Who that is.
        text: The number.
    """
    if not text.isdecimal() or len(text) > 18:
        return None
    page = await client.list_audit_events(resource="landmarks", batch=int(text), page_size=MOST).page()
    if not page.items or page.items[0].actor != (me.name or "open") or page.next_page_token:
        return None
    return Batch(int(text), len(page.items), page.items[0].time)


async def undo(client: AsyncClient, batch: Batch) -> Undone:
    """Puts these changes back, as far as nobody has changed the same since.

    Args:
        client: Of who undoes them.
        batch: Which.

    Raises:
        InvalidArgumentError: If there are none.
        SteepleError: If none could be put back; the reason of the first.
    """
    page = await client.list_audit_events(resource="landmarks", batch=batch.number, page_size=MOST).page()
    if not page.items:
        raise InvalidArgumentError("there is nothing to undo; the history of each landmark has its changes")
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> SteepleError | None:
        async with free:
            try:
                await client.undo_change(name)
            except SteepleError as error:
                return error
        return None

    results = await asyncio.gather(*(one(event.name) for event in page.items))
    failures = [error for error in results if error is not None]
    if len(failures) == len(results):
        raise failures[0]
    reasons = list(dict.fromkeys(error.message for error in failures))
    return Undone(len(results) - len(failures), reasons, len(failures))


def _number(name: str) -> int | None:
    number = name.rpartition("/")[2]
    return int(number) if number.isdecimal() else None
