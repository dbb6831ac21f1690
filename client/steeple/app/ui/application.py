"""The app's window: which screen is seen, and what screens share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from kivy.app import App
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.lang import Builder
from kivy.metrics import sp
from kivy.properties import ListProperty, NumericProperty, ObjectProperty
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.screenmanager import NoTransition, Screen, ScreenManager
from kivy.uix.widget import Widget
from numpy.typing import NDArray

from steeple.app.data import AppData
from steeple.app.device import Appearance, Device, Need, Permission, Place
from steeple.app.live import LiveView
from steeple.app.settings import Theme
from steeple.app.states import State
from steeple.app.ui.background import Threads
from steeple.app.ui.language import Translator, choose
from steeple.app.ui.navigation import HOMES, Navigation
from steeple.app.ui.presence import Presence
from steeple.app.ui.presenters import words
from steeple.app.ui.presenters.live import LiveModel
from steeple.app.ui.screens.gallery import GalleryScreen, ProposeScreen
from steeple.app.ui.screens.history import HistoryScreen
from steeple.app.ui.screens.live import LiveScreen
from steeple.app.ui.screens.packs import PacksScreen
from steeple.app.ui.screens.result import ResultScreen
from steeple.app.ui.screens.settings import SettingsScreen
from steeple.app.ui.screens.steps import ConnectionScreen, PermissionScreen, WelcomeScreen
from steeple.app.ui.services import Looked, Services, read_file
from steeple.app.ui.theme import DARK, PALETTES
from steeple.app.ui.widgets import forms, page, picture
from steeple.app.ui.widgets.messages import Question, Toast
from steeple.client import LatLng
from steeple.delf.release import ModelRelease
from steeple.errors import SteepleError

__all__ = ["SteepleApp", "forms", "page", "picture"]  # the KV files use their widgets

_KV: Final = Path(__file__).parent / "kv"
_SCREENS: Final[dict[str, type[Screen]]] = {
    "live": LiveScreen,
    "result": ResultScreen,
    "history": HistoryScreen,
    "settings": SettingsScreen,
    "welcome": WelcomeScreen,
    "connection": ConnectionScreen,
    "permission": PermissionScreen,
    "packs": PacksScreen,
    "gallery": GalleryScreen,
    "propose": ProposeScreen,
}
_ESCAPE: Final = 27  # Android's back button as well
_TOAST_SECONDS: Final = 3.5
_BUZZ_MS: Final = 30
_CONDITIONS_SECONDS: Final = 20.0


class SteepleApp(App):
    """The app.

    Args:
        data: Its data; closed with the app.
        device: That it runs on.
        release: Model release to extract with.
        still: Whether screens change at once instead of sliding.
    """

    theme = ObjectProperty(DARK, rebind=True)
    tr = ObjectProperty(Translator("en"), rebind=True)
    sp = NumericProperty(1.0)
    insets = ListProperty([0, 0, 0, 0])

    title = "Steeple"

    def __init__(self, data: AppData, device: Device, release: ModelRelease, *, still: bool = False) -> None:
        super().__init__()
        self.device = device
        self.background = Threads(_on_window)
        self.errands = Threads(_on_window)  # what may take minutes, and must hold up nothing that the person does
        self.present = Presence()
        self.services = Services(data, release, on_view=self._view, on_online=self._online_changed)
        self.waiting = 0
        self._still = still
        self._camera_turn = threading.Lock()
        self._camera_wanted = False
        self._toast: Toast | None = None
        self._appearance = Appearance()

    # --- beginning and end ---

    def build(self) -> Widget:
        """The window's content."""
        self._appear(self.device.appearance())
        for path in sorted(_KV.glob("*.kv")):
            Builder.load_file(str(path))
        self.screens = ScreenManager(transition=NoTransition())
        self.screens.add_widget(Screen(name="nothing"))  # until it is known what is first
        for name, kind in _SCREENS.items():
            self.screens.add_widget(kind(name=name))
        self._navigation = Navigation(
            self.screens, home=self._home, rightwards=lambda: self.tr.rightwards, still=self._still
        )
        root = FloatLayout()
        root.add_widget(self.screens)
        Window.bind(on_keyboard=self._key_pressed, on_drop_file=self._dropped, on_resize=self._look_at_appearance)
        Window.softinput_mode = "below_target"
        return root

    def on_start(self) -> None:
        """Connects, and shows the first screen."""
        self.background.run(self.services.reconnect, lambda _: self.settle(), self.complain)
        self.device.on_shared_photo(lambda photo: self.background.post(lambda: self.look_at_bytes(photo)))
        self.device.keep_awake(True)
        Clock.schedule_interval(self._look_at_conditions, _CONDITIONS_SECONDS)
        self.follow_place()
        for problem in self.services.data.problems:
            self.say(problem)
        self.go_home() if self.services.settings.welcomed else self.go("welcome")

    def _look_at_conditions(self, _seconds: float) -> None:
        self.background.run(lambda: self.services.under(self.device.conditions()), lambda _: None, self.complain)

    def on_pause(self) -> bool:
        """The app goes to the back: the camera rests."""
        self._live.rest()
        self.device.forget_place()
        return True

    def on_resume(self) -> None:
        """The app comes to the front again."""
        if self.screens.current in ("live", "permission"):
            self.go_home()
        self._look_at_appearance()
        self.follow_place()
        self.retry()

    def on_stop(self) -> None:
        """Ends everything. Kivy says it twice where the app itself has asked for the end."""
        self.stop_camera()
        self._live.close()
        self.device.forget_place()
        Clock.unschedule(self._look_at_conditions)
        self.services.hang_up()  # so that what is under way ends soon
        self.background.close()
        self.errands.close()
        if self.device.camera is not None:
            self.device.camera.stop()
        self.services.close()
        Window.unbind(on_keyboard=self._key_pressed, on_drop_file=self._dropped, on_resize=self._look_at_appearance)
        for path in _KV.glob("*.kv"):
            Builder.unload_file(str(path))

    # --- which screen is seen ---

    @property
    def _live(self) -> LiveScreen:
        live: LiveScreen = self.screens.get_screen("live")
        return live

    def go(self, name: str) -> None:
        """Shows a screen; :meth:`back` comes back from it."""
        self._navigation.go(name)

    def back(self) -> None:
        """Shows the screen before."""
        self._navigation.back()

    def go_home(self) -> None:
        """Shows the camera's picture, or what keeps it from being seen."""
        self._navigation.go_home()

    def _home(self) -> str:
        allowed = self.device.camera is not None and self.device.permission(Need.CAMERA) is Permission.GRANTED
        return "live" if allowed else "permission"

    def _key_pressed(self, _window: Any, key: int, *_: Any) -> bool:
        if key != _ESCAPE or self.screens.current in HOMES:
            return False
        self.back()
        return True

    # --- photos ---

    def start_camera(self) -> None:
        """Runs the camera and the live loop."""
        if not self._camera_wanted and self.device.camera is not None:
            self._camera_wanted = True
            self.background.run(self._run_camera, lambda _: self._live.camera_runs(), self.complain)

    def stop_camera(self) -> None:
        """Lets the camera and the live loop rest."""
        if self._camera_wanted:
            self._camera_wanted = False
            self.background.run(self._run_camera, lambda _: None, self.complain)

    def _run_camera(self) -> None:
        """Has camera and live loop do what is wanted of them by now. Opening a camera may take a second."""
        camera = self.device.camera
        with self._camera_turn:
            if camera is not None and self._camera_wanted:
                camera.start(self._live.take_frame)
                self.services.under(self.device.conditions())
                self.services.watch(True)
            elif camera is not None:
                camera.stop()
                self.services.watch(False)

    def look(self, photo: NDArray[np.uint8]) -> None:
        """Asks about a photo, uint8[H, W, 3] in RGB, and shows the sheet about it."""
        self._sheet(Looked(photo, None, datetime.now(UTC)), lambda: self.services.look(photo, self.services.place))

    def look_closer(self, frame: NDArray[np.uint8], view: LiveView) -> None:
        """Shows the sheet about what the camera sees, and asks once more, for all that there is to say."""
        photo = frame if view.photo is None else view.photo
        before = Looked(
            photo,
            view.answer,
            datetime.now(UTC),
            origin=view.origin,
            pack=view.pack,
            location=self.services.place,
        )
        self._sheet(before, lambda: self.services.look(photo, self.services.place, view.features))

    def look_at_bytes(self, photo: bytes) -> None:
        """Asks about an encoded photo, and shows the sheet about it."""
        blank = np.full((48, 64, 3), 60, np.uint8)
        self._sheet(Looked(blank, None, datetime.now(UTC)), lambda: self.services.look_at_file(photo, None))

    def look_at_path(self, path: Path) -> None:
        """Asks about a file."""
        self.background.run(lambda: read_file(path), self.look_at_bytes, self.complain)

    def _sheet(self, before: Looked, work: Callable[[], Looked]) -> None:
        screen = self.screens.get_screen("result")
        screen.show(before, asking=True)
        self.go("result")

        def done(looked: Looked) -> None:
            if screen.looked is before:  # nothing else was asked about meanwhile
                screen.show(looked)
            self._count_waiting()

        def failed(error: SteepleError) -> None:
            if screen.looked is before:
                screen.show(Looked(before.photo, None, before.time, problem=error))

        self.background.run(work, done, failed)

    def open_entry(self, entry: int) -> None:
        """Shows the sheet about what was found before."""

        def done(looked: Looked) -> None:
            self.screens.get_screen("result").show(looked)
            self.go("result")

        self.background.run(lambda: self.services.entry(entry), done, self.complain)

    def pick_photo(self) -> None:
        """Has the person choose a photo."""
        if not self.device.pick_photo(lambda photo: self.background.post(lambda: self._picked(photo))):
            self.go("gallery")

    def _picked(self, photo: bytes | None) -> None:
        if photo is not None:
            self.look_at_bytes(photo)

    def _dropped(self, _window: Any, path: bytes, *_: Any) -> None:
        self.look_at_path(Path(path.decode("utf-8", "surrogateescape")))

    def share(self, text: str, title: str) -> None:
        """Offers a text to other apps."""
        if not self.device.share(text, title):
            self.say(self.tr("Ready to paste"))

    def propose(self, looked: Looked) -> None:
        """Shows the form that proposes a photo to the catalogue."""
        self.screens.get_screen("propose").show(looked)
        self.go("propose")

    # --- what was found, and who answers ---

    def _view(self, view: LiveView) -> None:
        self._live.take_view(view)

    def feel(self, model: LiveModel) -> None:
        """Lets a change be felt and heard, as far as the person wants that."""
        settings = self.services.settings
        if settings.haptics and model.state is State.CERTAIN:
            self.device.vibrate(_BUZZ_MS)
        if settings.speech and model.spoken:
            self.device.speak(model.spoken, self.tr.code)

    def _online_changed(self, online: bool) -> None:
        if online:
            self.background.post(self.settle)

    def settle(self) -> None:
        """Asks about what waits, and sends what is to be sent."""
        self.errands.run(self.services.settle, self._settled, lambda _: self._count_waiting())

    def _settled(self, answered: int) -> None:
        if answered:
            text = self.tr.count("{n} photo that waited is answered.", "{n} photos that waited are answered.", answered)
            self.say(text)
        self._count_waiting()

    def _count_waiting(self) -> None:
        def counted(waiting: int) -> None:
            self.waiting = waiting
            self._live.show_view()

        self.background.run(self.services.data.waiting.count, counted, self.complain)

    def reconnect(self) -> None:
        """Connects anew, by the settings as they are now."""
        self.background.run(self.services.reconnect, lambda _: self.settle(), self.complain)

    def retry(self) -> None:
        """Looks for the server at once."""
        self.background.run(self.services.retry, lambda _: None, self.complain)

    def follow_place(self) -> None:
        """Knows from now on where the device is, or not, as the person wants it."""
        if self.services.settings.send_location:
            self.device.watch_place(self._placed)
        else:
            self.device.forget_place()
            self.services.move(None)

    def _placed(self, place: Place) -> None:
        self.services.move(LatLng(place.latitude, place.longitude))

    # --- what the person chose ---

    def apply_settings(self) -> None:
        """Shows the app as the person wants it."""
        self._appear(self._appearance)

    def _look_at_appearance(self, *_: Any) -> None:
        self.background.run(self.device.appearance, self._appear, self.complain)

    def _appear(self, appearance: Appearance) -> None:
        self._appearance = appearance
        self.insets = appearance.insets
        settings = self.services.settings
        language = choose(settings.language or appearance.language or "")
        if language != self.tr.code:
            self.tr = Translator(language)
        dark = appearance.dark is not False if settings.theme is Theme.SYSTEM else settings.theme is Theme.DARK
        self.theme = PALETTES["dark" if dark else "light"]
        Window.clearcolor = self.theme.background
        self.sp = sp(1) * settings.text_scale  # of the system's own scale, Kivy knows

    def erase(self) -> None:
        """Forgets everything, and begins anew."""

        def done(_: None) -> None:
            self.apply_settings()
            self.follow_place()
            self.reconnect()
            self.go("welcome")

        self.background.run(self.services.data.erase, done, self.complain)

    # --- messages ---

    def ask(self, title: str, detail: str, button: str, confirmed: Callable[[], None]) -> None:
        """Asks before something is destroyed."""
        Question(confirmed, title=title, detail=detail, button=button).open()

    def complain(self, error: SteepleError) -> None:
        """Says what went wrong."""
        self.say(words.error_words(error, self.tr))

    def say(self, text: str) -> None:
        """Shows a message for a few seconds."""
        if self._toast is not None and self.root is not None:
            self.root.remove_widget(self._toast)
        if self.root is None:
            return
        toast = self._toast = Toast(text=text)
        self.root.add_widget(toast)
        Clock.schedule_once(lambda _: self.root.remove_widget(toast), _TOAST_SECONDS)


def _on_window(call: Callable[[], None]) -> None:
    Clock.schedule_once(lambda _: call(), 0)
