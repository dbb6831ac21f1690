"""From the local features of a photo to ranked landmarks with a confidence, or UNKNOWN."""

from steeple.server.recognition.accumulated import Accumulated
from steeple.server.recognition.explanation import Evidence, ExplainedImage, Verdict
from steeple.server.recognition.recogniser import Recogniser, inlier_radius
from steeple.server.recognition.records import CERTAIN, Candidate, Gallery, GalleryImage, Recognition
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
