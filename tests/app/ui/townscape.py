"""A drawn town with a church in it, and a camera that pans and zooms over it: what the app looks at in tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import cos, pi, sin
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 1600, 1200
ABOVE, BELOW = 380, 240
"""Rows of sky and of paving that are added."""

_CHURCH: Final = (520, 96, 1080, 1010)
CHURCH: Final = (_CHURCH[0], _CHURCH[1] + ABOVE, _CHURCH[2], _CHURCH[3] + ABOVE)
"""Left, top, right and bottom of the church, pixels of the town."""

_Colour = tuple[int, int, int]


def town(seed: int = 7) -> NDArray[np.uint8]:
    """uint8[1820, 1600, 3], RGB: a church between houses in the evening."""
    random = np.random.default_rng(seed)
    image = _sky(random)
    for left, right, top, colour in _houses(random):
        _house(image, random, left, right, top, colour)
    _church(image, random)
    _square(image, random)
    image = np.vstack([_higher_sky(image), image, image[HEIGHT - BELOW :][::-1]])
    grain = random.normal(0, 3.0, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def reference() -> NDArray[np.uint8]:
    """The church alone, as it is in the catalogue."""
    left, top, right, bottom = CHURCH
    return np.ascontiguousarray(town()[top:bottom, left:right])


def view(step: int, size: tuple[int, int] = (640, 480)) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A frame of a camera that pans and zooms over the town.

    Args:
        step: Number of the frame.
        size: Width and height of it.

    Returns:
        uint8[H, W, 3] in RGB, and float64[3, 3], which maps pixels of the town to those of the frame.
    """
    width, height = size
    turn = 2 * pi * step / 240
    zoom = max(width / WIDTH, height / (HEIGHT + (ABOVE + BELOW if height > width else 0))) * (1.06 + 0.05 * sin(turn))
    middle = (800 + 40 * sin(turn * 2), (910 if height > width else ABOVE + 590) + 14 * cos(turn * 3))
    tilt = 0.012 * sin(turn)
    towards = np.array(
        [
            [zoom * cos(tilt), -zoom * sin(tilt), 0.0],
            [zoom * sin(tilt), zoom * cos(tilt), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    placed = towards @ np.array([*middle, 1.0])
    towards[:2, 2] = (width / 2 - placed[0], height / 2 - placed[1])
    frame = cv2.warpPerspective(_TOWN, towards, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    return frame.astype(np.uint8), towards


def church_in(towards: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[4, 2]: the corners of the church in a frame, clockwise from the top left."""
    left, top, right, bottom = CHURCH
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    return np.asarray(cv2.perspectiveTransform(corners[np.newaxis], towards)[0], np.float64)


def film(size: tuple[int, int] = (640, 480)) -> Iterator[NDArray[np.uint8]]:
    """The frames of that camera, again and again."""
    for step in itertools.cycle(range(240)):
        yield view(step, size)[0]


def _sky(random: np.random.Generator) -> NDArray[np.float64]:
    stops = np.array([[58, 84, 140], [122, 138, 178], [232, 176, 150], [255, 214, 158]], np.float64)
    at = np.linspace(0, 3, HEIGHT)
    low = np.minimum(at.astype(int), 2)
    rows = stops[low] + (stops[low + 1] - stops[low]) * (at - low)[:, np.newaxis]
    image = np.repeat(rows[:, np.newaxis], WIDTH, 1)
    clouds = cv2.GaussianBlur(random.normal(0, 1, (HEIGHT // 8, WIDTH // 8)), (0, 0), 6, None, 2.2)
    clouds = cv2.resize(clouds / np.abs(clouds).max(), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fade = np.clip(1 - np.arange(HEIGHT) / 760, 0, 1)[:, np.newaxis]
    return np.asarray(image + (np.clip(clouds, 0, 1) * fade * 70)[..., np.newaxis], np.float64)


def _higher_sky(image: NDArray[np.float64]) -> NDArray[np.float64]:
    mirrored = image[1 : ABOVE + 1][::-1].copy()
    mirrored[...] = image[:1] * 0.7 + mirrored.mean(1, keepdims=True) * 0.3
    fade = np.linspace(0.72, 1, ABOVE)[:, np.newaxis, np.newaxis]
    return np.asarray(mirrored * fade, np.float64)


def _houses(random: np.random.Generator) -> list[tuple[int, int, int, _Colour]]:
    colours: list[_Colour] = [(186, 132, 98), (150, 116, 108), (204, 168, 124), (138, 126, 132), (176, 104, 84)]
    houses, left = [], -40
    while left < WIDTH:
        right = left + int(random.integers(130, 210))
        if right < _CHURCH[0] + 40 or left > _CHURCH[2] - 40:
            houses.append((left, right, int(random.integers(560, 760)), colours[int(random.integers(5))]))
        left = right
    return houses


def _house(
    image: NDArray[np.float64], random: np.random.Generator, left: int, right: int, top: int, colour: _Colour
) -> None:
    _stones(image, random, (left, top, right, 1010), colour, 11, 22)
    roof = np.array([[left - 8, top], [(left + right) // 2, top - 90], [right + 8, top]], np.int32)
    _fill(image, roof, tuple(int(part * 0.55) for part in colour))
    for y in range(top + 34, 940, 78):
        for x in range(left + 22, right - 34, 52):
            lit = random.random() < 0.4
            glass = (255, 214, 130) if lit else (62, 70, 92)
            _fill(image, _box(x - 4, y - 4, x + 30, y + 50), (232, 220, 200))
            _fill(image, _box(x, y, x + 26, y + 46), glass)
            cv2.line(image, (x + 13, y), (x + 13, y + 46), (90, 70, 60), 2)
            cv2.line(image, (x, y + 20), (x + 26, y + 20), (90, 70, 60), 2)


def _church(image: NDArray[np.float64], random: np.random.Generator) -> None:
    left, top, right, bottom = _CHURCH
    middle = (left + right) // 2
    stone = (214, 194, 164)
    _stones(image, random, (left + 10, 500, right - 10, bottom), stone, 18, 34)
    _stones(image, random, (middle - 110, 330, middle + 110, bottom), (226, 206, 176), 18, 30)
    _fill(image, np.array([[middle - 124, 332], [middle, top + 22], [middle + 124, 332]], np.int32), (92, 108, 112))
    for step in range(1, 9):
        y, half = top + 22 + step * 26, int(124 * step * 26 / 214)
        cv2.line(image, (middle - half, y), (middle + half, y), (70, 86, 92), 2)
        for x in range(middle - half, middle + half, 18):
            cv2.line(image, (x, y), (x + int(random.integers(-3, 4)), y + 24), (76, 92, 98), 1)
    for y in (486, 560, 836):
        cv2.rectangle(image, (left + 10, y), (right - 10, y + 9), (246, 230, 204), -1)
    cv2.line(image, (middle, top), (middle, top + 30), (240, 214, 150), 5)
    cv2.line(image, (middle - 14, top + 10), (middle + 14, top + 10), (240, 214, 150), 5)
    for side in (-1, 1):
        far, near = middle + side * 270, middle + side * 110
        _fill(image, np.array([[near, 410], [far, 486], [near, 486]], np.int32), (92, 108, 112))
        _pinnacle(image, middle + side * 262)
        for index in range(2):
            _window(image, random, middle + side * (160 + 62 * index), 620, 42, 180)
    for index in (-1, 1):
        _window(image, random, middle + index * 44, 372, 30, 110)
    _rose(image, random, (middle, 660), 74)
    _door(image, random, middle, bottom)


def _pinnacle(image: NDArray[np.float64], x: int) -> None:
    _fill(image, _box(x - 16, 470, x + 16, 1010), (196, 176, 148))
    _fill(image, np.array([[x - 20, 472], [x, 400], [x + 20, 472]], np.int32), (92, 108, 112))
    for y in range(490, 1000, 44):
        cv2.line(image, (x - 16, y), (x + 16, y), (150, 132, 108), 2)


def _window(image: NDArray[np.float64], random: np.random.Generator, x: int, top: int, width: int, height: int) -> None:
    for grow, colour in ((8, (240, 224, 198)), (0, (44, 46, 66))):
        half = width // 2 + grow
        arch = [(x + int(half * cos(a)), top + int(-half * 1.3 * sin(a))) for a in np.linspace(0, pi, 24)]
        outline = [*arch, (x - half, top + height + grow), (x + half, top + height + grow)]
        _fill(image, np.array(outline, np.int32), colour)
    for y in range(top - width // 3, top + height - 8, 14):
        for dx in range(-width // 2 + 3, width // 2 - 6, 11):
            hue = int(random.integers(0, 180))
            pane = cv2.cvtColor(np.array([[[hue, 170, 235]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].tolist()
            _fill(image, _box(x + dx, y, x + dx + 8, y + 10), tuple(pane))


def _rose(image: NDArray[np.float64], random: np.random.Generator, at: tuple[int, int], radius: int) -> None:
    cv2.circle(image, at, radius + 12, (244, 228, 202), -1, cv2.LINE_AA)
    cv2.circle(image, at, radius, (44, 46, 66), -1, cv2.LINE_AA)
    for ring, count in ((0.32, 8), (0.62, 12), (0.86, 20)):
        for index in range(count):
            angle = 2 * pi * index / count
            place = (int(at[0] + ring * radius * cos(angle)), int(at[1] + ring * radius * sin(angle)))
            hue = int(random.integers(0, 180))
            pane = cv2.cvtColor(np.array([[[hue, 180, 240]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].tolist()
            cv2.circle(image, place, int(radius * 0.11), tuple(pane), -1, cv2.LINE_AA)
    cv2.circle(image, at, int(radius * 0.14), (255, 220, 120), -1, cv2.LINE_AA)


def _door(image: NDArray[np.float64], random: np.random.Generator, x: int, bottom: int) -> None:
    for grow, colour in ((26, (236, 218, 190)), (13, (178, 156, 128)), (0, (92, 58, 40))):
        half = 52 + grow
        arch = [(x + int(half * cos(a)), 880 + int(-half * 1.2 * sin(a))) for a in np.linspace(0, pi, 30)]
        _fill(image, np.array([*arch, (x - half, bottom), (x + half, bottom)], np.int32), colour)
    for dx in range(-48, 50, 12):
        shade = int(random.integers(0, 24))
        cv2.line(image, (x + dx, 850), (x + dx, bottom), (72 + shade, 44 + shade // 2, 30), 2)
    cv2.circle(image, (x + 14, 950), 5, (240, 200, 90), -1, cv2.LINE_AA)


def _square(image: NDArray[np.float64], random: np.random.Generator) -> None:
    _fill(image, _box(0, 1010, WIDTH, HEIGHT), (120, 106, 98))
    for y in range(1010, HEIGHT, 18):
        size = 16 + (y - 1010) // 5
        for x in range(-60, WIDTH, size * 2):
            shade = int(random.integers(-16, 16))
            colour = (156 + shade, 134 + shade, 124 + shade)
            _fill(image, _box(x + (y // 18 % 2) * size, y, x + size * 2 - 3, y + 16), colour)


def _stones(
    image: NDArray[np.float64],
    random: np.random.Generator,
    box: tuple[int, int, int, int],
    colour: _Colour,
    height: int,
    width: int,
) -> None:
    left, top, right, bottom = box
    _fill(image, _box(*box), tuple(int(part * 0.8) for part in colour))
    for row, y in enumerate(range(top, bottom, height)):
        for x in range(left - (row % 2) * width // 2, right, width):
            shade = int(random.integers(-22, 16))
            stone = tuple(int(np.clip(part + shade, 0, 255)) for part in colour)
            stone_box = _box(max(x, left), y, min(x + width - 2, right), min(y + height - 2, bottom))
            _fill(image, stone_box, stone)


def _box(left: int, top: int, right: int, bottom: int) -> NDArray[np.int32]:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.int32)


def _fill(image: NDArray[np.float64], points: NDArray[np.int32], colour: tuple[int, ...]) -> None:
    cv2.fillPoly(image, [points], [float(part) for part in colour])


_TOWN: Final = town()
