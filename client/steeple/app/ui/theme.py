"""Colours and sizes of the app: a dark and a light palette.

A palette names what a colour is for. Pairs that carry text are in :data:`TEXT_PAIRS`; a test holds each of them to the
contrast that WCAG 2.2 asks of text (4.5:1), and those of :data:`SHAPE_PAIRS` to that of controls (3:1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Colour: TypeAlias = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0 to 1, sRGB, not premultiplied."""


def _colour(hexadecimal: str, opacity: float = 1.0) -> Colour:
    red, green, blue = (int(hexadecimal[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return (red, green, blue, opacity)


@dataclass(frozen=True)
class Palette:
    """The colours of a theme.

    Attributes:
        name: ``dark`` or ``light``.
        background: Of screens.
        surface: Of cards on the background.
        raised: Of fields and quiet buttons on cards.
        text: Of headlines and paragraphs.
        muted: Of what explains them.
        accent: Of what is on, chosen or lit, as text or shape on background and surface.
        fill: Of the button that a screen is about.
        on_fill: Of text on it.
        danger: Of what destroys or has failed, as text or shape.
        good: Of what has succeeded, as text or shape.
        scrim: Behind text that lies on the camera's picture.
        on_picture: Of text on it.
        on_picture_muted: Of what explains that.
        lit: Of the outline of a landmark that is certain.
        unsure: Of what is not.
    """

    name: str
    background: Colour
    surface: Colour
    raised: Colour
    text: Colour
    muted: Colour
    accent: Colour
    fill: Colour
    on_fill: Colour
    danger: Colour
    good: Colour
    scrim: Colour
    on_picture: Colour
    on_picture_muted: Colour
    lit: Colour
    unsure: Colour


DARK: Final = Palette(
    name="dark",
    background=_colour("0D1117"),
    surface=_colour("171D26"),
    raised=_colour("232B37"),
    text=_colour("F4F6F8"),
    muted=_colour("AAB4C1"),
    accent=_colour("FFB84D"),
    fill=_colour("FFB84D"),
    on_fill=_colour("241600"),
    danger=_colour("FF9A8F"),
    good=_colour("7FDDA5"),
    scrim=_colour("0D1117", 0.82),
    on_picture=_colour("FFFFFF"),
    on_picture_muted=_colour("D5DCE4"),
    lit=_colour("FFC15C"),
    unsure=_colour("A9CBFF"),
)

LIGHT: Final = Palette(
    name="light",
    background=_colour("F7F4EE"),
    surface=_colour("FFFFFF"),
    raised=_colour("EFEAE1"),
    text=_colour("1B1F24"),
    muted=_colour("575D66"),
    accent=_colour("8F5100"),
    fill=_colour("FFB84D"),
    on_fill=_colour("241600"),
    danger=_colour("B3261E"),
    good=_colour("17693A"),
    scrim=_colour("0D1117", 0.82),
    on_picture=_colour("FFFFFF"),
    on_picture_muted=_colour("D5DCE4"),
    lit=_colour("FFC15C"),
    unsure=_colour("A9CBFF"),
)

PALETTES: Final = {palette.name: palette for palette in (DARK, LIGHT)}

TEXT_PAIRS: Final = (
    ("text", "background"),
    ("text", "surface"),
    ("text", "raised"),
    ("muted", "background"),
    ("muted", "surface"),
    ("muted", "raised"),
    ("accent", "background"),
    ("accent", "surface"),
    ("accent", "raised"),
    ("on_fill", "fill"),
    ("danger", "background"),
    ("danger", "surface"),
    ("danger", "raised"),
    ("good", "background"),
    ("good", "surface"),
    ("good", "raised"),
    ("on_picture", "scrim"),
    ("on_picture_muted", "scrim"),
    ("lit", "scrim"),
    ("unsure", "scrim"),
)
"""(text, what it stands on), as names of colours. A scrim is judged over a white picture, its worst case."""

SHAPE_PAIRS: Final = (("accent", "raised"), ("lit", "scrim"), ("muted", "raised"))
"""(shape that says something, what it lies on)."""

TOUCH: Final = 48
"""The least side of what can be tapped, dp."""


def faded(colour: Sequence[float], opacity: float) -> Colour:
    """A colour at another opacity."""
    red, green, blue = colour[:3]
    return (red, green, blue, opacity)


def over(colour: Colour, below: Colour) -> Colour:
    """What is seen where ``colour`` lies on ``below``, which is opaque."""
    red, green, blue = (top * colour[3] + low * (1 - colour[3]) for top, low in zip(colour[:3], below[:3], strict=True))
    return (red, green, blue, 1.0)


def contrast(one: Colour, other: Colour) -> float:
    """Contrast of two opaque colours, 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
