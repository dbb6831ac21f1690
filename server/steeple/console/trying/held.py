"""Photos that somebody tries out, for some minutes, in memory alone, and for the browser that sent them alone."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from steeple.client import Answer, Explanation
from steeple.console.trying.reading import Reading
from steeple.errors import NotFoundError

HELD_SECONDS: Final = 15 * 60
MOST_OF_ONE: Final = 6
"""Photos of one browser."""

MOST: Final = 64
MOST_BYTES: Final = 64 * 2**20

_ANSWER_BYTES: Final = 200_000  # of one, with thumbnails and matches, at most about


@dataclass(eq=False)
class HeldPhoto:
    """A photo and what was answered.

    Attributes:
        id: Nobody can guess it.
        owner: The browser, and who is signed in there.
        reading: What was made of the photo.
        source: The photo itself, where the server has to make the features; else empty, since nothing needs it.
        size_bytes: Of the photo.
        keep: Whether the next query about it may be kept for review.
        threshold: Confidence that the server asks for.
        answers: By budget of bytes; 0: all features.
        explanations: The same.
    """

    id: str
    owner: str
    reading: Reading
    source: bytes
    size_bytes: int
    keep: bool
    expires: float
    threshold: float = 0.0
    answers: dict[int, Answer] = field(default_factory=dict)
    explanations: dict[int, Explanation] = field(default_factory=dict)

    @property
    def held_bytes(self) -> int:
        """Of memory, about."""
        features = self.reading.features
        made = 0 if features is None else 60 * len(features)
        return len(self.reading.view) + len(self.source) + made + _ANSWER_BYTES


class HeldPhotos:
    """Photos that are held, bounded in number, bytes and time: the oldest go first. Belongs to one event loop.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._photos: OrderedDict[str, HeldPhoto] = OrderedDict()

    def hold(self, owner: str, reading: Reading, *, source: bytes, size_bytes: int, keep: bool) -> HeldPhoto:
        """Holds a photo; the fields of :class:`HeldPhoto`."""
        photo = HeldPhoto(
            secrets.token_urlsafe(18), owner, reading, source, size_bytes, keep, self._clock() + HELD_SECONDS
        )
        self._photos[photo.id] = photo
        own = [each.id for each in self._photos.values() if each.owner == owner]
        for extra in own[:-MOST_OF_ONE]:
            del self._photos[extra]
        self._trim()
        return photo

    def get(self, photo_id: str, owner: str) -> HeldPhoto:
        """A photo of that browser.

        Raises:
            NotFoundError: If it is not held any more, or is another's.
        """
        self._trim()
        photo = self._photos.get(photo_id)
        if photo is None or not secrets.compare_digest(photo.owner.encode(), owner.encode()):
            raise NotFoundError("this photo is not held any more; choose it again")
        return photo

    def drop(self, photo_id: str, owner: str) -> None:
        """Forgets a photo of that browser."""
        if (photo := self._photos.get(photo_id)) is not None and photo.owner == owner:
            del self._photos[photo_id]

    def __len__(self) -> int:
        self._trim()
        return len(self._photos)

    def _trim(self) -> None:
        now = self._clock()
        for photo in [each for each in self._photos.values() if each.expires <= now]:
            del self._photos[photo.id]
        while len(self._photos) > MOST or (len(self._photos) > 1 and self._bytes > MOST_BYTES):
            self._photos.popitem(last=False)

    @property
    def _bytes(self) -> int:
        return sum(photo.held_bytes for photo in self._photos.values())
