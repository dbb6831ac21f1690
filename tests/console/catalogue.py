"""What the tests' catalogue holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from steeple.client import Client, LatLng

LANDMARKS: Final = (
    (
        "montmartre",
        "Rue de l'Abreuvoir",
        LatLng(48.8880, 2.3378),
        ("paris", "street"),
        "montmartre_far",
        "montmartre_close",
    ),
    ("sistine", "Sistine Chapel", LatLng(41.9029, 12.4545), ("rome", "museum"), "sist_chapel", "fsm"),
    ("station", "Grand Central Terminal", LatLng(40.7527, -73.9772), ("new-york", "station"), "gcs_far", "gcs_close"),
    ("notre-dame", "Notre-Dame de Paris", LatLng(48.8530, 2.3499), ("paris", "church"), "notre_dame", ""),
    ("chartres", "Chartres Cathedral", LatLng(48.4479, 1.4878), ("church",), "chartres", ""),
)
"""Id, name, place, labels, photographs in the catalogue, and one to ask about."""


def photo(photographs: Mapping[str, bytes], name: str) -> bytes:
    """The photograph whose path ends so."""
    (found,) = (data for path, data in photographs.items() if path.endswith(f"/{name}.jpg"))
    return found


def fill(client: Client, photographs: Mapping[str, bytes]) -> None:
    """Makes the catalogue."""
    for landmark_id, name, place, labels, reference, _ in LANDMARKS:
        client.create_landmark(
            name,
            landmark_id=landmark_id,
            location=place,
            labels=labels,
            description=f"{name}, as a photograph shows it.",
        )
        client.add_reference_image(landmark_id, photo(photographs, reference))
