"""Photos and the images that have them: none is deleted that an image is about to have."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from steeple.errors import UnavailableError
from steeple.server.catalogue import Catalogue
from steeple.server.images import ImageStore
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_KEPT: Final = "photos are kept"
_DISCARDING: Final = "photos are discarded"


class PhotoShelf:
    """Stores photos for images, and deletes those that no image has any more. Thread safe, also across replicas.

    Between storing a photo and committing its image, nobody may find that the photo is not in use: each photo has a
    lock, which those share who commit images of it, and which one has alone who looks whether it may go.

    Args:
        catalogue: Has the images.
        photos: As uploaded, by content.

    Attributes:
        photos: As given, to be read from.
    """

    def __init__(self, catalogue: Catalogue, photos: ImageStore) -> None:
        self._catalogue = catalogue
        self._locks = catalogue.database.locks
        self.photos = photos
        self._lock = threading.Lock()
        self._unused: set[str] = set()  # to be looked at once none are kept

    def put(self, photo: bytes) -> None:
        """Stores a photo whose image comes later, in :meth:`there`."""
        self.photos.put(photo)

    @contextmanager
    def stored(self, photo: bytes, sha256: str) -> Iterator[None]:
        """Stores a photo for the block, which commits its image; takes it away again if that fails."""
        self.photos.put(photo)  # takes long, and nobody has to wait for it
        try:
            with self.there({sha256: lambda: photo}):
                yield
        except BaseException:
            self.discard_unused({sha256})
            raise

    @contextmanager
    def there(self, photos: Mapping[str, Callable[[], bytes]]) -> Iterator[None]:
        """Sees to it that photos which were stored before, by SHA-256 (hex), are there for the block.

        Args:
            photos: With what reads them again, should they have been deleted meanwhile.
        """
        with self._locks.shared(*map(_name, photos)) as hold:
            self._put_missing(photos)  # somebody may have found one unused in between
            yield
        if hold.lost:  # with the connection to the database, perhaps before the block was at its end
            self._put_missing(photos)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """No photo is deleted while this is entered; those that have become unused meanwhile go when it is left."""
        try:
            with self._locks.shared(_KEPT):
                yield
        finally:
            self.discard_postponed()

    def discard_unused(self, digests: Iterable[str]) -> None:
        """Deletes those photos that no image has; later, if they are kept now."""
        candidates = {digest for digest in digests if digest}
        if not candidates:
            return
        try:
            unused = candidates - self._catalogue.photos_in_use(candidates)
            # In turns, so that who finds photos kept knows that it is not by somebody who discards some as well.
            with self._locks.alone(_DISCARDING), self._locks.alone_at_once(_KEPT) as free:
                for sha256 in sorted(unused) if free else ():
                    self._discard(sha256)
        except UnavailableError as error:
            free = False
            log.warning("photos that no image has any more are deleted later", extra=facts(reason=error.message))
        except Exception:  # the images are gone as asked; what is left behind takes space and nothing else
            log.exception("photos that no image has any more were not deleted", extra=facts(photos=sorted(candidates)))
            return
        if not free:
            with self._lock:
                self._unused |= candidates

    def discard_postponed(self) -> None:
        """Deletes photos that became unused while they were kept, or could not be deleted, unless that is still so."""
        with self._lock:
            unused, self._unused = self._unused, set()
        self.discard_unused(unused)

    def _discard(self, sha256: str) -> None:
        with self._locks.alone(_name(sha256)):
            if not self._catalogue.photos_in_use([sha256]):
                self.photos.delete(sha256)

    def _put_missing(self, photos: Mapping[str, Callable[[], bytes]]) -> None:
        for sha256, read in photos.items():
            if not self.photos.exists(sha256):
                self.photos.put(read())


def _name(sha256: str) -> str:
    return f"photo {sha256}"
