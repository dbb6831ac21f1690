"""Decoding many photos at once in a bounded amount of memory."""

from __future__ import annotations

import time
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
    """Memory for four photos: a fifth waits until there is room, and is decoded then."""
    decoder = PhotoDecoder(max_pixels=10**6, memory_bytes=240_000)
    with ThreadPoolExecutor(1) as threads:
        with ExitStack() as held:
            for _ in range(7):  # 30 kB of pixels each: too little is left for the 60 kB that one takes
                held.enter_context(decoder.decoded(SMALL))
            later = threads.submit(size_of, decoder, SMALL)
            until_somebody_waits(decoder)
            assert (later.done(), decoder.taken_bytes) == (False, 210_000)
        assert later.result(PATIENCE) == 30_000
    assert decoder.taken_bytes == 0


def test_who_is_patient_waits_for_a_large_photo_s_turn(decoder: PhotoDecoder) -> None:
    with ThreadPoolExecutor(1) as threads:
        with decoder.decoded(LARGE):
            later = threads.submit(size_of, decoder, LARGE, patient=True)
            until_somebody_waits(decoder)
            assert not later.done()
        assert later.result(PATIENCE) == 180_000
    assert decoder.taken_bytes == 0


def size_of(decoder: PhotoDecoder, photo: bytes, **how: bool) -> int:
    with decoder.decoded(photo, **how) as pixels:
        return int(pixels.size)


def until_somebody_waits(decoder: PhotoDecoder) -> None:
    """Returns when a thread waits for memory, or raises when it has ended without."""
    ends = time.monotonic() + PATIENCE
    while not decoder._changed._waiters:  # type: ignore[attr-defined]
        assert time.monotonic() < ends, "nobody waits"
