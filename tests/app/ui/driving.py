"""Drives the real app in a real window, which nobody sees."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_SETTLE_FRAMES = 4


class Driver:
    """An app that runs, and is stepped from outside of it. Use it in a ``with`` block.

    Args:
        app: Not started yet.
        size: Of the window, pixels.
        hurried: Whether the loop turns as fast as it can, for tests that wait for nothing.

    Attributes:
        blocked: Milliseconds that each turn of the window's loop took, but for those in which it had nothing to do and
            slept, as it had meant to.
        busy: Milliseconds of processor time that the window's own thread took for it.
    """

    def __init__(self, app: Any, size: tuple[int, int] = (412, 915), *, hurried: bool = False) -> None:
        from kivy.base import EventLoop, runTouchApp
        from kivy.clock import Clock
        from kivy.core.window import Window
        from kivy.graphics.opengl import glFlush

        self.app = app
        self.window = Window
        self.blocked: list[float] = []
        self.busy: list[float] = []
        self._loop = EventLoop
        self._closed = False
        self._clock, self._frames_a_second, self._sleep = Clock, Clock._max_fps, Clock.usleep
        self._slept = 0.0
        self._begin_to_draw = glFlush
        Clock.usleep = self._sleep_and_count
        if hurried:
            Clock._max_fps = 0.0
        Window.size = size
        app._run_prepare()
        runTouchApp(embedded=True)
        self.steps()

    def step(self) -> None:
        """One turn of the window's loop."""
        begun, worked, self._slept = time.perf_counter(), time.thread_time(), 0.0
        self._loop.idle()
        self._begin_to_draw()  # as the swap of a window that is seen does; else it waits for what needs it done
        self.blocked.append(1000 * (time.perf_counter() - begun - self._slept))
        self.busy.append(1000 * (time.thread_time() - worked))

    def _sleep_and_count(self, microseconds: float) -> None:
        begun = time.perf_counter()
        self._sleep(microseconds)
        self._slept += min(microseconds / 1e6, time.perf_counter() - begun)  # what came on top was no rest

    def steps(self, count: int = _SETTLE_FRAMES) -> None:
        """A few turns, in which layouts settle."""
        for _ in range(count):
            self.step()

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 40.0) -> None:
        """Turns until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds:g} s for {what}; the screen is {self.screen.name}")
            self.step()
        self.steps()

    @property
    def screen(self) -> Any:
        """The screen that is seen."""
        return self.app.screens.current_screen

    def tap(self, widget: Any) -> None:
        """Touches the middle of a widget, as a finger would."""
        from kivy.tests.common import UnitTestTouch

        parent = widget.parent
        while parent is not None and parent is not self.window and not hasattr(parent, "scroll_to"):
            parent = parent.parent
        if parent is not None and hasattr(parent, "scroll_to"):
            parent.scroll_to(widget, animate=False)
            self.steps()
        self.steps(2)
        x, y = widget.to_window(*widget.center)
        touch = UnitTestTouch(x, y)
        touch.touch_down()
        self.steps(2)
        touch.touch_up()
        # A scroll view passes a short touch on only after it has seen that it is none of its own.
        for _ in range(12):
            self.step()

    def picture(self) -> NDArray[np.uint8]:
        """What is seen: uint8[H, W, 3] in RGB."""
        from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glReadPixels

        self.steps(2)
        self.window.dispatch("on_draw")
        width, height = self.window.size
        data = glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE)
        pixels = np.frombuffer(data, np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(pixels[::-1, :, :3])

    def save(self, path: Path) -> None:
        """Writes what is seen to a file."""
        cv2.imwrite(str(path), self.picture()[..., ::-1])

    def resize(self, size: tuple[int, int]) -> None:
        """Changes the window's size."""
        self.window.size = size
        self.steps()

    def close(self) -> None:
        """Ends the app, as closing its window does."""
        from kivy.base import stopTouchApp

        if self._closed:
            return
        self._closed = True
        self._clock._max_fps, self._clock.usleep = self._frames_a_second, self._sleep
        self.app.stop()
        stopTouchApp()
        for child in list(self.window.children):
            self.window.remove_widget(child)

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
