"""A screen's frame: a header with the way back, and below it what scrolls."""

from __future__ import annotations

from typing import Any

from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from steeple.app.ui.widgets.basic import TapBox


class Page(BoxLayout):
    """A header, and what scrolls below it, no wider than is good to read.

    Attributes:
        title: In the header.
        icon: Of the way out: ``back`` or ``close``.
        tool: Icon of what else the header offers; empty for none.
        tool_label: What that does.

    Events:
        on_back: The way out was tapped.
        on_use: The header's other button was tapped.
    """

    title = StringProperty("")
    icon = StringProperty("back")
    tool = StringProperty("")
    tool_label = StringProperty("")
    wide = BooleanProperty(False)
    content = ObjectProperty(None, allownone=True)
    __events__ = ("on_back", "on_use")

    def add_widget(self, widget: Widget, *arguments: Any, **options: Any) -> None:
        """Adds to what scrolls, once there is that."""
        if self.content is None:
            super().add_widget(widget, *arguments, **options)
        else:
            self.content.add_widget(widget, *arguments, **options)

    def on_back(self) -> None:
        """For those who bind to it."""

    def on_use(self) -> None:
        """For those who bind to it."""


class ListRow(TapBox):
    """A row that leads somewhere.

    Attributes:
        icon: Before it; empty for none.
        title: What it is.
        detail: More of it, smaller.
        value: What is chosen there now.
    """

    icon = StringProperty("")
    title = StringProperty("")
    detail = StringProperty("")
    value = StringProperty("")
    leads = BooleanProperty(True)


class EmptyNote(BoxLayout):
    """What stands where a list has nothing yet."""

    icon = StringProperty("steeple")
    title = StringProperty("")
    detail = StringProperty("")


class Notice(BoxLayout):
    """A short message about what has happened, of a kind: ``info``, ``good`` or ``danger``."""

    text = StringProperty("")
    kind = StringProperty("info")
