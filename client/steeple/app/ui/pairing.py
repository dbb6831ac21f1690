"""Which frame of the camera is drawn next, and with which view."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.app.live import LiveView

FRAME_SECONDS: Final = 0.08
"""That a frame waits for the view that is of it: longer, and the picture would be seen to lag."""

VIEW_SECONDS: Final = 0.15
"""That news about a frame which is drawn already waits for the next one to be drawn with."""

_MOST: Final = 4  # frames that wait


@dataclass(frozen=True, eq=False)
class _Waiting:
    pixels: NDArray[np.uint8]
    at: float
    arrived: float


class Pairing:
    """Has each frame drawn once, and with the outline that was found in it, rather than as soon as either comes.

    Drawing twice a frame costs twice, and to give the screen a frame while it still draws the one before holds up the
    window until that is done. Frames and views may come on any thread; one thread asks for the next to draw.
    """

    def __init__(self) -> None:
        self._frames: deque[_Waiting] = deque(maxlen=_MOST)
        self._view: tuple[LiveView, float] | None = None
        self._drawn: LiveView | None = None

    def frame(self, pixels: NDArray[np.uint8], at: float, now: float) -> None:
        """A frame has come.

        Args:
            pixels: uint8[H, W, 3], RGB.
            at: Seconds, as the live session was told.
            now: Seconds, of the clock of :meth:`next`.
        """
        self._frames.append(_Waiting(pixels, at, now))

    def view(self, view: LiveView, now: float) -> None:
        """A view has come; one that was not drawn yet is over."""
        before = self._view
        self._view = (view, now if before is None else before[1])

    def next(self, now: float) -> tuple[NDArray[np.uint8] | None, LiveView | None]:
        """What is to be drawn: a frame, a view, both or neither."""
        pixels: NDArray[np.uint8] | None = None
        come = self._view
        if come is not None:
            while self._frames and self._frames[0].at <= come[0].time:
                pixels = self._frames.popleft().pixels
        if pixels is None and self._frames and now - self._frames[0].arrived >= FRAME_SECONDS:
            pixels = self._frames.pop().pixels
            self._frames.clear()
        if come is None:
            return pixels, None
        view, since = come
        told = self._drawn is None or view.state is not self._drawn.state or now - since >= VIEW_SECONDS
        if pixels is None and not told:
            return None, None
        if self._view is come:  # else a newer one has come meanwhile, and is for the next time
            self._view = None
        self._drawn = view
        return pixels, view
