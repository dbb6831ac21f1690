"""Frames of a camera: how good they are, and which is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

TRACKED_SIDE: Final = 640
"""Pixels: the longer side of the grey picture that points are followed in, at most."""

STILL: Final = 0.25
"""Motion, in widths of the frame a second, up to which a hand counts as still."""

SHARP: Final = 0.85
"""Of the sharpness that frames lately had: what a frame must have to be looked at without waiting for a better one."""

_JUDGED_SIDE: Final = 320
_MOVED_SIDE: Final = 96
_BLUR_WIDTH: Final = 9
_FORGET_SECONDS: Final = 1.0  # in which the sharpness that is expected of a frame halves
_UNRELATED: Final = 0.08  # response of phase correlation below which two frames show different scenes
_CUT: Final = 4.0  # motion that stands for a cut


@dataclass(frozen=True)
class Quality:
    """What a frame is like.

    Attributes:
        sharpness: 0 (blurred to nothing) to 1.
        motion: Of the picture since the frame before, in widths of the frame a second; 0 for the first.
        brightness: Mean of the grey values, 0 to 1.
        glare: Share of the pixels that are white, 0 to 1.
    """

    sharpness: float
    motion: float
    brightness: float
    glare: float


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame that was looked over.

    Attributes:
        number: Of the frame, rising.
        pixels: uint8[H, W, 3], RGB.
        grey: uint8[h, w]: the same, its longer side at most :data:`TRACKED_SIDE`.
        time: Seconds, as it was offered.
        arrived: Seconds, by the session's clock.
        quality: What it is like.
    """

    number: int
    pixels: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    time: float
    arrived: float
    quality: Quality

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


class FrameJudge:
    """Looks frames over, one after the other. Not thread safe."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._time = 0.0
        self._count = 0
        self._window: NDArray[np.float32] | None = None

    def judge(self, pixels: NDArray[np.uint8], time: float, arrived: float) -> Frame:
        """What a frame is like.

        Args:
            pixels: uint8[H, W, 3], RGB.
            time: Seconds; of the frame.
            arrived: Seconds; passed on.
        """
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
        grey = _shrunk(grey, TRACKED_SIDE)
        small = _shrunk(grey, _JUDGED_SIDE)
        quality = Quality(
            sharpness=sharpness(small),
            motion=self._motion(small, time),
            brightness=float(small.mean()) / 255.0,
            glare=float((small >= 250).mean()),
        )
        frame = Frame(self._count, pixels, grey, time, arrived, quality)
        self._count += 1
        return frame

    def _motion(self, small: NDArray[np.uint8], time: float) -> float:
        tiny = _shrunk(small, _MOVED_SIDE).astype(np.float32)
        before, self._before = self._before, tiny
        seconds, self._time = time - self._time, time
        if before is None or before.shape != tiny.shape or seconds <= 0:
            return 0.0
        if self._window is None or self._window.shape != tiny.shape:
            self._window = np.asarray(cv2.createHanningWindow(tiny.shape[::-1], cv2.CV_32F), np.float32)
        if min(float(before.std()), float(tiny.std())) < 1.0:
            return 0.0  # nothing is seen, so nothing is seen to move
        shift, response = cv2.phaseCorrelate(before, tiny, self._window)
        if response < _UNRELATED:
            return _CUT
        moved: float = math.hypot(*shift) / max(tiny.shape) / seconds
        return min(_CUT, moved)


class FrameChooser:
    """Keeps the frame that is looked at next. Not thread safe.

    The newest wins, unless it is clearly less sharp than frames lately were, or the hand moves: then the best one of
    the last moments is kept for a while, and a better one waited for.

    Args:
        patience: Seconds that a good frame is waited for.
    """

    def __init__(self, patience: float = 0.15) -> None:
        self._patience = patience
        self._expected = 0.0
        self._expected_time = 0.0
        self._best: Frame | None = None
        self._waited_since: float | None = None

    def offer(self, frame: Frame) -> None:
        """A new frame."""
        aged = self._expected * 0.5 ** (max(0.0, frame.time - self._expected_time) / _FORGET_SECONDS)
        self._expected, self._expected_time = max(aged, frame.quality.sharpness), frame.time
        best = self._best
        if best is None:
            self._best = frame
            return
        stale = frame.time - best.time > self._patience
        if stale or self.good(frame) or (not self.good(best) and self._score(frame) >= self._score(best)):
            self._best = frame

    def good(self, frame: Frame) -> bool:
        """Whether a frame need not be waited for a better one."""
        return frame.quality.motion <= STILL and frame.quality.sharpness >= SHARP * self._expected

    def take(self, now: float) -> Frame | None:
        """The frame to look at next, once; None if there is none, or a better one is worth waiting for.

        Args:
            now: Seconds, of the clock of the frames' times. Called again and again while somebody is free to look.
        """
        if self._waited_since is None:
            self._waited_since = now
        best = self._best
        if best is None or not (self.good(best) or now - self._waited_since >= self._patience):
            return None
        self._best, self._waited_since = None, None
        return best

    def clear(self) -> None:
        """Forgets the frame that is kept."""
        self._best, self._waited_since = None, None

    def _score(self, frame: Frame) -> float:
        return frame.quality.sharpness / (1.0 + frame.quality.motion / STILL)


def sharpness(grey: NDArray[np.uint8]) -> float:
    """How sharp a picture is, whatever it shows and however bright it is: 0 (blurred to nothing) to 1.

    The blur of Crete et al. (The blur effect, 2007), less than 1: a sharp picture loses much of the difference between
    neighbouring pixels when it is blurred, and a blurred one little. The less sharp direction counts, since a hand
    shakes in one.

    Args:
        grey: uint8[h, w].
    """
    pixels = grey.astype(np.float32)
    blurs = []
    for axis, kernel in ((1, (_BLUR_WIDTH, 1)), (0, (1, _BLUR_WIDTH))):
        blurred = np.asarray(cv2.blur(pixels, kernel), np.float32)
        differences = np.abs(np.diff(pixels, axis=axis))
        lost = np.maximum(0.0, differences - np.abs(np.diff(blurred, axis=axis)))
        total = float(differences.sum())
        blurs.append(1.0 - float(lost.sum()) / total if total > 0 else 1.0)
    return 1.0 - max(blurs)


def _shrunk(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with a longer side of at most ``side``."""
    height, width = picture.shape[:2]
    factor = side / max(width, height)
    if factor >= 1.0:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
