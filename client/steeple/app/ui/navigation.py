"""Which screen is seen, and the way back from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kivy.uix.screenmanager import FadeTransition, NoTransition, ScreenManager, SlideTransition

HOMES: Final = frozenset({"live", "permission", "welcome"})
"""Screens that nothing is before."""

_SHEETS: Final = frozenset({"result", "gallery", "propose"})  # they come from below
_SLIDE_SECONDS: Final = 0.22
_FADE_SECONDS: Final = 0.2


class Navigation:
    """Goes from screen to screen.

    Args:
        screens: All of them.
        home: Name of the screen that is home at the moment.
        rightwards: Whether the language runs from left to right at the moment.
        still: Whether screens change at once instead of sliding.
    """

    def __init__(
        self, screens: ScreenManager, *, home: Callable[[], str], rightwards: Callable[[], bool], still: bool
    ) -> None:
        self._screens = screens
        self._home = home
        self._rightwards = rightwards
        self._still = still
        self._way: list[str] = []

    def go(self, name: str) -> None:
        """Shows a screen; :meth:`back` comes back from it."""
        if name in self._way:
            self._way = self._way[: self._way.index(name)]
        elif name in HOMES:
            self._way.clear()
        elif self._screens.current != name:
            self._way.append(self._screens.current)
        self._show(name, "up" if name in _SHEETS else "left")

    def back(self) -> None:
        """Shows the screen before."""
        name = self._way.pop() if self._way else ""
        if name and name not in HOMES:
            self._show(name, "right")
        else:
            self.go_home()

    def go_home(self) -> None:
        """Shows the screen that is home."""
        self._way.clear()
        self._show(self._home(), "right")

    def _show(self, name: str, direction: str) -> None:
        screens = self._screens
        if screens.current == name:
            screens.current_screen.dispatch("on_pre_enter")
            return
        if self._still:
            screens.transition = NoTransition()
        elif {name, screens.current} <= HOMES:
            screens.transition = FadeTransition(duration=_FADE_SECONDS)
        else:
            mirrored = {"left": "right", "right": "left"}
            towards = direction if self._rightwards() else mirrored.get(direction, direction)
            screens.transition = SlideTransition(duration=_SLIDE_SECONDS, direction=towards)
        screens.current = name
