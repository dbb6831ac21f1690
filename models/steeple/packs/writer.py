"""Writes an offline pack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from steeple.packs.codebook import PackCodebook
from steeple.packs.records import PackFacts, PackImage, PackLandmark, PackManifest

DEFAULT_FEATURES: Final = 600
"""Features that a pack keeps of an image, the best by attention score."""


class PackWriter:
    """Writes a pack, landmark by landmark; in a ``with`` block, or call :meth:`close`.

    The file has its name once all of it is on the disk, and takes the place of one that is there; what is given up
    before leaves nothing behind. The same landmarks in the same order make the same bytes.

    Args:
        path: Of the pack.
        facts: What it says of itself.
        codebook: Of its codes.
        features: Kept of each image, at most, the best by attention score.
        exact: Whether to keep the int8 descriptors beside their codes: 40 bytes more a feature.

    Raises:
        OSError: If the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        facts: PackFacts,
        codebook: PackCodebook,
        *,
        features: int = DEFAULT_FEATURES,
        exact: bool = False,
    ) -> None:
        raise NotImplementedError

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, landmark: PackLandmark, images: Sequence[PackImage], thumbnail: bytes | None = None) -> None:
        """Adds a landmark.

        Args:
            landmark: Of an id that the pack does not have yet.
            images: Of it; at least one.
            thumbnail: JPEG of the first of them.

        Raises:
            InvalidArgumentError: If it is there already, has no image, or an image is of another release or has lists
                or codes of another codebook.
            ResourceExhaustedError: If the pack becomes too large.
            OSError: If the file cannot be written.
        """
        raise NotImplementedError

    def finish(self) -> PackManifest:
        """Puts the pack in its place.

        Raises:
            OSError: If the file cannot be written.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Gives up what is not finished. May be called again."""
        raise NotImplementedError
