"""Decoding many photos at once in a bounded amount of memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from steeple.delf.image import sniff
from steeple.errors import ImageError, ResourceExhaustedError
from steeple.server.decoding import PhotoDecoder
from tests.hostile_photos import png

SMALL = png(100, 100)  # takes 60 kB
LARGE = png(200, 300)  # takes 360 kB
PATIENCE = 20.0


@pytest.fixture
def decoder() -> PhotoDecoder:
    """Photos of up to 128 kB are small, and those of more than 384 kB too large."""
    return PhotoDecoder(max_pixels=10**6, memory_bytes=512_000)


def test_memory_is_set_aside_and_given_back(decoder: PhotoDecoder) -> None:
    assert sniff(SMALL).decode_bytes == 60_000
    with decoder.decoded(SMALL) as pixels:
        np.testing.assert_array_equal(pixels, np.zeros((100, 100, 3), np.uint8))
        assert decoder.taken_bytes == 30_000  # the pixels, until they are let go
    assert decoder.taken_bytes == 0


def test_what_takes_too_much_by_itself_is_refused(decoder: PhotoDecoder) -> None:
    with pytest.raises(ImageError, match="takes 1 MiB of memory to decode"), decoder.decoded(png(400, 400)):
        pass
    with pytest.raises(ImageError, match="more than the 1000000"), decoder.decoded(png(1001, 1000)):
        pass
    assert decoder.taken_bytes == 0


def test_a_damaged_photo_gives_its_memory_back(decoder: PhotoDecoder) -> None:
    for photo in (SMALL, LARGE):
        damaged = photo.replace(b"IDAT", b"IDAX")
        with pytest.raises(ImageError, match="cannot be decoded"), decoder.decoded(damaged):
            pass
    assert decoder.taken_bytes == 0
    with decoder.decoded(LARGE):  # the place of the large one is free again
        pass


def test_large_photos_come_one_after_another_and_small_ones_all_the_while(decoder: PhotoDecoder) -> None:
    with ExitStack() as held:
        for _ in range(6):  # as much as leaves no room for a large one
            held.enter_context(decoder.decoded(SMALL))
        with pytest.raises(ResourceExhaustedError, match="try again") as caught:
            held.enter_context(decoder.decoded(LARGE))
    assert float(caught.value.metadata["retry_delay_seconds"]) > 0
    with decoder.decoded(LARGE), decoder.decoded(SMALL), decoder.decoded(SMALL):
        assert decoder.taken_bytes == 180_000 + 2 * 30_000
        with pytest.raises(ResourceExhaustedError), decoder.decoded(LARGE):  # memory there is, but one takes a thread
            pass
    assert decoder.taken_bytes == 0


def test_small_photos_wait_for_each_other() -> None:
    """Eight threads, and memory for four photos at a time: all are decoded, in no more than that."""
    decoder, most, lock = PhotoDecoder(max_pixels=10**6, memory_bytes=240_000), 0, threading.Lock()

    def decode(_: int) -> int:
        nonlocal most
        with decoder.decoded(SMALL) as pixels:
            with lock:
                most = max(most, decoder.taken_bytes)
            return int(pixels.size)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(decode, range(64), timeout=PATIENCE)) == [30_000] * 64
    assert most <= 240_000
    assert decoder.taken_bytes == 0
