"""Descriptors of photos, for codebooks to be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.extractor import Extractor
from steeple.delf.progress import Progress

CODEBOOK_PHOTOS: Final = 400
"""Photos that the codebooks of a release are trained on."""


def describe(extractor: Extractor, photos: Sequence[Path], progress: Progress) -> NDArray[np.float32]:
    """float32[N, 40]: the descriptors of all photos, as the extractor of a finished network makes them.

    Raises:
        ImageError: If a photo cannot be used.
    """
    found = []
    for number, photo in enumerate(photos):
        progress("descriptors", number, len(photos))
        found.append(extractor.extract(photo).unit_descriptors())
    progress("descriptors", len(photos), len(photos))
    return np.concatenate(found)
