"""Photos, the camera's picture with what is found in it, and the matches between two photos."""

from __future__ import annotations

from operator import is_
from typing import Any, Final

import cv2
import numpy as np
from kivy.graphics import (
    Color,
    Line,
    Mesh,
    Rectangle,
    RoundedRectangle,
    SmoothEllipse,
    SmoothLine,
    StencilPop,
    StencilPush,
    StencilUnUse,
    StencilUse,
)
from kivy.graphics.texture import Texture
from kivy.metrics import dp
from kivy.properties import BooleanProperty, ColorProperty, NumericProperty, ObjectProperty
from kivy.uix.widget import Widget
from numpy.typing import NDArray

from steeple.app.ui.placing import Placing, place

_WIDEST: Final = 2.0  # of a photo and its reference image side by side, times their height

_LARGEST: Final = 2048  # pixels of a texture's side, which every phone has

_FAR: Final = 1e5  # window pixels, farther than any window reaches


def texture_of(photo: NDArray[np.uint8], texture: Texture | None = None) -> Texture:
    """A photo, uint8[H, W, 3] in RGB, as a texture, smaller if need be; in the one given, if that has its size."""
    longest = max(photo.shape[:2])
    if longest > _LARGEST:
        size = [max(1, round(side * _LARGEST / longest)) for side in size_of(photo)]
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    width, height = size_of(photo)
    if texture is None or texture.size != (width, height):
        texture = Texture.create(size=(width, height), colorfmt="rgb")
        texture.flip_vertical()
        texture.mag_filter = texture.min_filter = "linear"
    texture.blit_buffer(np.ascontiguousarray(photo).reshape(-1), colorfmt="rgb", bufferfmt="ubyte")
    return texture


def size_of(photo: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height of a photo, uint8[H, W, 3], pixels."""
    height, width = photo.shape[:2]
    return width, height


class Photo(Widget):
    """A photo in a frame with round corners, and an outline on it.

    Attributes:
        photo: uint8[H, W, 3], RGB; None while there is none.
        outline: float32[P, 2], pixels of the photo; None for none.
        fill: Whether the frame is to be filled.
    """

    photo = ObjectProperty(None, allownone=True, comparator=is_)
    outline = ObjectProperty(None, allownone=True, comparator=is_)
    fill = BooleanProperty(True)
    texture = ObjectProperty(None, allownone=True)
    color = ColorProperty((1, 0.76, 0.36, 1))

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.bind(pos=self.draw, size=self.draw, outline=self.draw, color=self.draw)

    def on_photo(self, *_: Any) -> None:
        """Shows it."""
        self.texture = None if self.photo is None else texture_of(self.photo, self.texture)
        self.draw()

    def placing(self) -> Placing | None:
        """Where the photo lies; None without one."""
        if self.photo is None:
            return None
        return place(size_of(self.photo), self.pos, self.size, fill=self.fill, focus=_middle(self.outline))

    def draw(self, *_: Any) -> None:
        """Draws it anew."""
        self.canvas.clear()
        placing = self.placing()
        if placing is None:
            return
        with self.canvas:
            _clip(self)
            Color(1, 1, 1, 1)
            Rectangle(texture=self.texture, pos=(placing.left, placing.bottom), size=placing.size)
            if self.outline is not None and len(self.outline) >= 3:
                draw_outline(placing.to_window(self.outline), self.color, 1.0, dp(2))
            _unclip(self)


class LivePicture(Widget):
    """The camera's picture, and the outline of what is found lit on it.

    Attributes:
        outline: float32[P, 2], pixels of the picture; None for none.
        zoom: How much the picture is enlarged, 1 or more, where the camera does not do it.
        color: Of the outline.
        glow: 0 (the picture as it is) to 1 (all but the landmark is dimmed).
    """

    outline = ObjectProperty(None, allownone=True, comparator=is_)
    zoom = NumericProperty(1.0)
    color = ColorProperty((1, 0.76, 0.36, 1))
    glow = NumericProperty(0.0)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.texture: Texture | None = None
        self.bind(pos=self.draw, size=self.draw, outline=self.draw, color=self.draw, glow=self.draw, zoom=self.draw)

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Shows a frame, uint8[H, W, 3] in RGB."""
        before = self.texture
        self.texture = texture_of(frame, before)
        if self.texture is not before:
            self.draw()
        else:
            self.canvas.ask_update()

    def placing(self) -> Placing | None:
        """Where the picture lies; None before the first frame."""
        if self.texture is None:
            return None
        room = (self.width * self.zoom, self.height * self.zoom)
        corner = (self.center_x - room[0] / 2, self.center_y - room[1] / 2)
        return place(self.texture.size, corner, room, fill=True)

    def draw(self, *_: Any) -> None:
        """Draws it anew."""
        self.canvas.clear()
        placing = self.placing()
        with self.canvas:
            if placing is None:
                Color(0, 0, 0, 1)
                Rectangle(pos=self.pos, size=self.size)
                return
            Color(1, 1, 1, 1)
            Rectangle(texture=self.texture, pos=(placing.left, placing.bottom), size=placing.size)
            if self.outline is not None and len(self.outline) >= 3:
                corners = placing.to_window(self.outline)
                self._dim_around(corners)
                draw_outline(corners, self.color, max(self.glow, 0.4), dp(3))

    def _dim_around(self, corners: NDArray[np.float64]) -> None:
        # A ring from the outline to far outside of the window; the outline is star-shaped around its middle.
        middle = corners.mean(0)
        away = corners - middle
        far = middle + away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6) * _FAR
        ring = np.stack([corners, far], 1).reshape(-1, 2)
        ring = np.vstack([ring, ring[:2]])
        vertices = np.zeros((len(ring), 4))
        vertices[:, :2] = ring
        Color(0.02, 0.03, 0.05, 0.45 * self.glow)
        Mesh(vertices=vertices.reshape(-1).tolist(), indices=list(range(len(ring))), mode="triangle_strip")


