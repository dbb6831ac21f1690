"""What the person chooses."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from kivy.app import App
from kivy.properties import StringProperty
from kivy.uix.screenmanager import Screen

from steeple.app.device import Need, Permission
from steeple.app.settings import BUDGETS, AnswersFrom, Theme
from steeple.app.trouble import Trouble
from steeple.app.ui.language import LANGUAGES
from steeple.app.ui.presenters import words
from steeple.errors import InvalidArgumentError, SteepleError

_TEXT_SCALES = (0.85, 1.0, 1.25, 1.5)
_CONNECTION = frozenset(
    {"server", "tls", "root_certificates", "answers_from", "max_bytes", "allow_keeping", "send_location"}
)


class SettingsScreen(Screen):
    """The settings; each is saved as it is changed."""

    server_problem = StringProperty("")
    key_place = StringProperty("")
    about = StringProperty("")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._stale = False
        self._key = ""

    def on_pre_enter(self, *_: Any) -> None:
        """Shows the settings as they are."""
        app, ids = App.get_running_app(), self.ids
        tr, settings = app.tr, app.services.settings
        ids.server.put(settings.server)
        ids.certificates.put(settings.root_certificates)
        ids.tls.active = settings.tls
        ids.budget.value = settings.max_bytes
        ids.budget.options = [(size, f"{size // 1024} kB") for size in BUDGETS]
        ids.source.value = settings.answers_from
        ids.source.options = [(AnswersFrom.BEST, tr("Server, else packs")), (AnswersFrom.PACKS, tr("Packs alone"))]
        ids.location.active, ids.keeping.active = settings.send_location, settings.allow_keeping
        ids.history.active = settings.keep_history
        ids.language.value = settings.language
        ids.language.options = [("", tr("System")), *LANGUAGES.items()]
        ids.theme.value = settings.theme
        ids.theme.options = [(Theme.SYSTEM, tr("System")), (Theme.LIGHT, tr("Light")), (Theme.DARK, tr("Dark"))]
        ids.scale.value = min(_TEXT_SCALES, key=lambda scale: abs(scale - settings.text_scale))
        ids.scale.options = list(zip(_TEXT_SCALES, ("A−", "A", "A+", "A++"), strict=True))
        ids.speech.active, ids.haptics.active = settings.speech, settings.haptics
        self.server_problem = ""
        safe = app.services.data.secrets.encrypted
        self.key_place = (
            tr("Kept in this device's secure storage.") if safe else tr("Kept in a file that only you can read.")
        )
        self.about = tr(
            "Steeple {version}, model release {release}", version=_version(), release=app.services.release.name
        )
        self._load_key()

    def on_leave(self, *_: Any) -> None:
        """Connects anew, if what was changed asks for it."""
        if self._stale:
            self._stale = False
            App.get_running_app().reconnect()

    def leave(self) -> None:
        """Goes back, with what was typed."""
        if self.save_server():
            self.save_key()
            App.get_running_app().back()

    def check(self) -> None:
        """Goes to the check, with what was typed."""
        if self.save_server():
            self.save_key()
            App.get_running_app().go("connection")

    def save(self, **changes: Any) -> bool:
        """Saves some of the settings.

        Returns:
            Whether they could be.
        """
        app = App.get_running_app()
        before = app.services.settings
        if all(getattr(before, name) == value for name, value in changes.items()):
            return True
        try:
            app.services.data.settings.change(**changes)
        except SteepleError as error:
            app.complain(error)
            return False
        self._stale = self._stale or bool(_CONNECTION & set(changes))
        app.apply_settings()
        if "send_location" in changes:
            app.follow_place()
        if "language" in changes:
            self.on_pre_enter()
        return True

    def save_server(self) -> bool:
        """Saves the address; what is none is told beside it."""
        app, text = App.get_running_app(), self.ids.server.text.strip()
        if text == app.services.settings.server:
            self.server_problem = ""
            return True
        try:
            app.services.data.settings.change(server=text)
        except InvalidArgumentError:
            self.server_problem = app.tr(words.TROUBLES[Trouble.BAD_ADDRESS])
            return False
        self.server_problem = ""
        self._stale = True
        self._load_key()
        return True

    def save_key(self) -> None:
        """Keeps the key where the device keeps secrets."""
        app, key = App.get_running_app(), self.ids.key.text.strip()
        server = app.services.settings.server
        if key != self._key and server:
            self._key, self._stale = key, True
            app.background.run(lambda: app.services.keep_key(server, key), lambda _: None, app.complain)

    def save_source(self, value: str) -> None:
        """Saves who answers."""
        self.save(answers_from=AnswersFrom(value))

    def save_theme(self, value: str) -> None:
        """Saves the colours."""
        self.save(theme=Theme(value))

    def save_location(self, active: bool) -> None:
        """Saves whether the location is used; the person is asked for it first."""
        app = App.get_running_app()
        if not active or app.device.permission(Need.LOCATION) is Permission.GRANTED:
            self.save(send_location=active)
            return
        app.device.ask(Need.LOCATION, lambda answer: app.background.post(lambda: self._location_answered(answer)))

    def _location_answered(self, answer: Permission) -> None:
        granted = answer is Permission.GRANTED
        self.ids.location.active = granted
        self.save(send_location=granted)

    def ask_to_erase(self) -> None:
        """Asks, and erases everything."""
        app = App.get_running_app()
        app.ask(
            app.tr("Erase everything?"),
            app.tr("History, packs, keys and settings on this device are deleted and cannot be brought back."),
            app.tr("Erase everything"),
            app.erase,
        )

    def _load_key(self) -> None:
        app = App.get_running_app()
        server = app.services.settings.server
        app.background.run(lambda: app.services.key(server), self._key_loaded, app.complain)

    def _key_loaded(self, key: str) -> None:
        self._key = key
        self.ids.key.put(key)


def _version() -> str:
    try:
        return version("steeple")
    except PackageNotFoundError:  # in the package for phones, which carries no metadata
        return ""
