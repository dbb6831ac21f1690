"""Reads an offline pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from steeple.packs.codebook import PackCodebook
from steeple.packs.records import PackLandmark, PackManifest, StoredImage
from steeple.recognition import GalleryImage


class Pack:
    """A pack that was opened and checked. Thread safe.

    Attributes:
        manifest: What it is.
        landmarks: Its landmarks by id, in the pack's order.
        images: Its reference images; an image's key is its place.
        codebook: Of its codes.
    """

    manifest: PackManifest
    landmarks: Mapping[str, PackLandmark]
    images: Sequence[StoredImage]
    codebook: PackCodebook

    @staticmethod
    def open(path: Path) -> Pack:
        """A pack, all of whose files are checked. What it says of itself is not believed.

        Raises:
            NotFoundError: If there is no such file.
            PackError: If it is truncated, corrupt, of another format or no pack at all; the text says what is wrong.
            FailedPreconditionError: If it is of a newer format.
        """
        raise NotImplementedError

    def thumbnail(self, landmark_id: str) -> bytes | None:
        """JPEG of at most 256 pixels a side, of the landmark's first image; None if the pack has none.

        Raises:
            NotFoundError: If there is no such landmark.
        """
        raise NotImplementedError

    def gallery(self, keys: Sequence[int]) -> Mapping[int, GalleryImage]:
        """Reference images by key, as the recogniser takes them."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of the file. May be called again."""
        raise NotImplementedError
