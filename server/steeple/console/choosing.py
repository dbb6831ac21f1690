"""Which landmark somebody means by what they typed."""

from __future__ import annotations

import re
from typing import Final

from steeple.client import AsyncClient, Landmark
from steeple.errors import InvalidArgumentError, NotFoundError

_WITH_ID: Final = re.compile(r".*\(([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\)\s*", re.DOTALL)
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MOST: Final = 12
_LONGEST: Final = 200


def written(landmark: Landmark) -> str:
    """A landmark as a field shows it, such as ``Notre-Dame de Paris (notre-dame)``; :func:`chosen` reads that."""
    return f"{landmark.display_name} ({landmark.id})"


def names_filter(text: str) -> str:
    """The filter of landmarks that are called so, or in part; empty for an empty text."""
    words = " ".join(text.split())[:_LONGEST]
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"' if words else ""


async def suggested(client: AsyncClient, text: str) -> list[Landmark]:
    """Landmarks that somebody may mean who has typed so far; for an empty text those that were changed last."""
    listing = client.list_landmarks(filter=names_filter(text), order_by="update_time desc", page_size=_MOST)
    return list((await listing.page()).items)


async def chosen(client: AsyncClient, text: str) -> Landmark:
    """The landmark of a field.

    Args:
        client: Of whoever has typed it.
        text: As :func:`written` makes it, or an id, a resource name, the whole name, or a part that only one has.

    Raises:
        InvalidArgumentError: If there is none, or several; it says which.
    """
    text = text.strip()
    if not text:
        raise InvalidArgumentError("Say which landmark the photos show.", field="landmark")
    in_brackets, bare = _WITH_ID.fullmatch(text), text.removeprefix("landmarks/")
    for landmark_id in (in_brackets and in_brackets[1], bare if _ID.fullmatch(bare) else None):
        if landmark_id:
            try:
                found = await client.get_landmark(landmark_id)
            except NotFoundError:
                continue
            if found.delete_time is None:
                return found
    there = await suggested(client, text)
    same = [landmark for landmark in there if landmark.display_name.casefold() == text.casefold()]
    if len(same) == 1 or len(there) == 1:
        return (same or there)[0]
    if there:
        names = ", ".join(written(landmark) for landmark in (same or there)[:5])
        raise InvalidArgumentError(f"Several are called so: {names}. Choose one of the list.", field="landmark")
    raise InvalidArgumentError(
        "There is no landmark of that name. Choose one of the list, or make a new one.", field="landmark"
    )
