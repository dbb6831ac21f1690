"""Where and when a photo was taken, from EXIF that may be anything."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.server.catalogue import Capture, LatLng
from steeple.server.exif import read_capture
from tests.hostile_photos import webp_chunk, webp_chunks, webp_file
from tests.scenes import encoded, scene

Place = tuple[str, tuple[int, int], tuple[int, int], tuple[int, int]]
PARIS: list[Place] = [("N", (48, 1), (51, 1), (30, 1)), ("E", (2, 1), (17, 1), (40, 1))]

PHOTO = {suffix: encoded(scene(1, 32, 24), suffix) for suffix in (".jpg", ".png", ".webp")}


def tiff(order: str, places: list[Place], time: str = "", zone: str = "") -> bytes:
    """A TIFF structure with a directory of the camera and one of the place."""
    data = bytearray((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8))

    def directory(entries: list[tuple[int, int, int, bytes]]) -> None:
        start = len(data)
        tail = start + 2 + 12 * len(entries) + 4
        data.extend(struct.pack(f"{order}H", len(entries)))
        kept = b""
        for tag, kind, count, value in entries:
            where = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", tail + len(kept))
            kept += value if len(value) > 4 else b""
            data.extend(struct.pack(f"{order}HHI", tag, kind, count) + where)
        data.extend(bytes(4) + kept)

    long = f"{order}I"
    root = 8 + 2 + 12 * 2 + 4
    texts = [(tag, text.encode() + b"\0") for tag, text in ((0x9003, time), (0x9011, zone)) if text]
    details = [(tag, 2, len(value), value) for tag, value in texts]
    size = 2 + 12 * len(details) + 4 + sum(len(value) for _, value in texts if len(value) > 4)
    directory([(0x8769, 4, 1, struct.pack(long, root)), (0x8825, 4, 1, struct.pack(long, root + size))])
    directory(details)
    gps = []
    for number, (ref, *parts) in enumerate(places):
        numbers = [one for part in parts for one in part]
        gps.append((2 * number + 1, 2, 2, ref.encode() + b"\0"))
        gps.append((2 * number + 2, 5, 3, struct.pack(f"{order}6I", *numbers)))
    directory(gps)
    return bytes(data)


def jpeg(block: bytes) -> bytes:
    photo = PHOTO[".jpg"]
    payload = b"Exif\0\0" + block
    return photo[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + photo[2:]


def png(block: bytes) -> bytes:
    photo = PHOTO[".png"]
    return photo[:33] + struct.pack(">I4s", len(block), b"eXIf") + block + bytes(4) + photo[33:]


def webp(block: bytes) -> bytes:
    photo = PHOTO[".webp"]
    return webp_file(*(webp_chunk(kind, data) for kind, data in webp_chunks(photo)), webp_chunk(b"EXIF", block))


@pytest.mark.parametrize("file", [jpeg, png, webp])
@pytest.mark.parametrize("order", ["<", ">"])
def test_place_and_time_are_read(file: Callable[[bytes], bytes], order: str) -> None:
    block = tiff(order, PARIS, "2024:05:01 12:30:05", "+02:00")
    capture = read_capture(file(block))
    assert capture.time == "2024-05-01T12:30:05+02:00"
    assert capture.location is not None
    assert capture.location.latitude == pytest.approx(48.858333, abs=1e-6)
    assert capture.location.longitude == pytest.approx(2.294444, abs=1e-6)


def test_south_and_west_are_negative_and_a_zone_need_not_be_said() -> None:
    places: list[Place] = [("S", (33, 1), (0, 1), (0, 1)), ("W", (70, 1), (30, 1), (0, 1))]
    capture = read_capture(jpeg(tiff("<", places, "2024:05:01 12:30:05")))
    assert capture == Capture(LatLng(-33, -70.5), "2024-05-01T12:30:05")


@pytest.mark.parametrize(
    "places",
    [
        [("N", (91, 1), (0, 1), (0, 1)), PARIS[1]],
        [("N", (48, 0), (0, 1), (0, 1)), PARIS[1]],
        [("N", (48, 1), (60, 1), (0, 1)), PARIS[1]],
        [("X", (48, 1), (0, 1), (0, 1)), PARIS[1]],
        [("N", (0, 1), (0, 1), (0, 1)), ("E", (0, 1), (0, 1), (0, 1))],
        [PARIS[0]],
        [],
    ],
)
@pytest.mark.parametrize("time", ["0000:00:00 00:00:00", "2024:13:01 00:00:00", "soon", "1601:01:01 00:00:00", ""])
def test_nonsense_counts_as_not_said(places: list[Place], time: str) -> None:
    assert read_capture(jpeg(tiff(">", places, time))) == Capture()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_a_photo_without_exif_says_nothing(suffix: str) -> None:
    assert read_capture(encoded(scene(1, 32, 24), suffix)) == Capture()


@given(st.data())
def test_no_damage_raises_an_error(data: st.DataObject) -> None:
    whole = jpeg(tiff(data.draw(st.sampled_from("<>")), PARIS, "2024:05:01 12:30:05", "+02:00"))
    damaged = bytearray(whole[: data.draw(st.integers(0, 400))])
    for _ in range(data.draw(st.integers(0, 4)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    read_capture(bytes(damaged))


@given(st.sampled_from([b"II*\0", b"MM\0*"]), st.binary(max_size=200))
def test_no_structure_raises_an_error(start: bytes, rest: bytes) -> None:
    for file in (jpeg, png, webp):
        read_capture(file(start + rest))
