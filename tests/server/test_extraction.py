from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from steeple.delf.extractor import Extractor
from steeple.delf.release import ModelRelease
from steeple.errors import ImageError
from steeple.server import extraction
from steeple.server.decoding import PhotoDecoder
from steeple.server.extraction import ExtractorPool

PATIENCE = 20.0


class Counted(Extractor):
    """Says how many there are, and meets others at work."""

    made = 0
    meeting: threading.Barrier | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        Counted.made += 1
        self._working = threading.Lock()

    def extract(self, photo: Any) -> Any:
        if not self._working.acquire(blocking=False):
            raise RuntimeError("an extractor was lent to two threads at once")
        try:
            if Counted.meeting is not None:
                Counted.meeting.wait(PATIENCE)
            return super().extract(photo)
        finally:
            self._working.release()


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> ExtractorPool:
    monkeypatch.setattr(Counted, "made", 0)
    monkeypatch.setattr(Counted, "meeting", None)
    monkeypatch.setattr(extraction, "Extractor", Counted)
    return ExtractorPool(ModelRelease.load(), PhotoDecoder(max_pixels=10**6, memory_bytes=2**26))


@pytest.fixture
def pixels() -> Any:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def test_threads_that_take_turns_share_one_extractor(pool: ExtractorPool, pixels: Any) -> None:
    expected = pool.extract_from(pixels).descriptors.tobytes()
    for _ in range(3):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(pool.extract_from, pixels).result(PATIENCE).descriptors.tobytes() == expected
    assert Counted.made == 1


def test_threads_at_work_at_once_have_one_each(
    pool: ExtractorPool, pixels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counted, "meeting", threading.Barrier(3))
    with ThreadPoolExecutor(3) as threads:
        for _ in range(2):
            found = [threads.submit(pool.extract_from, pixels) for _ in range(3)]
            assert len({each.result(PATIENCE).descriptors.tobytes() for each in found}) == 1
    assert Counted.made == 3


def test_an_extractor_that_refused_a_photo_is_lent_again(pool: ExtractorPool, pixels: Any) -> None:
    with pytest.raises(ImageError):
        pool.extract_from(pixels[:8])
    assert len(pool.extract_from(pixels)) > 0
    assert Counted.made == 1


def test_the_one_that_was_used_last_is_lent_first(
    pool: ExtractorPool, pixels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    monkeypatch.setattr(Counted, "meeting", threading.Barrier(2))
    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(pool.extract_from, pixels) for _ in range(2)]:
            each.result(PATIENCE)
    monkeypatch.setattr(Counted, "meeting", None)
    extract = Counted.extract

    def noted(self: Counted, photo: Any) -> Any:
        used.append(id(self))
        return extract(self, photo)

    monkeypatch.setattr(Counted, "extract", noted)
    for _ in range(4):
        pool.extract_from(pixels)
    assert len(set(used)) == 1, "the other one rests"
