"""From the local features of a photo to ranked landmarks with a confidence, or UNKNOWN."""

from steeple.recognition.accumulated import Accumulated
from steeple.recognition.explanation import Evidence, ExplainedImage, Verdict
from steeple.recognition.neighbours import DescriptorSearch, Neighbours
from steeple.recognition.recogniser import Recogniser, inlier_radius
from steeple.recognition.records import CERTAIN, Candidate, Gallery, GalleryImage, Recognition
from steeple.recognition.verification import Verification, verify

__all__ = [
    "CERTAIN",
    "Accumulated",
    "Candidate",
    "DescriptorSearch",
    "Evidence",
    "ExplainedImage",
    "Gallery",
    "GalleryImage",
    "Neighbours",
    "Recogniser",
    "Recognition",
    "Verdict",
    "Verification",
    "inlier_radius",
    "verify",
]
