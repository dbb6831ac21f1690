"""Where the outline of an answer sends the corners of what it surrounds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.recognition import Candidate


def surrounded(candidate: Candidate) -> NDArray[np.float64]:
    """float64[P, 2]: corners of the matched part of the reference image, pixels of that image."""
    return np.asarray(cv2.convexHull(candidate.reference_points)[:, 0], np.float64)
