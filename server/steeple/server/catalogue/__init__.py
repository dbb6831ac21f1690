"""The catalogue of landmarks and reference images: the only source of truth."""

from steeple.server.catalogue.records import (
    UNSET,
    Change,
    ChangeKind,
    ImageDraft,
    Landmark,
    LandmarkDraft,
    LatLng,
    Page,
    ReferenceImage,
    Unset,
)
from steeple.server.catalogue.restriction import Restriction
from steeple.server.catalogue.store import Catalogue

__all__ = [
    "UNSET",
    "Catalogue",
    "Change",
    "ChangeKind",
    "ImageDraft",
    "Landmark",
    "LandmarkDraft",
    "LatLng",
    "Page",
    "ReferenceImage",
    "Restriction",
    "Unset",
]
