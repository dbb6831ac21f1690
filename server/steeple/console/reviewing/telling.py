"""Kept queries in words, with the names of the landmarks that they are about."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from steeple.client import AsyncClient, KeptQuery, Landmark, QueryVerdict
from steeple.console.trying.words import sure
from steeple.errors import NotFoundError

_VERDICTS = {
    QueryVerdict.RIGHT: ("Right", "good"),
    QueryVerdict.WRONG: ("Wrong", "bad"),
    QueryVerdict.LANDMARK: ("It shows", "good"),
    QueryVerdict.NOT_LANDMARK: ("Not a landmark", "warn"),
}
_ID = re.compile("[a-z0-9-]{1,63}")
_LONGEST_NAME = 200
_LONGEST_FILTER = 20  # ids in one filter
_MOST_NAMES = 500
_SEVERAL = 5


@dataclass(frozen=True)
class Names:
    """Of landmarks.

    Attributes:
        landmarks: Those that are there, by name.
    """

    landmarks: Mapping[str, Landmark]

    def of(self, name: str) -> str:
        """What people call ``landmarks/{id}``; its id, where it is not there any more."""
        known = self.landmarks.get(name)
        return known.display_name if known else name.rpartition("/")[2]

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return name in self.landmarks


def named_by(queries: Iterable[KeptQuery], *, candidates: int = 1) -> set[str]:
    """Names of the landmarks that pages have to call by name.

    Args:
        queries: That are shown.
        candidates: Of each.
    """
    names: set[str] = set()
    for query in queries:
        names.update(candidate.landmark for candidate in query.candidates[:candidates])
        names.add(query.landmark)
        if query.feedback is not None:
            names.update((query.feedback.landmark, query.feedback.shown_landmark))
    return names - {""}


async def look_up(client: AsyncClient, names: Iterable[str]) -> Names:
    """Landmarks by name, a few calls for all; those that are gone are left out."""
    wanted = sorted(names)[:_MOST_NAMES]
    pages = await asyncio.gather(
        *(_some(client, wanted[first : first + _LONGEST_FILTER]) for first in range(0, len(wanted), _LONGEST_FILTER))
    )
    return Names({landmark.name: landmark for page in pages for landmark in page})


async def _some(client: AsyncClient, names: Sequence[str]) -> Sequence[Landmark]:
    ids = (name.rpartition("/")[2] for name in names)
    found = client.list_landmarks(filter=" OR ".join(f'id = "{each}"' for each in ids), page_size=len(names))
    return (await found.page()).items


def answer_words(query: KeptQuery, names: Names) -> str:
    """What was answered."""
    best = query.best
    if best is None:
        return "Unknown, nothing like it"
    name = names.of(best.landmark)
    return (
        f"{name}, {sure(best.confidence)}" if query.identified else f"Unknown; closest {name}, {sure(best.confidence)}"
    )


def verdict_badge(query: KeptQuery, names: Names) -> tuple[str, str]:
    """What a reviewer said, in words, and the kind of badge; empty before anybody has."""
    if query.verdict is QueryVerdict.NONE:
        return "", ""
    text, kind = _VERDICTS.get(query.verdict, ("Reviewed", ""))
    return (f"{text} {names.of(query.landmark)}" if query.verdict is QueryVerdict.LANDMARK else text), kind


def said_words(query: KeptQuery, names: Names) -> str:
    """What those who sent it say; empty if they say nothing."""
    said = query.feedback
    if said is None:
        return ""
    if said.verdict is QueryVerdict.NONE:
        return f"Somebody proposes it: {said.suggested_name}" if said.suggested_name else "Somebody proposes it"
    if said.verdict is QueryVerdict.LANDMARK:
        return f"Somebody says: it shows {names.of(said.landmark)}"
    words = {
        QueryVerdict.RIGHT: "the answer is right",
        QueryVerdict.WRONG: "the answer is wrong",
        QueryVerdict.NOT_LANDMARK: "it is no landmark",
    }
    suggested = f", it is {said.suggested_name}" if said.suggested_name else ""
    return f"Somebody says: {words.get(said.verdict, 'something')}{suggested}"


async def landmark_called(client: AsyncClient, text: str) -> tuple[Landmark | None, str]:
    """A landmark by its id or its whole name.

    Args:
        client: Of who asks.
        text: What was typed.

    Returns:
        The landmark, or None and what to tell whoever typed it.
    """
    typed = text.strip().removeprefix("landmarks/")
    if not typed:
        return None, "Type the name or the id of a landmark."
    if _ID.fullmatch(typed):
        try:
            return await client.get_landmark(typed), ""
        except NotFoundError:
            pass
    quoted = typed[:_LONGEST_NAME].replace("\\", "\\\\").replace('"', '\\"')
    found = (await client.list_landmarks(filter=f'names:"{quoted}"', page_size=_SEVERAL).page()).items
    exact = [landmark for landmark in found if landmark.display_name.casefold() == typed.casefold()]
    found = tuple(exact) or found
    if len(found) == 1:
        return found[0], ""
    if not found:
        return None, f"No landmark is called {typed}. Look it up in the catalogue, or make a new one."
    several = ", ".join(f"{landmark.id} ({landmark.display_name})" for landmark in found[:_SEVERAL])
    return None, f"Several landmarks are called so. Type the id of one: {several}."
