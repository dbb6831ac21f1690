"""Text, icons and what can be tapped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from kivy.graphics.texture import Texture
from kivy.properties import BooleanProperty, ColorProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.label import Label
from kivy.uix.widget import Widget

from steeple.app.ui import icons
from steeple.app.ui.fonts import Fonts, script_of
from steeple.app.ui.language import Translator

FONTS = Fonts()

_POINTING: Final = frozenset({"back", "right"})


class Text(Label):
    """A text as high as it needs to be, in a font that has its letters, along the language's direction.

    Attributes:
        role: ``display``, ``title``, ``body`` or ``small``.
        strong: Whether it is bold.
        snug: Whether it is as wide as it needs to be, in one line; else it fills the width that there is.
        centred: Whether its lines are.
        lines: At most; 0 for any number.
        most: Pixels that its letters are high at most, however large the person wants them: for places of a fixed size.
    """

    strong = BooleanProperty(False)
    snug = BooleanProperty(False)
    role = StringProperty("body")
    most = NumericProperty(1000.0)
    centred = BooleanProperty(False)
    lines = NumericProperty(0)

    def on_text(self, *_: Any) -> None:
        """Chooses the font."""
        self.font_name = FONTS.font_for(self.text, self.strong)

    def on_texture_size(self, *_: Any) -> None:
        """Takes the width that it needs."""
        if self.snug:
            self.width = self.texture_size[0]

    def on_snug(self, *_: Any) -> None:
        """Takes the width that it needs."""
        if self.snug:
            self.size_hint_x = None
            self.width = self.texture_size[0]

    def on_strong(self, *_: Any) -> None:
        """Chooses the font."""
        self.on_text()

    @staticmethod
    def alignment(text: str, centred: bool, tr: Translator) -> str:
        """The side that a text begins at."""
        if centred:
            return "center"
        script = script_of(text)
        rightwards = tr.rightwards if script is None else script.rightwards
        return "left" if rightwards else "right"


@lru_cache(maxsize=128)
def _texture(name: str, size: int, mirrored: bool) -> Texture:
    opacity = icons.mask(name, size)[:, :: -1 if mirrored else 1]
    pixels = np.full((size, size, 4), 255, np.uint8)
    pixels[..., 3] = opacity[::-1]  # a texture's first row is the lowest
    texture = Texture.create(size=(size, size), colorfmt="rgba", bufferfmt="ubyte")
    texture.blit_buffer(pixels.tobytes(), colorfmt="rgba", bufferfmt="ubyte")
    return texture


class Icon(Widget):
    """One of :data:`steeple.app.ui.icons.DRAWINGS`, in a colour; those that point sideways go along the language."""

    icon = StringProperty("")
    mirrored = BooleanProperty(False)
    color = ColorProperty((1, 1, 1, 1))
    texture = ObjectProperty(None, allownone=True)

    def on_icon(self, *_: Any) -> None:
        """Draws it anew."""
        side = int(min(self.size))
        mirrored = self.mirrored and self.icon in _POINTING
        self.texture = _texture(self.icon, side, mirrored) if self.icon and side >= 1 else None

    def on_mirrored(self, *_: Any) -> None:
        """Draws it anew."""
        self.on_icon()

    def on_size(self, *_: Any) -> None:
        """Draws it anew."""
        self.on_icon()


class Tappable(ButtonBehavior):
    """What a person can tap.

    Attributes:
        label: What a screen reader calls it, in the person's language.
    """

    label = StringProperty("")


class TapBox(Tappable, BoxLayout):
    """A row or column that is tapped as one."""


class TapFloat(Tappable, FloatLayout):
    """Anything else that is tapped as one."""


class Action(TapBox):
    """A button with words.

    Attributes:
        text: The words.
        icon: Before them; empty for none.
        kind: ``main`` (what the screen is about), ``quiet``, ``plain`` or ``danger``.
    """

    text = StringProperty("")
    icon = StringProperty("")
    kind = StringProperty("quiet")
    foreground = ColorProperty((1, 1, 1, 1))


class RoundAction(TapFloat):
    """A button with an icon alone.

    Attributes:
        icon: What is on it.
        overlaid: Whether it lies on the camera's picture.
        active: Whether it is on, where it can be.
    """

    icon = StringProperty("")
    overlaid = BooleanProperty(True)
    active = BooleanProperty(False)


class Shutter(TapFloat):
    """The large round button that takes a still."""


class Chip(BoxLayout):
    """A short word with an icon, on the camera's picture or a card."""

    text = StringProperty("")
    icon = StringProperty("")
    color = ColorProperty((1, 1, 1, 1))
    plate = ColorProperty((0, 0, 0, 0.8))


class Card(BoxLayout):
    """A plate for what belongs together, as high as that."""


class Ring(Widget):
    """A share of a circle.

    Attributes:
        value: 0 to 1.
        color: Of the share.
        track: Of the rest.
        thickness: Pixels.
    """

    value = NumericProperty(0.0)
    color = ColorProperty((1, 1, 1, 1))
    track = ColorProperty((1, 1, 1, 0.2))
    thickness = NumericProperty(4.0)


class Row(GridLayout):
    """Things side by side, along the language's direction.

    Attributes:
        collapsed: Whether it takes no room.
    """

    collapsed = BooleanProperty(False)
