"""Says what kept queries show, one or many, and makes reference images of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from steeple.client import AsyncClient, Landmark, LatLng, QueryVerdict, ReferenceImage
from steeple.errors import AlreadyExistsError, ImageError, NotFoundError, SteepleError

MOST: Final = 100
"""Queries that are decided on at once."""

VERDICTS: Final = {
    "right": QueryVerdict.RIGHT,
    "wrong": QueryVerdict.WRONG,
    "not_landmark": QueryVerdict.NOT_LANDMARK,
    "none": QueryVerdict.NONE,
}
"""That need no landmark, by what forms call them."""

DONE: Final = {
    "right": "Marked as right",
    "wrong": "Marked as wrong",
    "not_landmark": "Marked as no landmark",
    "none": "What was said is taken back",
}

_AT_ONCE: Final = 4


@dataclass(frozen=True)
class Outcome:
    """What became of several queries.

    Attributes:
        done: How many it was done with.
        gone: How many were not there any more.
        refused: How many it could not be done with, and why, for the first of them.
        reason: Of the first that was refused.
    """

    done: int = 0
    gone: int = 0
    refused: int = 0
    reason: str = ""

    def told(self, what: str) -> str:
        """In words."""
        parts = [f"{what}: {self.done:,}"]
        if self.gone:
            parts.append(f"{self.gone:,} gone meanwhile")
        if self.refused:
            parts.append(f"{self.refused:,} could not be used ({self.reason})")
        return "; ".join(parts) + "."


async def review_all(
    client: AsyncClient, queries: Sequence[str], verdict: QueryVerdict, landmark: Landmark | None = None
) -> Outcome:
    """Says the same of several queries, at most :data:`MOST`."""

    async def review(query: str) -> object:
        return await client.review_query(query, verdict, landmark=landmark)

    return await _each(queries, review)


async def add_to(client: AsyncClient, query: str, landmark: str | Landmark) -> ReferenceImage:
    """Confirms that a query shows a landmark, and makes a reference image of it.

    Raises:
        SteepleError: As the calls do.
    """
    await client.review_query(query, QueryVerdict.LANDMARK, landmark=landmark)
    return await client.promote_query(query)


async def add_all(client: AsyncClient, queries: Sequence[str], landmark: str | Landmark) -> Outcome:
    """The same with several queries, at most :data:`MOST`."""

    async def add(query: str) -> object:
        return await add_to(client, query, landmark)

    return await _each(queries, add)


async def make_landmark(
    client: AsyncClient, query: str, name: str, location: LatLng | None = None
) -> tuple[ReferenceImage, str]:
    """Makes a landmark of a query.

    Returns:
        Its first reference image, and the landmark's id.

    Raises:
        SteepleError: As :meth:`AsyncClient.promote_query` does.
    """
    image = await client.promote_query(query, new_landmark=Landmark("", name, location=location))
    return image, image.landmark.rpartition("/")[2]


async def _each(queries: Sequence[str], work: Callable[[str], Awaitable[object]]) -> Outcome:
    """Some at a time: what one fails with keeps the others from nothing, unless it is the caller's or the server's."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(query: str) -> SteepleError | None:
        async with turns:
            try:
                await work(query)
            except (NotFoundError, ImageError, AlreadyExistsError) as error:
                return error
        return None

    ended = await asyncio.gather(*map(one, dict.fromkeys(queries[:MOST])))
    refused = [error for error in ended if error is not None and not isinstance(error, NotFoundError)]
    gone = sum(isinstance(error, NotFoundError) for error in ended)
    reason = refused[0].message if refused else ""
    return Outcome(len(ended) - gone - len(refused), gone, len(refused), reason)
