"""Legal photos that are long to decode or large in memory: refused from their parts, or decoded in what was stated."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from steeple.delf.image import MAX_SCANS, read_image, sniff
from steeple.delf.photo_parts import MAX_PARTS
from steeple.errors import ImageError
from tests import hostile_photos as hostile

SIDE = 10_000  # of a photo as large as may be


@pytest.mark.parametrize(
    "photo",
    [
        lambda: hostile.progressive_jpeg(64, 64, MAX_SCANS + 1),
        lambda: hostile.progressive_jpeg(SIDE, SIDE, 41),
        lambda: hostile.progressive_jpeg(SIDE, SIDE, 41, components=3, refining=True),
    ],
)
def test_a_jpeg_of_too_many_scans_is_refused(photo: Callable[[], bytes]) -> None:
    with pytest.raises(ImageError, match="so many passes"):
        sniff(photo())


@pytest.mark.parametrize("components", [1, 3, 4])
def test_as_many_scans_as_encoders_write_are_taken(components: int) -> None:
    """jpegtran's script has ten; a photo as large as may be has room for them."""
    assert sniff(hostile.progressive_jpeg(SIDE, SIDE, 10, components=components)).width == SIDE
    grey = read_image(hostile.progressive_jpeg(64, 40, MAX_SCANS, components=components))
    assert grey.shape == (40, 64, 3)
    assert len(np.unique(grey)) == 1


def test_a_photo_of_too_many_parts_is_refused() -> None:
    comment = hostile.png_chunk(b"tEXt", b"a\0")
    with pytest.raises(ImageError, match=f"more than {MAX_PARTS} chunks"):
        sniff(hostile.png(8, 8, extra=(comment * MAX_PARTS,)))
    jpeg = hostile.progressive_jpeg(8, 8, 1)
    with pytest.raises(ImageError, match=f"more than {MAX_PARTS} segments"):
        sniff(jpeg[:2] + hostile.jpeg_segment(0xFE, b"") * MAX_PARTS + jpeg[2:])
    webp = hostile.webp_chunks(hostile.still_webp(8, 8))
    chunks = [hostile.webp_chunk(*chunk) for chunk in webp]
    with pytest.raises(ImageError, match=f"more than {MAX_PARTS} chunks"):
        sniff(hostile.webp_file(*chunks, *[hostile.webp_chunk(b"junk", b"")] * MAX_PARTS))


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_compressed_texts_are_never_unpacked(kind: bytes) -> None:
    """800 MB of text in a PNG of 800 kB; unpacking it would take a second and a half."""
    photo = hostile.png(16, 16, extra=(hostile.text_bomb(kind),) * 100)
    assert read_image(photo).shape == (16, 16, 3)


def test_a_bitmap_of_before_there_were_sides_of_32_bits_is_refused() -> None:
    """Its header states 16 bits a side where others have 32, so what is read of it would not be what is decoded."""
    photo = bytearray(hostile.run_length_bmp(8, 8))
    photo[14:18] = (12).to_bytes(4, "little")
    with pytest.raises(ImageError, match="save it anew"):
        sniff(bytes(photo))


def test_photos_take_the_memory_that_their_header_states() -> None:
    """In a process of its own, whose peak the kernel keeps: each within what was stated, and 8 MiB for all else."""
    run = subprocess.run(
        [sys.executable, "-c", _MEASURE], check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert run.returncode == 0, run.stderr
    taken = {name: (int(took), int(stated)) for name, took, stated in map(str.split, run.stdout.splitlines())}
    assert len(taken) == 11
    assert {name: each for name, each in taken.items() if each[0] > each[1] + 8 * 2**20} == {}
    # And not by stating too much: some take nearly as much as they are said to.
    assert sum(took > 0.8 * stated for took, stated in taken.values()) >= 4


_MEASURE = """
import re, pathlib
from tests import hostile_photos as hostile
from steeple.delf.image import read_image, sniff

status, refs = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")
def value(name):
    return 1024 * int(re.search(name + r":\\s+(\\d+)", status.read_text())[1])

side = (3000, 2000)
read_image(hostile.png(64, 64, colour=6))
photos = {
    "jpeg": lambda: hostile.progressive_jpeg(*side, 1),
    "progressive": lambda: hostile.progressive_jpeg(*side, 3, components=3),
    "cmyk": lambda: hostile.progressive_jpeg(*side, 3, components=4),
    "png": lambda: hostile.png(*side),
    "deep": lambda: hostile.png(*side, depth=16, interlaced=True),
    "alpha": lambda: hostile.png(*side, colour=6),
    "deep-alpha": lambda: hostile.png(*side, colour=6, depth=16, interlaced=True),
    "apng": lambda: hostile.animated_png(*side, 5),
    "webp": lambda: hostile.still_webp(*side),
    "animated": lambda: hostile.animated_webp(*side, 5),
    "bmp": lambda: hostile.run_length_bmp(*side),
}
for name, make in photos.items():
    photo = make()
    refs.write_text("5")
    before = value("VmRSS")
    pixels = read_image(photo)
    print(name, value("VmHWM") - before, sniff(photo).decode_bytes)
    del pixels
"""
