"""Questions that must be answered, and messages that go by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kivy.properties import StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.modalview import ModalView


class Question(ModalView):
    """Asks before something is destroyed.

    Args:
        confirmed: Called if the person wants it.
    """

    title = StringProperty("")
    detail = StringProperty("")
    button = StringProperty("")

    def __init__(self, confirmed: Callable[[], None], **options: Any) -> None:
        self._confirmed = confirmed
        super().__init__(**options)

    def confirm(self) -> None:
        """Does it."""
        self.dismiss()
        self._confirmed()


class Toast(BoxLayout):
    """A message above the screen's lower edge."""

    text = StringProperty("")
