"""Landmarks from a JSON file, as ``steeple landmarks list --json`` prints them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Landmark

_IGNORED: Final = frozenset(
    {"name", "reference_image_count", "create_time", "update_time", "etag", "delete_time", "expire_time", "usage"}
)


def read_landmarks(path: Path) -> list[Landmark]:
    """The landmarks in a file: a list of objects, of which only ``display_name`` must be there.

    Raises:
        InvalidArgumentError: If the file cannot be read or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidArgumentError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, list):
        raise InvalidArgumentError(f"{path} must hold a list, as `steeple landmarks list --json` prints it")
    return [_landmark(one, f"{path}, landmark {number}") for number, one in enumerate(content, 1)]


def _landmark(fields: Any, where: str) -> Landmark:  # noqa: ANN401 - whatever the file holds
    from steeple.client import Landmark, LatLng

    if not isinstance(fields, dict) or not isinstance(fields.get("display_name"), str):
        raise InvalidArgumentError(f"{where}: an object with a display_name is expected")
    known: dict[str, Any] = {"display_name": "", "id": "", "description": "", "location": None, "metadata": {}}
    known |= {"aliases": {}, "labels": [], "active": True}
    unknown = sorted(set(fields) - set(known) - _IGNORED)
    if unknown:
        raise InvalidArgumentError(f"{where}: there is no field {unknown[0]!r}; those there are: {', '.join(known)}")
    given = {**known, **fields}
    try:
        location = given["location"]
        return Landmark(
            name=f"landmarks/{_text(given['id'])}" if given["id"] else "",
            display_name=given["display_name"],
            description=_text(given["description"]),
            location=None if location is None else LatLng(float(location["latitude"]), float(location["longitude"])),
            metadata={key: _text(value) for key, value in given["metadata"].items()},
            aliases={key: tuple(map(_text, names)) for key, names in given["aliases"].items()},
            labels=tuple(map(_text, given["labels"])),
            active=given["active"] is True,
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InvalidArgumentError(f"{where}: a field is not as `steeple landmarks list --json` prints it") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
