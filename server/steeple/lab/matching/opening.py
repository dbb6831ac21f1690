"""Pairs of pictures from a folder of whatever layout."""

from __future__ import annotations

from pathlib import Path

from steeple.errors import InvalidArgumentError
from steeple.lab.matching.pairs import MatchingPair, read_hpatches, read_wxbs
from steeple.lab.matching.warps import warped_pairs


def open_pairs(folder: Path, *, photos: int = 50, seed: int = 0) -> tuple[MatchingPair, ...]:
    """HPatches or WxBS if the folder is one of them, else warped pairs of the photos in it.

    Args:
        folder: Of the data set, or of anyone's photos.
        photos: How many are warped, at most.
        seed: Of how they are warped.

    Raises:
        InvalidArgumentError: If there is neither a data set nor a photo, or a file is missing or malformed.
        ImageError: If a photo that is to be warped cannot be read.
    """
    if not folder.is_dir():
        raise InvalidArgumentError(f"there is no folder {folder}")
    if any(folder.glob("[iv]_*/H_1_2")):
        return read_hpatches(folder)
    if any(folder.glob("*/*/corrs.txt")):
        return read_wxbs(folder)
    return warped_pairs(folder, photos, seed)
