"""How landmarks are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steeple.cli.output import Output, describe_metadata, describe_time

if TYPE_CHECKING:
    from steeple.client import Landmark, LatLng


def print_landmark(output: Output, landmark: Landmark) -> None:
    """All of it, or as JSON."""
    output.document(landmark.to_dict())
    output.facts(
        [
            ("id", landmark.id),
            ("name", landmark.display_name),
            ("description", landmark.description),
            ("location", describe_location(landmark.location)),
            ("metadata", describe_metadata(landmark.metadata)),
            ("aliases", "; ".join(f"{one}: {', '.join(names)}" for one, names in landmark.aliases.items())),
            ("labels", ", ".join(landmark.labels)),
            ("state", describe_state(landmark)),
            ("photos", str(landmark.reference_image_count)),
            ("created", describe_time(landmark.create_time)),
            ("updated", describe_time(landmark.update_time)),
            ("etag", landmark.etag),
            *((month.month, f"{month.identified:,} identified") for month in landmark.usage),
        ]
    )


def describe_location(location: LatLng | None) -> str:
    """Degrees; empty if it stands nowhere."""
    return "" if location is None else f"{location.latitude:.5f},{location.longitude:.5f}"


def describe_state(landmark: Landmark) -> str:
    """In a word or two."""
    if landmark.delete_time is not None:
        return f"deleted until {describe_time(landmark.expire_time)}"
    return "active" if landmark.active else "inactive"
