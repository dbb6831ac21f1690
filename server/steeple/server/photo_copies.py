"""Copies all photos of one image store to another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from steeple.errors import DataLossError
from steeple.server.images import ImageStore

_AT_ONCE: Final = 8  # most of the time of each is waiting for a store


@dataclass
class CopiedPhotos:
    """What came of copying photos.

    Attributes:
        copied: Photos that were copied.
        copied_bytes: Of these.
        there: Photos that the target had, whole.
        lost: SHA-256, hex, of those that the source has not whole, and why.
    """

    copied: int = 0
    copied_bytes: int = 0
    there: int = 0
    lost: dict[str, str] = field(default_factory=dict)


def copy_photos(
    source: ImageStore, target: ImageStore, told: Callable[[int, int], None] = lambda done, total: None
) -> CopiedPhotos:
    """Copies photos, and reads each from the target again. What that has whole is passed over, so it can be repeated.

    Args:
        source: Is not changed; may be in use.
        target: May be in use.
        told: Of the photos done and of their number; may raise to end this.

    Raises:
        SteepleError: If a store cannot be used.
    """
    digests, result = list(source.digests()), CopiedPhotos()
    pool = ThreadPoolExecutor(_AT_ONCE, "steeple-photos")
    try:
        copies = pool.map(lambda digest: _copied(source, target, digest), digests)
        for done, (digest, copied) in enumerate(zip(digests, copies, strict=True), 1):
            match copied:
                case None:
                    result.there += 1
                case int():
                    result.copied += 1
                    result.copied_bytes += copied
                case DataLossError():
                    result.lost[digest] = copied.message
            told(done, len(digests))
    finally:
        pool.shutdown(cancel_futures=True)
    return result


def _copied(source: ImageStore, target: ImageStore, digest: str) -> int | DataLossError | None:
    """Bytes that were copied; None if the target had them; or why the source has not."""
    if _is_whole(target, digest):
        return None
    try:
        data = source.get(digest)
    except DataLossError as error:
        return error
    target.put(data)
    target.get(digest)
    return len(data)


def _is_whole(store: ImageStore, digest: str) -> bool:
    try:
        store.get(digest)
    except DataLossError:
        return False
    return True
