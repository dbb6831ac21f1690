"""Records as JSON and back, for the answers that repeated requests get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from steeple.server.catalogue.records import (
    Capture,
    Duplicate,
    DuplicateKind,
    Landmark,
    LandmarkDraft,
    LatLng,
    Quality,
    ReferenceImage,
)


def to_json(record: Landmark | ReferenceImage | tuple[Landmark, ...] | None) -> dict[str, Any]:
    """All of a record, or of several, fit for JSON; empty for the answer of a deletion."""
    if record is None:
        return {}
    if isinstance(record, tuple):
        return {"landmarks": [to_json(one) for one in record]}
    fields = asdict(record)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}


def landmark_from_json(answer: Mapping[str, Any]) -> Landmark:
    """The landmark that :func:`to_json` was given, by this version or an older one, which had fewer fields."""
    fields = {**_with_times(answer), "location": _location(answer["location"])}
    return Landmark(**{**fields, "labels": tuple(answer.get("labels", ()))})


def landmarks_from_json(answer: Mapping[str, Any]) -> tuple[Landmark, ...]:
    """The landmarks that :func:`to_json` was given."""
    return tuple(landmark_from_json(one) for one in answer["landmarks"])


def image_from_json(answer: Mapping[str, Any]) -> ReferenceImage:
    """The reference image that :func:`to_json` was given, by this version or an older one, which had fewer fields."""
    fields = _with_times(answer)
    if fields.get("quality") is not None:
        fields["quality"] = Quality(fields["quality"]["grade"], tuple(fields["quality"]["reasons"]))
    if "capture" in fields:
        fields["capture"] = Capture(_location(fields["capture"]["location"]), fields["capture"]["time"])
    found = fields.get("duplicates", ())
    fields["duplicates"] = tuple(Duplicate(**{**one, "kind": DuplicateKind(one["kind"])}) for one in found)
    return ReferenceImage(**fields)


def landmark_draft_to_json(draft: LandmarkDraft) -> dict[str, Any]:
    """All of a draft, fit for JSON; the same as of an older version where the draft has nothing that is newer."""
    location = draft.location
    fields: dict[str, Any] = {
        "display_name": draft.display_name,
        "description": draft.description,
        "location": None if location is None else [location.latitude, location.longitude],
        "metadata": dict(draft.metadata),
    }
    if draft.aliases:
        fields["aliases"] = {language: list(names) for language, names in draft.aliases.items()}
    if draft.labels:
        fields["labels"] = list(draft.labels)
    if not draft.active:
        fields["active"] = False
    return fields


def _with_times(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name.endswith("_time") and value is not None else value
        for name, value in answer.items()
    }


def _location(fields: Mapping[str, float] | None) -> LatLng | None:
    return None if fields is None else LatLng(**fields)
