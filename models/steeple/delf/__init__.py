"""The DELF model on the device: extractor, model releases and local features.

Importing this package is cheap; the network's runtime is loaded by the first :class:`Extractor`.
"""

from steeple.delf.extractor import Extractor
from steeple.delf.features import DIMENSIONS, FeatureSet
from steeple.delf.image import read_image
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease, available_releases

__all__ = [
    "DEFAULT_RELEASE",
    "DIMENSIONS",
    "Extractor",
    "FeatureSet",
    "ModelRelease",
    "available_releases",
    "read_image",
]
