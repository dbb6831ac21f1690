"""What work is thought to take, before any was done."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from steeple.server.api.kinds import FEATURES, explaining, kind_of, kind_of_photo
from steeple.v1.features_pb2 import FeatureSet
from steeple.v1.visual_search_service_pb2 import Query
from tests.scenes import encoded, scene

MakePhoto = Callable[..., bytes]


def jpeg_of(width: int, height: int, segments: int = 1) -> bytes:
    """The head of a JPEG file that claims a size, after segments that say nothing."""
    comment = b"\xff\xfe" + struct.pack(">H", 4) + b"hi"
    return b"\xff\xd8" + segments * comment + b"\xff\xc0" + struct.pack(">HBHH", 17, 8, height, width) + bytes(10)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_photos_are_told_apart_by_what_their_headers_claim(suffix: str) -> None:
    small, larger = (kind_of_photo(encoded(scene(1, side, side), suffix)) for side in (300, 1500))
    assert (small.name, larger.name) == ("photo of 1 megapixels", "photo of 4 megapixels")
    assert small.guess == pytest.approx(0.2 + 0.02 * 0.09)
    assert larger.guess == pytest.approx(0.2 + 0.02 * 2.25)


def test_the_largest_are_slow_before_the_first_was_seen() -> None:
    worst = kind_of_photo(jpeg_of(10_000, 10_000))
    assert worst.name == "photo of 256 megapixels"
    assert worst.guess == pytest.approx(2.2)
    assert kind_of_photo(jpeg_of(60_000, 60_000)).name == worst.name


@pytest.mark.parametrize("photo", [b"", b"\xff\xd8", b"no photo", jpeg_of(100, 100, segments=10_000)[:30_000], b"BM"])
def test_what_does_not_tell_its_size_at_once_is_taken_for_large(photo: bytes) -> None:
    assert kind_of_photo(photo).name == "photo of 256 megapixels"
    assert kind_of_photo(photo).guess > 5.0


def test_queries_are_of_the_kind_of_what_they_bring() -> None:
    assert kind_of(Query(features=FeatureSet())) == FEATURES
    assert kind_of(Query()) == FEATURES
    photo = kind_of(Query(image=jpeg_of(1000, 1000)))
    assert photo.name == "photo of 1 megapixels"
    assert explaining(photo) == (f"explain {photo.name}", photo.guess)
