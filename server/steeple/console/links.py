"""Names of the API, as pages have them."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[0-9]+")


def path_of(resource: str) -> str:
    """The page of a resource; empty: it has none."""
    parts = resource.split("/")
    if len(parts) % 2 or not all(parts):
        return ""
    match parts:
        case ["landmarks" | "operations" | "people" | "keys", _] | ["landmarks", _, "images", _]:
            path = f"/{resource}"
        case ["people", person, "sessions", _]:
            path = f"/people/{person}"
        case ["snapshots", _]:
            path = "/health#snapshots"
        case ["discoveries", discovery] | ["discoveries", discovery, "photos", _]:
            path = f"/discover/{discovery}"
        case ["discoveries", discovery, "proposals", proposal]:
            path = f"/discover/{discovery}/proposals/{proposal}"
        case ["queries", query]:
            path = f"/review/{query}"
        case _:
            path = ""
    return path


def deed(method: str) -> str:
    """What a method does, in words: ``Delete landmark`` of ``steeple.v1.CatalogService/DeleteLandmark``."""
    words = " ".join(word.lower() for word in _WORD.findall(method.rpartition("/")[2]))
    return words[:1].upper() + words[1:]


def field_words(name: str) -> str:
    """``reference_images`` as ``Reference images``."""
    words = name.removesuffix("_bytes").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
