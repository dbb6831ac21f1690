"""What a change of a landmark or a reference image did: its fields before and after.

Metadata, aliases and labels count entry by entry, so that two people who change different entries do not get into each
other's way, and so that the history of a large landmark is not as many times as large.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

from steeple.server.catalogue.records import Landmark, LatLng, ReferenceImage

State = Mapping[str, Any]
"""What is said about a landmark or a reference image, by path: ``description``, ``metadata.wikidata``, ``aliases.fr``,
``labels.church`` (whose value is True). Values are fit for JSON and never None; what is empty is left out."""

DELETED: Final = "delete_time"
"""The path that is there while something is deleted."""


class ChangedHow(StrEnum):
    """What a change did, as a whole."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNDELETED = "undeleted"


def landmark_state(landmark: Landmark) -> dict[str, Any]:
    """What is said about a landmark."""
    return {
        "display_name": landmark.display_name,
        "active": landmark.active,
        **({"description": landmark.description} if landmark.description else {}),
        **_place("location", landmark.location),
        **{f"metadata.{key}": value for key, value in landmark.metadata.items()},
        **{f"aliases.{language}": list(names) for language, names in landmark.aliases.items()},
        **{f"labels.{label}": True for label in landmark.labels},
        **_deleted(landmark),
    }


def image_state(image: ReferenceImage) -> dict[str, Any]:
    """What is said about a reference image; the photo and its features never change."""
    return {
        **{f"metadata.{key}": value for key, value in image.metadata.items()},
        **_place("capture_location", image.capture.location),
        **({"capture_time": image.capture.time} if image.capture.time else {}),
        **_deleted(image),
    }


def difference(before: State, after: State) -> tuple[State, State]:
    """Of two states, the paths that differ."""
    return _other_than(before, after), _other_than(after, before)


def changed_how(before: State | None, after: State | None) -> ChangedHow | None:
    """What a change did.

    Args:
        before: Of the paths that it changed; None if there was nothing.
        after: The same, afterwards; None: what it did is not known.
    """
    if after is None:
        return None
    if before is None:
        return ChangedHow.CREATED
    if DELETED in after:
        return ChangedHow.DELETED
    return ChangedHow.UNDELETED if DELETED in before else ChangedHow.UPDATED


def conflicts(event_before: State | None, event_after: State, now: State) -> list[str]:
    """Paths that are not any more as a change left them, in order; of a creation, any path counts."""
    paths = {*event_after, *(now if event_before is None else event_before)}
    return sorted(path for path in paths if now.get(path) != event_after.get(path))


def put_back(event_before: State, event_after: State, now: State) -> dict[str, Any]:
    """The state that a change is undone with: all else stays as it is."""
    return {**{path: value for path, value in now.items() if path not in event_after}, **event_before}


def fields_of(paths: Collection[str]) -> set[str]:
    """The fields that paths are of: ``metadata`` of ``metadata.wikidata``."""
    return {path.partition(".")[0] for path in paths}


def entries(state: State, field: str) -> dict[str, Any]:
    """The entries of a field by their keys, of metadata, aliases or labels."""
    prefix = f"{field}."
    return {path.removeprefix(prefix): value for path, value in state.items() if path.startswith(prefix)}


def place(state: State, field: str) -> LatLng | None:
    """A place; None if there is none."""
    found = state.get(field)
    return None if found is None else LatLng(found["latitude"], found["longitude"])


def _place(field: str, location: LatLng | None) -> dict[str, Any]:
    return {} if location is None else {field: {"latitude": location.latitude, "longitude": location.longitude}}


def _deleted(record: Landmark | ReferenceImage) -> dict[str, Any]:
    return {} if record.delete_time is None else {DELETED: record.delete_time.isoformat()}


def _other_than(state: State, other: State) -> dict[str, Any]:
    return {path: value for path, value in state.items() if other.get(path) != value}
