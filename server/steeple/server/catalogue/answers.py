"""Records as JSON and back, for the answers that repeated requests get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from steeple.server.catalogue.records import Landmark, LandmarkDraft, LatLng, ReferenceImage


def to_json(record: Landmark | ReferenceImage | None) -> dict[str, Any]:
    """All of a record, fit for JSON; empty for the answer of a deletion."""
    if record is None:
        return {}
    fields = asdict(record)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}


def landmark_from_json(answer: Mapping[str, Any]) -> Landmark:
    """The landmark that :func:`to_json` was given."""
    location = answer["location"]
    return Landmark(
        **{
            **answer,
            "location": None if location is None else LatLng(**location),
            "create_time": datetime.fromisoformat(answer["create_time"]),
            "update_time": datetime.fromisoformat(answer["update_time"]),
        }
    )


def image_from_json(answer: Mapping[str, Any]) -> ReferenceImage:
    """The reference image that :func:`to_json` was given."""
    return ReferenceImage(**{**answer, "create_time": datetime.fromisoformat(answer["create_time"])})


def landmark_draft_to_json(draft: LandmarkDraft) -> dict[str, Any]:
    """All of a draft, fit for JSON."""
    location = draft.location
    return {
        "display_name": draft.display_name,
        "description": draft.description,
        "location": None if location is None else [location.latitude, location.longitude],
        "metadata": dict(draft.metadata),
    }
