"""Photos into pixels, many at once, in a bounded amount of memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.image import check_pixels, read_image, sniff
from steeple.errors import ImageError, ResourceExhaustedError
from steeple.recognition.stages import stage

_RETRY_DELAY_SECONDS: Final = "1"


class PhotoDecoder:
    """Decodes photos for all threads of a server. Thread safe.

    What a photo takes is known from its header and is set aside before it is decoded. Photos of up to a quarter of the
    memory wait for each other, which is short. Of those that take more, one is under way at a time, in at most three
    quarters of the memory, and the next is told to come again: so they neither hold up the small ones nor occupy
    more than one thread.

    Args:
        max_pixels: A photo of more is refused.
        memory_bytes: That photos being decoded, and their pixels until they are let go, take together.
    """

    def __init__(self, *, max_pixels: int, memory_bytes: int) -> None:
        self._max_pixels = max_pixels
        self._memory = memory_bytes
        self._small = memory_bytes // 4
        self._taken = 0
        self._large_under_way = False
        self._changed = threading.Condition()

    @property
    def taken_bytes(self) -> int:
        """Memory that is set aside now."""
        return self._taken

    @contextmanager
    def decoded(self, photo: bytes, *, patient: bool = False, least_side: int = 0) -> Iterator[NDArray[np.uint8]]:
        """uint8[H, W, 3], RGB: the pixels of an encoded photo. Let them go when the block is left.

        Args:
            photo: A JPEG, PNG, WebP or BMP file.
            patient: A large one waits for its turn, however long, instead of being told to come again.
            least_side: Pixels of the longer side that suffice, as of :func:`read_image`.

        Raises:
            ImageError: If it cannot be used.
            ResourceExhaustedError: If it is large, and another large one is being decoded; another try in a second is
                worth while.
        """
        header = sniff(photo)
        check_pixels(header, self._max_pixels)
        needed = header.decode_bytes
        if needed > self._memory - self._small:
            raise ImageError(
                f"the image of {header.width}x{header.height} pixels takes {_mib(needed)} of memory to decode, more "
                f"than the {_mib(self._memory - self._small)} that this server gives to one; send it smaller, as a "
                "JPEG that is not progressive, or without transparency"
            )
        large = needed > self._small
        self._take(needed, large, patient)
        held = needed
        try:
            with stage("decode"):
                pixels = read_image(photo, max_pixels=self._max_pixels, least_side=least_side)
            self._give_back(needed - pixels.nbytes)
            held = pixels.nbytes
            yield pixels
        finally:
            # A large one is under way until its pixels are let go: until then it has a thread as well.
            self._give_back(held, large_ends=large)

    def _take(self, needed: int, large: bool, patient: bool) -> None:
        with self._changed:
            if large:
                if patient:
                    self._changed.wait_for(lambda: not self._large_under_way and self._taken + needed <= self._memory)
                if self._large_under_way or self._taken + needed > self._memory:
                    raise ResourceExhaustedError(
                        f"the image takes {_mib(needed)} of memory to decode, and the server has too little to spare "
                        "just now; try again shortly, or send it smaller",
                        retry_delay_seconds=_RETRY_DELAY_SECONDS,
                    )
                self._large_under_way = True
            else:
                self._changed.wait_for(lambda: self._taken + needed <= self._memory)
            self._taken += needed

    def _give_back(self, held: int, *, large_ends: bool = False) -> None:
        with self._changed:
            self._taken -= held
            if large_ends:
                self._large_under_way = False
            self._changed.notify_all()


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
