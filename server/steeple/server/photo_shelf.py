"""Photos and the images that have them: none is deleted that an image is about to have."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from steeple.server.catalogue import Catalogue
from steeple.server.images import ImageStore
from steeple.server.logs import facts

log = logging.getLogger(__name__)


class PhotoShelf:
    """Stores photos for images, and deletes those that no image has any more. Thread safe.

    Args:
        catalogue: Has the images.
        photos: As uploaded, by content.

    Attributes:
        photos: As given, to be read from.
    """

    def __init__(self, catalogue: Catalogue, photos: ImageStore) -> None:
        self._catalogue = catalogue
        self.photos = photos
        # Between storing a photo and committing its image, nobody may find that the photo is not in use.
        self._settled = threading.Lock()
        self._keeping = 0
        self._unused: set[str] = set()  # to be looked at once none are kept

    def put(self, photo: bytes) -> None:
        """Stores a photo whose image comes later, in :meth:`there`."""
        self.photos.put(photo)

    @contextmanager
    def stored(self, photo: bytes, sha256: str) -> Iterator[None]:
        """Stores a photo for the block, which commits its image; takes it away again if that fails."""
        self.photos.put(photo)  # takes long, and nobody has to wait for it
        with self._settled:
            if not self.photos.exists(sha256):  # somebody has found it unused in between
                self.photos.put(photo)
            try:
                yield
            except BaseException:
                self._discard_unused({sha256})
                raise

    @contextmanager
    def there(self, photos: Mapping[str, Callable[[], bytes]]) -> Iterator[None]:
        """Sees to it that photos which were stored before, by SHA-256 (hex), are there for the block.

        Args:
            photos: With what reads them again, should they have been deleted meanwhile.
        """
        with self._settled:
            for sha256, read in photos.items():
                if not self.photos.exists(sha256):
                    self.photos.put(read())
            yield

    @contextmanager
    def settled(self) -> Iterator[None]:
        """No image with a photo is added while this is entered.

        What photos are extracted with can be changed then: no image that is added later lacks what was asked for.
        """
        with self._settled:
            yield

    @contextmanager
    def kept(self) -> Iterator[None]:
        """No photo is deleted while this is entered; those that have become unused meanwhile go when it is left."""
        with self._settled:
            self._keeping += 1
        try:
            yield
        finally:
            with self._settled:
                self._keeping -= 1
                if not self._keeping:
                    unused, self._unused = self._unused, set()
                    self._discard_unused(unused)

    def discard_unused(self, digests: Iterable[str]) -> None:
        """Deletes those photos that no image has."""
        with self._settled:
            self._discard_unused(digests)

    def _discard_unused(self, digests: Iterable[str]) -> None:
        candidates = {digest for digest in digests if digest}
        if self._keeping:
            self._unused |= candidates
            return
        try:
            for sha256 in candidates - self._catalogue.photos_in_use(candidates):
                self.photos.delete(sha256)
        except Exception:  # the images are gone as asked; what is left behind takes space and nothing else
            log.exception("photos that no image has any more were not deleted", extra=facts(photos=sorted(candidates)))
