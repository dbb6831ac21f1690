"""From the local features of a photo to ranked landmarks with a confidence, or UNKNOWN."""

from steeple.server.recognition.recogniser import (
    Candidate,
    Gallery,
    GalleryImage,
    Recogniser,
    Recognition,
    inlier_radius,
)
from steeple.server.recognition.verification import Verification, verify

__all__ = [
    "Candidate",
    "Gallery",
    "GalleryImage",
    "Recogniser",
    "Recognition",
    "Verification",
    "inlier_radius",
    "verify",
]
