"""The camera's picture, and what is found in it."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

import numpy as np
from kivy.animation import Animation
from kivy.app import App
from kivy.clock import Clock
from kivy.graphics.texture import Texture
from kivy.properties import (
    BooleanProperty,
    ColorProperty,
    NumericProperty,
    ObjectProperty,
    StringProperty,
)
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.screenmanager import Screen
from numpy.typing import NDArray

from steeple.app.live import LiveView
from steeple.app.states import State
from steeple.app.ui.pairing import Pairing
from steeple.app.ui.presenters import live
from steeple.app.ui.widgets.basic import TapBox

_MOST_ZOOM: Final = 4.0
_LIGHT_SECONDS: Final = 0.25


class LiveCard(TapBox):
    """What is found, above the shutter."""

    title = StringProperty("")
    detail = StringProperty("")
    icon = StringProperty("")
    percent = StringProperty("")
    confidence = NumericProperty(0.0)
    color = ColorProperty((1, 1, 1, 1))
    leads = BooleanProperty(False)


class LiveHint(BoxLayout):
    """What to do, where nothing is found yet."""

    text = StringProperty("")


class LiveScreen(Screen):
    """The camera's picture, and what is found in it."""

    wide = BooleanProperty(False)
    aside = NumericProperty(0)
    foot = NumericProperty(0)
    chip = StringProperty("")
    chip_icon = StringProperty("")
    title = StringProperty("")
    detail = StringProperty("")
    hint = StringProperty("")
    icon = StringProperty("")
    percent = StringProperty("")
    confidence = NumericProperty(0.0)
    color = ColorProperty((1, 1, 1, 1))
    leads = BooleanProperty(False)
    torch = BooleanProperty(False)
    has_torch = BooleanProperty(False)
    paused = BooleanProperty(False)
    zoom = NumericProperty(1.0)
    picture_zoom = NumericProperty(1.0)
    shade = ObjectProperty(None, allownone=True)

    def __init__(self, **options: Any) -> None:
        self.shade = _shade()
        super().__init__(**options)
        self.frame: NDArray[np.uint8] | None = None
        self.view: LiveView | None = None
        self._pairing = Pairing()
        self._fingers: dict[Any, tuple[float, float]] = {}
        self._state = State.IDLE
        self._clock = Clock.schedule_interval(self._next_frame, 0)

    def close(self) -> None:
        """Ends it."""
        self._clock.cancel()

    # --- the camera ---

    def on_pre_enter(self, *_: Any) -> None:
        """Runs the camera."""
        self.resume()
        self.show_view()

    def on_leave(self, *_: Any) -> None:
        """Lets the camera rest."""
        self.rest()

    def resume(self) -> None:
        """Runs the camera, unless it is paused."""
        if not self.paused:
            App.get_running_app().start_camera()

    def camera_runs(self) -> None:
        """The camera has started: what it can do is known now."""
        self.has_torch = App.get_running_app().device.camera.has_torch

    def rest(self) -> None:
        """Lets the camera rest."""
        App.get_running_app().stop_camera()

    def take_frame(self, frame: NDArray[np.uint8], at: float) -> None:
        """Takes a frame, on any thread."""
        self._pairing.frame(frame, at, monotonic())
        App.get_running_app().services.offer(frame, at)

    def take_view(self, view: LiveView) -> None:
        """Takes a view, on any thread."""
        self._pairing.view(view, monotonic())

    def _next_frame(self, _seconds: float) -> None:
        frame, view = self._pairing.next(monotonic())
        if frame is not None:
            self.frame = frame
            self.ids.picture.show(frame)
        if view is not None:
            self.view = view
            self.show_view()

    # --- what is found ---

    def show_view(self) -> None:
        """Shows the newest view."""
        app = App.get_running_app()
        model = live.present(self.view, app.tr, place=app.services.place, waiting=app.waiting)
        self.chip, self.chip_icon = model.chip, model.chip_icon
        self.title, self.detail, self.hint, self.icon = model.title, model.detail, model.hint, model.icon
        self.percent, self.confidence = model.percent, model.confidence or 0.0
        self.leads = model.answer is not None
        certain = model.state is State.CERTAIN
        if certain:
            self.color = app.theme.lit
        else:
            self.color = app.theme.on_picture if model.state is State.LOOKING else app.theme.unsure
        picture = self.ids.picture
        picture.color = self.color
        picture.outline = model.outline
        if model.state is not self._state:
            self._state = model.state
            Animation.cancel_all(picture, "glow")
            Animation(glow=1.0 if certain else 0.0, duration=_LIGHT_SECONDS).start(picture)
            app.feel(model)

    def tell_more(self) -> None:
        """Opens the sheet about what is found."""
        if self.leads and self.view is not None and self.frame is not None:
            App.get_running_app().look_closer(self.frame, self.view)

    def take(self) -> None:
        """Takes a still."""
        if self.frame is not None:
            App.get_running_app().look(self.frame)

    # --- controls ---

    def toggle_torch(self) -> None:
        """Turns the torch on or off."""
        self.torch = not self.torch
        App.get_running_app().device.camera.torch(self.torch)

    def toggle_pause(self) -> None:
        """Pauses, or goes on."""
        self.paused = not self.paused
        self.rest() if self.paused else self.resume()
        if self.paused:
            self.view = None
        self.show_view()

    def on_zoom(self, *_: Any) -> None:
        """Enlarges the picture: by the camera as far as it can, then here."""
        camera = App.get_running_app().device.camera
        reached = camera.zoom(self.zoom) if camera is not None else 1.0
        self.picture_zoom = max(1.0, self.zoom / max(reached, 0.1))

    def on_touch_down(self, touch: Any) -> bool:
        """Remembers where fingers are."""
        if getattr(touch, "is_mouse_scrolling", False):
            self._set_zoom(self.zoom * (1.1 if touch.button == "scrolldown" else 1 / 1.1))
            return True
        self._fingers[touch.uid] = touch.pos
        return bool(super().on_touch_down(touch))

    def on_touch_move(self, touch: Any) -> bool:
        """Zooms by two fingers."""
        if touch.uid in self._fingers and len(self._fingers) == 2:
            before = self._spread()
            self._fingers[touch.uid] = touch.pos
            if before > 1:
                self._set_zoom(self.zoom * self._spread() / before)
            return True
        return bool(super().on_touch_move(touch))

    def on_touch_up(self, touch: Any) -> bool:
        """Forgets a finger."""
        self._fingers.pop(touch.uid, None)
        return bool(super().on_touch_up(touch))

    def _spread(self) -> float:
        one, other = (np.array(place) for place in self._fingers.values())
        return float(np.hypot(*(one - other)))

    def _set_zoom(self, zoom: float) -> None:
        self.zoom = min(_MOST_ZOOM, max(1.0, zoom))


def _shade() -> Texture:
    """Dark above, clear below."""
    texture = Texture.create(size=(1, 64), colorfmt="rgba", bufferfmt="ubyte")
    pixels = np.zeros((64, 1, 4), np.uint8)
    pixels[..., 3] = (150 * (np.arange(64) / 63) ** 1.6).astype(np.uint8)[:, np.newaxis]
    texture.blit_buffer(pixels.tobytes(), colorfmt="rgba", bufferfmt="ubyte")
    return texture
