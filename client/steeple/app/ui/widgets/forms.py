"""What a person sets: fields, switches, choices."""

from __future__ import annotations

from typing import Any

from kivy.properties import BooleanProperty, ListProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.textinput import TextInput

from steeple.app.ui.widgets.basic import FONTS, TapBox


class Entry(TextInput):
    """Where text is typed, in a font that has its letters."""

    def on_text(self, *_: Any) -> None:
        """Chooses the font."""
        self.font_name = FONTS.font_for(self.text or self.hint_text)

    def on_hint_text(self, *_: Any) -> None:
        """Chooses the font."""
        self.on_text()


class Field(BoxLayout):
    """A line of text with its name above, and below it what is wrong with it or what it is for.

    Events:
        on_done: The text was typed to its end.
    """

    title = StringProperty("")
    text = StringProperty("")
    hint = StringProperty("")
    help = StringProperty("")
    problem = StringProperty("")
    secret = BooleanProperty(False)
    lines = NumericProperty(1)
    __events__ = ("on_done",)

    def on_done(self) -> None:
        """For those who bind to it."""

    def put(self, text: str) -> None:
        """Shows a text."""
        self.text = text
        self.ids.entry.text = text


class OnOff(TapBox):
    """Something that is on or off, with what that means."""

    title = StringProperty("")
    help = StringProperty("")
    active = BooleanProperty(False)
    __events__ = ("on_changed",)

    def on_release(self) -> None:
        """Turns it."""
        self.active = not self.active
        self.dispatch("on_changed", self.active)

    def on_changed(self, _active: bool) -> None:
        """For those who bind to it: the person turned it."""


class Option(TapBox):
    """One of a choice."""

    text = StringProperty("")
    chosen = BooleanProperty(False)


class Choice(BoxLayout):
    """One of a few.

    Attributes:
        options: (value, text) of each.
        value: The chosen one's.
    """

    title = StringProperty("")
    help = StringProperty("")
    options = ListProperty([])
    value = ObjectProperty(None, allownone=True)
    __events__ = ("on_changed",)

    def on_options(self, *_: Any) -> None:
        """Makes a button of each."""
        box = self.ids.box
        box.clear_widgets()
        for value, text in self.options:
            option = Option(text=text, label=text, chosen=value == self.value)
            option.bind(on_release=lambda _, chosen=value: self._choose(chosen))
            box.add_widget(option)

    def on_value(self, *_: Any) -> None:
        """Marks the chosen one."""
        for option, (value, _text) in zip(reversed(self.ids.box.children), self.options, strict=True):
            option.chosen = value == self.value

    def _choose(self, value: object) -> None:
        self.value = value
        self.dispatch("on_changed", value)

    def on_changed(self, _value: object) -> None:
        """For those who bind to it: the person chose."""
