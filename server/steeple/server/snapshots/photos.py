"""Photos of a snapshot on their way into an image store that is not of the data folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from steeple.errors import FailedPreconditionError
from steeple.server.images import ImageStore
from steeple.server.snapshots.files import PHOTOS
from steeple.server.snapshots.manifest import Snapshot
from steeple.server.snapshots.places import KeptSnapshot


def giver(kept: KeptSnapshot, photos: ImageStore | None, here: Path) -> Callable[[tuple[str, str]], str]:
    """What puts photos into an image store, unless they are there whole, and other files into a folder.

    Args:
        kept: The snapshot.
        photos: The image store; None: they go into the folder too.
        here: The folder.
    """

    def give(each: tuple[str, str]) -> str:
        name, sha256 = each
        if photos is None or not name.startswith(f"{PHOTOS}/"):
            return kept.fetch(name, sha256, here / name)
        return "" if photos.is_whole(sha256) else kept.give_photo(name, sha256, photos)

    return give


def refuse_others(kept: KeptSnapshot, snapshot: Snapshot, photos: ImageStore) -> None:
    """Raises if an image store has photos that a snapshot has not: it may be that of another catalogue.

    Args:
        kept: The snapshot.
        snapshot: What it says of itself.
        photos: The image store.

    Raises:
        FailedPreconditionError: If it has.
    """
    with kept.sums(snapshot) as sums:
        # Both are in order.
        others = _beyond(photos.digests(), (sha256 for name, sha256 in sums if name.startswith(f"{PHOTOS}/")))
        if (sha256 := next(others, None)) is not None:
            raise FailedPreconditionError(
                f"the image store has photos that the snapshot has not, such as {sha256}: it may be that of another "
                "catalogue. Give an empty one with images_url; or, if it is this catalogue's own, which has lost its "
                "database alone, keep what is in it with --beside-other-photos"
            )


def _beyond(found: Iterator[str], known: Iterator[str]) -> Iterator[str]:
    """What is found and not known, of two lists in order."""
    ours = next(known, None)
    for one in found:
        while ours is not None and ours < one:
            ours = next(known, None)
        if ours != one:
            yield one