class MatchesPicture(Widget):
    """A photo beside the reference image that it matches, with the inlier matches as lines.

    Attributes:
        photo: uint8[H, W, 3], RGB.
        reference: The same of the reference image; None while there is none.
        photo_points: float32[N, 2], pixels of ``photo``.
        reference_points: float32[N, 2], fractions of the sides of ``reference``.
        outline: float32[P, 2], pixels of ``photo``; None for none.
        color: Of lines and outline.
    """

    photo = ObjectProperty(None, allownone=True, comparator=is_)
    reference = ObjectProperty(None, allownone=True, comparator=is_)
    photo_points = ObjectProperty(None, allownone=True, comparator=is_)
    reference_points = ObjectProperty(None, allownone=True, comparator=is_)
    outline = ObjectProperty(None, allownone=True, comparator=is_)
    color = ColorProperty((1, 0.76, 0.36, 1))

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._shown: dict[str, tuple[NDArray[np.uint8], Texture]] = {}
        self.bind(**dict.fromkeys(("pos", "size", "photo", "reference", "photo_points", "outline"), self.draw))

    def draw(self, *_: Any) -> None:
        """Draws it anew."""
        self.canvas.clear()
        if self.photo is None or self.width < 1 or self.height < 1:
            return
        gap = dp(8)
        width = min(self.width, _WIDEST * self.height)
        half = (width - gap) / 2 if self.reference is not None else width
        start = (self.center_x - width / 2, self.y)
        left = self._texture("photo", self.photo)
        at = place(size_of(self.photo), start, (half, self.height), fill=True, focus=_middle(self.outline))
        with self.canvas:
            self._framed(left, at, start, (half, self.height))
            if self.reference is None:
                return
            right = self._texture("reference", self.reference)
            corner = (start[0] + half + gap, self.y)
            other = place(size_of(self.reference), corner, (half, self.height), fill=True)
            self._framed(right, other, corner, (half, self.height), outlined=False)
            self._lines(at, other)

    def _framed(
        self,
        texture: Texture,
        at: Placing,
        corner: tuple[float, float],
        room: tuple[float, float],
        *,
        outlined: bool = True,
    ) -> None:
        frame = Widget(pos=corner, size=room)
        _clip(frame)
        Color(1, 1, 1, 1)
        Rectangle(texture=texture, pos=(at.left, at.bottom), size=at.size)
        if outlined and self.outline is not None and len(self.outline) >= 3:
            draw_outline(at.to_window(self.outline), self.color, 1.0, dp(2))
        _unclip(frame)

    def _lines(self, at: Placing, other: Placing) -> None:
        if self.photo_points is None or self.reference_points is None or not len(self.photo_points):
            return
        there = self.reference_points * (other.width, other.height) - 0.5
        ends = np.hstack([at.to_window(self.photo_points), other.to_window(there)])
        inside = (ends[:, 0] <= self.center_x) & (ends[:, 2] >= self.center_x) & (ends[:, 0] >= self.x)
        inside &= (ends[:, 2] <= self.right) & (ends[:, 1::2] >= self.y).all(1) & (ends[:, 1::2] <= self.top).all(1)
        for x0, y0, x1, y1 in ends[inside][:60]:
            Color(*self.color[:3], 0.55)
            Line(points=[x0, y0, x1, y1], width=1)
            Color(*self.color[:3], 1)
            for x, y in ((x0, y0), (x1, y1)):
                SmoothEllipse(pos=(x - dp(2.5), y - dp(2.5)), size=(dp(5), dp(5)))

    def _texture(self, name: str, photo: NDArray[np.uint8]) -> Texture:
        before = self._shown.get(name)
        if before is None or before[0] is not photo:  # else this is drawn anew alone: it has moved
            self._shown[name] = (photo, texture_of(photo, None if before is None else before[1]))
        return self._shown[name][1]


def _middle(outline: NDArray[np.floating] | None) -> tuple[float, float] | None:
    """The middle of what an outline spans."""
    if outline is None or not len(outline):
        return None
    x, y = (outline.min(0) + outline.max(0)) / 2
    return float(x), float(y)


def draw_outline(corners: NDArray[np.float64], color: tuple[float, ...], strength: float, width: float) -> None:
    """Draws a lit outline, float[P, 2] in window coordinates, on the canvas that is open."""
    points = corners.reshape(-1).tolist()
    red, green, blue = color[:3]
    Color(red, green, blue, 0.14 * strength)
    _polygon(corners)
    for spread, opacity in ((3.2, 0.16), (2.0, 0.28)):
        Color(red, green, blue, opacity * strength)
        SmoothLine(points=points, close=True, width=width * spread, joint="round")
    Color(red, green, blue, strength)
    SmoothLine(points=points, close=True, width=width, joint="round")


def _polygon(corners: NDArray[np.float64]) -> None:
    """A filled polygon; what is seen of it is right where it is star-shaped around its middle, as outlines are."""
    around = np.vstack([corners.mean(0), corners, corners[:1]])
    vertices = np.zeros((len(around), 4))
    vertices[:, :2] = around
    Mesh(vertices=vertices.reshape(-1).tolist(), indices=list(range(len(around))), mode="triangle_fan")


def _clip(widget: Widget) -> None:
    StencilPush()
    RoundedRectangle(pos=widget.pos, size=widget.size, radius=[dp(16)])
    StencilUse()


def _unclip(widget: Widget) -> None:
    StencilUnUse()
    RoundedRectangle(pos=widget.pos, size=widget.size, radius=[dp(16)])
    StencilPop()
