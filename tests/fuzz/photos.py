"""Tiny photos of every kind, to be damaged."""

from __future__ import annotations

import functools

import cv2

from steeple.delf import tiff
from tests import hostile_photos as hostile
from tests.scenes import encoded, scene


def tiny_photos() -> list[bytes]:
    """JPEG, PNG, WebP and BMP: plain, progressive, interlaced, transparent, deep, animated, turned; 150 B to 4 kB."""
    return list(_photos())


@functools.cache
def _photos() -> tuple[bytes, ...]:
    picture = scene(1, 32, 24)
    exif = hostile.jpeg_segment(0xE1, tiff.HEADER + tiff.orientation_block(6))
    jpeg = encoded(scene(1, 48, 40))  # large enough to be searched with
    progressive = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    lossless = hostile.webp_chunks(hostile.still_webp(16, 12))
    extended = hostile.webp_chunk(b"VP8X", b"\x08\0\0\0\x0f\0\0\x0b\0\0")
    return (
        jpeg,
        jpeg[:2] + exif + hostile.jpeg_segment(0xFE, b"comment") + jpeg[2:],
        progressive,
        hostile.progressive_jpeg(24, 16, 6, components=3, refining=True),
        encoded(picture, ".png"),
        hostile.png(15, 11, colour=6, depth=16, interlaced=True),
        hostile.png(15, 11, colour=4, extra=(hostile.text_bomb(size=1000), hostile.png_chunk(b"eXIf", exif[10:]))),
        hostile.animated_png(9, 7, 3),
        encoded(picture, ".webp"),
        hostile.webp_file(
            extended,
            *(hostile.webp_chunk(*chunk) for chunk in lossless),
            hostile.webp_chunk(b"EXIF", tiff.orientation_block(8)),
        ),
        hostile.animated_webp(9, 7, 3),
        encoded(scene(1, 16, 8), ".bmp"),
        hostile.run_length_bmp(20, 10),
    )
