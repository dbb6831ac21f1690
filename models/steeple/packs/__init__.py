"""Offline packs: the landmarks of a region in one file, which a phone searches by itself."""

from steeple.packs.codebook import PackCodebook
from steeple.packs.pack import Pack
from steeple.packs.recogniser import PackRecogniser
from steeple.packs.records import (
    PackFacts,
    PackImage,
    PackLandmark,
    PackLocation,
    PackManifest,
    PackRegion,
    StoredImage,
)
from steeple.packs.search import PackIndex
from steeple.packs.writer import DEFAULT_FEATURES, PackWriter

__all__ = [
    "DEFAULT_FEATURES",
    "Pack",
    "PackCodebook",
    "PackFacts",
    "PackImage",
    "PackIndex",
    "PackLandmark",
    "PackLocation",
    "PackManifest",
    "PackRecogniser",
    "PackRegion",
    "PackWriter",
    "StoredImage",
]
