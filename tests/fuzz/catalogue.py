"""A catalogue of a few landmarks that targets ask, made when first needed and thrown away at the end."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np

from steeple.delf.features import DIMENSIONS, FeatureSet
from steeple.server.access import KeyStore, Scope
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, LatLng

_FOLDER = tempfile.TemporaryDirectory(prefix="steeple-fuzz-")
LANDMARK = "tower-1"


@functools.cache
def catalogue() -> Catalogue:
    """Five landmarks, the first with three reference images; and two keys."""
    made = Catalogue.open(f"sqlite:///{Path(_FOLDER.name, 'catalogue.db')}")
    for number in range(1, 6):
        made.create_landmark(
            LandmarkDraft(
                f"Tower {number}",
                location=LatLng(number, -number),
                metadata={"wikidata": f"Q{number}"},
                aliases={"fr": [f"Tour {number}"]},
                labels=["tower"],
            )
        )
    for number in range(3):
        made.create_image(LANDMARK, ImageDraft(features(number + 1)))
    store = KeyStore(made.database)
    for name in ("one", "two"):
        store.create(name, Scope.READER)
    return made


def features(count: int) -> FeatureSet:
    """At the same place, all alike."""
    return FeatureSet(
        model="delf-lite2-v1",
        width=640,
        height=480,
        descriptors=np.full((count, DIMENSIONS), 20, np.int8),
        keypoints=np.full((count, 2), 100, np.float32),
        scales=np.ones(count, np.float32),
        scores=np.ones(count, np.float32),
    )
