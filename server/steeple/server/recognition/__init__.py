"""From the local features of a photo to ranked landmarks with a confidence, or UNKNOWN."""

from steeple.server.recognition.accumulated import Accumulated
from steeple.server.recognition.explanation import Evidence, ExplainedImage, Verdict
from steeple.server.recognition.recogniser import (
    CERTAIN,
    Candidate,
    Gallery,
    GalleryImage,
    Recogniser,
    Recognition,
    inlier_radius,
)
from steeple.server.recognition.verification import Verification, verify

__all__ = [
    "CERTAIN",
    "Accumulated",
    "Candidate",
    "Evidence",
    "ExplainedImage",
    "Gallery",
    "GalleryImage",
    "Recogniser",
    "Recognition",
    "Verdict",
    "Verification",
    "inlier_radius",
    "verify",
]
