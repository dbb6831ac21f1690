"""The catalogue of landmarks and reference images: the only source of truth."""

from steeple.server.catalogue.image_calls import AlsoOfImages
from steeple.server.catalogue.landmark_batches import CommonChanges
from steeple.server.catalogue.records import (
    UNSET,
    Capture,
    Change,
    ChangeKind,
    Duplicate,
    DuplicateKind,
    ImageDraft,
    ImageOutcome,
    Landmark,
    LandmarkChanges,
    LandmarkDraft,
    LatLng,
    NewImage,
    Page,
    Quality,
    ReferenceImage,
    Unset,
)
from steeple.server.catalogue.restriction import Restriction
from steeple.server.catalogue.store import Catalogue
from steeple.server.catalogue.undo import Undone

__all__ = [
    "UNSET",
    "AlsoOfImages",
    "Capture",
    "Catalogue",
    "Change",
    "ChangeKind",
    "CommonChanges",
    "Duplicate",
    "DuplicateKind",
    "ImageDraft",
    "ImageOutcome",
    "Landmark",
    "LandmarkChanges",
    "LandmarkDraft",
    "LatLng",
    "NewImage",
    "Page",
    "Quality",
    "ReferenceImage",
    "Restriction",
    "Undone",
    "Unset",
]
