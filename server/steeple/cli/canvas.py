"""The surface that pictures are drawn on: colours, captions, photos in panels, and files."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.cli.writable import write_bytes

Image: TypeAlias = NDArray[np.uint8]
"""uint8[H, W, 3], RGB."""

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue."""

GREEN: Final[Colour] = (52, 211, 130)
AMBER: Final[Colour] = (250, 190, 70)
VIOLET: Final[Colour] = (178, 148, 255)
RED: Final[Colour] = (255, 92, 92)

BACKGROUND: Final[Colour] = (17, 21, 28)
PANEL: Final[Colour] = (30, 36, 46)
TEXT: Final[Colour] = (240, 243, 248)
QUIET: Final[Colour] = (150, 160, 175)

# Everything is drawn this many times larger and averaged down: OpenCV's own anti-aliasing leaves thin strokes ragged.
OVERSAMPLING: Final = 2
_FONT: Final = cv2.FONT_HERSHEY_DUPLEX
_FONT_HEIGHT: Final = 22.0  # pixels of a capital letter at font scale 1

FORMATS: Final = (".jpeg", ".jpg", ".png")
"""Suffixes of the files that pictures are saved in."""

_JPEG_QUALITY: Final = 90

_LETTERS: Final = str.maketrans(
    {"œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)


@dataclass(frozen=True)
class Box:
    """A rectangle of the canvas, and how image pixels are mapped into it."""

    x: int
    y: int
    width: int
    height: int
    scale: float = 1.0

    def place(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """float64[N, 2] canvas pixels of float32[N, 2] image pixels."""
        return (points.astype(np.float64) + 0.5) * self.scale - 0.5 + (self.x, self.y)


def show(canvas: Image, panel: Box, image: Image, *, brightness: float = 1.0) -> Box:
    """Draws an image into a panel, as large as fits, and says where it is."""
    height, width = image.shape[:2]
    scale = min(panel.width / width, panel.height / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    x, y = panel.x + (panel.width - size[0]) // 2, panel.y + (panel.height - size[1]) // 2
    cv2.rectangle(canvas, (panel.x, panel.y), (panel.x + panel.width, panel.y + panel.height), PANEL, -1)
    canvas[y : y + size[1], x : x + size[0]] = np.rint(resized * brightness).astype(np.uint8)
    return Box(x, y, size[0], size[1], scale)


def show_nothing(canvas: Image, panel: Box, text: str, height: float) -> None:
    """Draws a panel that has no image, with the reason in its middle."""
    cv2.rectangle(canvas, (panel.x, panel.y), (panel.x + panel.width, panel.y + panel.height), PANEL, -1)
    middle = (panel.x + (panel.width - text_width(text, height)) // 2, panel.y + panel.height // 2)
    write(canvas, text, middle, height, QUIET)


def banner(title: str, width: int, height: int) -> Image:
    """A sheet's heading, uint8[height, width, 3]."""
    canvas = np.full((height * OVERSAMPLING, width * OVERSAMPLING, 3), BACKGROUND, np.uint8)
    margin = round(height * OVERSAMPLING * 20 / 84)
    origin = (margin, round(height * OVERSAMPLING * 56 / 84))
    write(canvas, title, origin, height * OVERSAMPLING * 24 / 84, TEXT, room=canvas.shape[1] - 2 * margin)
    return averaged_down(canvas)


def write(
    canvas: Image, text: str, origin: tuple[int, int], height: float, colour: Colour, *, room: int | None = None
) -> None:
    """Writes text whose capitals are ``height`` pixels high from the left end of its baseline; cut to ``room``."""
    text = in_ascii(text)
    while room is not None and len(text) > 4 and text_width(text, height) > room:
        text = text[:-4].rstrip() + "..."
    thickness = max(1, round(height / 13))
    cv2.putText(canvas, text, origin, _FONT, height / _FONT_HEIGHT, colour, thickness, cv2.LINE_AA)


def text_width(text: str, height: float) -> int:
    """Pixels that :func:`write` needs for the text."""
    (width, _), _ = cv2.getTextSize(in_ascii(text), _FONT, height / _FONT_HEIGHT, max(1, round(height / 13)))
    return int(width)


def in_ascii(text: str) -> str:
    """The text in the letters that OpenCV's fonts have: accents dropped, ligatures spelt out, the rest as "?"."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in bare)


def averaged_down(canvas: Image) -> Image:
    """The finished picture of a canvas that was drawn :data:`OVERSAMPLING` times larger."""
    size = (canvas.shape[1] // OVERSAMPLING, canvas.shape[0] // OVERSAMPLING)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def save(image: Image, path: Path) -> Path:
    """Writes a picture in the format that its suffix names; ``path``.

    Raises:
        InvalidArgumentError: If it cannot be written.
    """
    suffix = path.suffix.lower()
    # OpenCV complains on standard error of a quality that the format does not have.
    options = [] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, encoded = cv2.imencode(suffix, image[:, :, ::-1], options)
    write_bytes(path, encoded.tobytes())
    return path
