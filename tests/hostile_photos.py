"""Legal photos that take as much as they can: small files, long to decode or large in memory, made on the spot."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

PNG_START = b"\x89PNG\r\n\x1a\n"


def jpeg_segment(marker: int, payload: bytes) -> bytes:
    """A segment: marker, length, payload."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk: length, type, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def webp_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk: type, length, data, padded to an even number of bytes."""
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) & 1)


def webp_file(*chunks: bytes) -> bytes:
    """A WebP file of these chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Type and data of the chunks of a WebP file."""
    chunks, position = [], 12
    while position < len(data):
        kind, (length,) = data[position : position + 4], struct.unpack_from("<I", data, position + 4)
        chunks.append((kind, data[position + 8 : position + 8 + length]))
        position += 8 + length + (length & 1)
    return chunks


def progressive_jpeg(width: int, height: int, scans: int, *, components: int = 1, refining: bool = False) -> bytes:
    """A progressive JPEG, all of one grey, that goes over its blocks ``scans`` times.

    Each scan but the first says of all blocks that they have nothing to add, in runs of 27,306 blocks of 15 bits; if
    ``refining``, a decoder has to look at each coefficient all the same.
    """
    ids = bytes(range(1, components + 1))
    frame = struct.pack(">BHHB", 8, height, width, components) + b"".join(bytes((one, 0x11, 0)) for one in ids)
    tables = jpeg_segment(0xDB, b"\0" + bytes([1] * 64))
    tables += jpeg_segment(0xC2, frame)
    tables += jpeg_segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00")  # DC: "0" is no difference
    tables += jpeg_segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0")  # AC: "0" is a run of ended blocks
    blocks = -(-width // 8) * -(-height // 8)
    first = jpeg_segment(0xDA, bytes((components,)) + b"".join(bytes((one, 0)) for one in ids) + b"\0\0\0")
    first += bytes(-(-blocks * components // 8))
    run = 0x2AAA
    bits = ("0" + format(run, "014b")) * -(-blocks // (16384 + run))
    bits += "0" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    again = [jpeg_segment(0xDA, bytes((1, one, 0, 1, 63, 0x10 if refining else 0))) + data for one in ids]
    rest = b"".join(again[number % components] for number in range(scans - 1))
    return b"\xff\xd8" + tables + first + rest + b"\xff\xd9"


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 2,
    interlaced: bool = False,
    extra: tuple[bytes, ...] = (),
    pieces: int = 1,
) -> bytes:
    """A PNG, all black, with ``extra`` chunks before its pixels and these in ``pieces`` chunks."""
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    row = 1 + -(-width * samples * depth // 8)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))
    packer = zlib.compressobj(9)
    if interlaced:
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
        rows = [(1 + -(-columns * samples * depth // 8), lines) for columns, lines in sizes if columns > 0]
    else:
        rows = [(row, height)]
    packed = b"".join(packer.compress(bytes(length)) for length, lines in rows for _ in range(lines)) + packer.flush()
    step = max(1, -(-len(packed) // pieces))
    body = b"".join(png_chunk(b"IDAT", packed[start : start + step]) for start in range(0, len(packed), step))
    return PNG_START + header + b"".join(extra) + body + png_chunk(b"IEND", b"")


def text_bomb(kind: bytes = b"zTXt", size: int = 8_000_000) -> bytes:
    """A compressed text of PNG that is a thousand times as large when unpacked."""
    packed = zlib.compress(bytes(size), 9)
    fields = {b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\1\0\0\0", b"iCCP": b"Profile\0\0"}
    return png_chunk(kind, fields[kind] + packed)


def animated_png(width: int, height: int, frames: int) -> bytes:
    """A PNG of many frames, each as large as the first."""
    still = png(width, height)
    start = still.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", still, start)
    pixels = still[start + 8 : start + 8 + length]
    control = [png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 10, 0, 0))]
    parts = [png_chunk(b"acTL", struct.pack(">II", frames, 0)), control[0], png_chunk(b"IDAT", pixels)]
    for frame in range(1, frames):
        number = 2 * frame - 1
        parts.append(png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 10, 0, 0)))
        parts.append(png_chunk(b"fdAT", struct.pack(">I", number + 1) + pixels))
    return still[:start] + b"".join(parts) + png_chunk(b"IEND", b"")


def still_webp(width: int, height: int, *, lossless: bool = True) -> bytes:
    """A WebP, all black."""
    options = [cv2.IMWRITE_WEBP_QUALITY, 101 if lossless else 50]
    done, data = cv2.imencode(".webp", np.zeros((height, width, 3), np.uint8), options)
    assert done
    return data.tobytes()


def animated_webp(width: int, height: int, frames: int) -> bytes:
    """A WebP of many frames, each as large as the first."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    (pixels,) = [webp_chunk(kind, data) for kind, data in webp_chunks(still_webp(width, height)) if kind == b"VP8L"]
    frame = webp_chunk(b"ANMF", bytes(6) + size + (100).to_bytes(3, "little") + b"\0" + pixels)
    extended = webp_chunk(b"VP8X", b"\x02\0\0\0" + size)
    return webp_file(extended, webp_chunk(b"ANIM", bytes(6)), *[frame] * frames)


def run_length_bmp(width: int, height: int) -> bytes:
    """A BMP, all of one colour, 8 bits a pixel, with runs of 255 pixels in two bytes."""
    line = b"".join(bytes((min(255, width - start), 0)) for start in range(0, width, 255)) + b"\0\0"
    pixels = line * height + b"\0\1"
    palette = bytes(4 * 256)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + palette + pixels
