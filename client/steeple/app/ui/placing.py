"""Where a picture's pixels lie in a rectangle of the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Placing:
    """A picture placed in a rectangle: evenly scaled, centred, upright.

    Window coordinates run up, pixels of a picture run down.

    Attributes:
        scale: Window pixels a picture's pixel.
        left: Window x of the picture's left edge.
        bottom: Window y of its lower edge.
        width: Of the picture, its own pixels.
        height: Of the picture, its own pixels.
    """

    scale: float
    left: float
    bottom: float
    width: int
    height: int

    @property
    def size(self) -> tuple[float, float]:
        """Of the picture, window pixels."""
        return self.width * self.scale, self.height * self.scale

    def to_window(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """float[N, 2] pixels of the picture, the centre of the top left one at (0, 0), as window coordinates."""
        placed = np.empty((len(points), 2))
        placed[:, 0] = self.left + (points[:, 0] + 0.5) * self.scale
        placed[:, 1] = self.bottom + (self.height - 0.5 - points[:, 1]) * self.scale
        return placed


def place(
    picture: tuple[int, int],
    corner: tuple[float, float],
    room: tuple[float, float],
    *,
    fill: bool,
    focus: tuple[float, float] | None = None,
) -> Placing:
    """Places a picture.

    Args:
        picture: Its width and height, pixels, 1 at least.
        corner: Window coordinates of the rectangle's lower left corner.
        room: Width and height of the rectangle.
        fill: Whether the rectangle is to be filled, with what does not fit cut off; else all of the picture is seen.
        focus: Pixel of the picture that is to be in the middle, as far as the rectangle stays filled; None: its middle.
    """
    width, height = picture
    ratios = (room[0] / width, room[1] / height)
    scale = max(ratios) if fill else min(ratios)
    spare = (width * scale - room[0], height * scale - room[1])
    shares = [0.5, 0.5]
    if focus is not None:
        wanted = (focus[0] * scale - room[0] / 2, (height - focus[1]) * scale - room[1] / 2)
        shares = [
            min(1.0, max(0.0, want / over)) if over > 0 else 0.5 for want, over in zip(wanted, spare, strict=True)
        ]
    left = corner[0] - spare[0] * shares[0]
    bottom = corner[1] - spare[1] * shares[1]
    return Placing(scale, left, bottom, width, height)
