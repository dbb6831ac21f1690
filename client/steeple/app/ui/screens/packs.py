"""Offline packs: those on this device, and those that the server offers."""

from __future__ import annotations

from typing import Any

from kivy.app import App
from kivy.properties import NumericProperty, ObjectProperty, StringProperty
from kivy.uix.screenmanager import Screen

from steeple.app.pack_shelf import OfferedPack, ShelvedPack
from steeple.app.ui.background import Latest
from steeple.app.ui.presenters import packs, words
from steeple.app.ui.widgets.basic import Card
from steeple.app.ui.widgets.page import EmptyNote
from steeple.errors import CancelledError, SteepleError


class PackRow(Card):
    """A pack."""

    pack = StringProperty("")
    title = StringProperty("")
    detail = StringProperty("")
    problem = StringProperty("")
    action = StringProperty("")
    action_label = StringProperty("")
    progress = NumericProperty(-1.0)
    screen = ObjectProperty(None, allownone=True)


class PacksScreen(Screen):
    """The packs."""

    notice = StringProperty("")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rows: dict[str, PackRow] = {}
        self._latest = Latest()
        self._stopped: set[str] = set()
        self._loading: set[str] = set()

    def on_pre_enter(self, *_: Any) -> None:
        """Lists them."""
        self._say("")
        self.load()

    def load(self) -> None:
        """Lists them: first those that are here, then those of the server."""
        app = App.get_running_app()
        shelf = app.services.data.packs

        def offered() -> tuple[tuple[OfferedPack, ...], SteepleError | None]:
            try:
                return shelf.offered(app.services.client), None
            except SteepleError as error:
                return (), error

        def listed(here: tuple[ShelvedPack, ...]) -> None:
            self._show(here, ())
            self._latest.run(app.background, offered, lambda found: self._loaded(here, *found), app.complain)

        self._latest.run(app.background, shelf.list, listed, app.complain)

    def _loaded(
        self, here: tuple[ShelvedPack, ...], offered: tuple[OfferedPack, ...], problem: SteepleError | None
    ) -> None:
        app = App.get_running_app()
        self._show(here, offered)
        if problem is not None:
            self._say(app.tr("What the server offers cannot be listed.") + " " + words.error_words(problem, app.tr))

    def _show(self, here: tuple[ShelvedPack, ...], offered: tuple[OfferedPack, ...]) -> None:
        app, box = App.get_running_app(), self.ids.rows
        box.clear_widgets()
        busy = {pack: row.progress for pack, row in self._rows.items() if pack in self._loading}
        self._rows = {}
        for model in packs.present(here, offered, app.tr):
            row = PackRow(
                pack=model.pack,
                title=model.title,
                detail=model.detail,
                problem=model.problem,
                action="close" if model.pack in busy else model.action,
                action_label=app.tr("Cancel") if model.pack in busy else model.label,
                progress=busy.get(model.pack, -1.0),
                screen=self,
            )
            self._rows[model.pack] = row
            box.add_widget(row)
        if not self._rows:
            detail = app.tr("Your server offers none. Whoever runs it can make one for your region.")
            box.add_widget(EmptyNote(icon="pack", title=app.tr("No packs yet"), detail=detail))

    def _say(self, text: str) -> None:
        self.notice = text
        App.get_running_app().present(self.ids.notice, bool(text))

    def act(self, pack: str, action: str) -> None:
        """Does what a row's button says."""
        {"download": self._download, "close": self._stop, "delete": self._delete}[action](pack)

    def _download(self, pack: str) -> None:
        app, row = App.get_running_app(), self._rows[pack]
        row.progress, row.action, row.action_label = 0.0, "close", app.tr("Cancel")
        self._stopped.discard(pack)
        self._loading.add(pack)

        def progress(received: int, total: int) -> bool:
            app.background.post(lambda: self._progressed(pack, received / max(1, total)))
            return pack not in self._stopped

        app.errands.run(
            lambda: app.services.data.packs.download(app.services.client, pack, on_progress=progress),
            lambda _: self._finished(pack, None),
            lambda error: self._finished(pack, error),
        )

    def _progressed(self, pack: str, share: float) -> None:
        if pack in self._rows and pack in self._loading:
            self._rows[pack].progress = share

    def _finished(self, pack: str, error: SteepleError | None) -> None:
        self._loading.discard(pack)
        app = App.get_running_app()
        if error is not None and not isinstance(error, CancelledError):
            app.complain(error)
        self.load()

    def _stop(self, pack: str) -> None:
        self._stopped.add(pack)

    def _delete(self, pack: str) -> None:
        app = App.get_running_app()
        app.ask(
            app.tr("Delete this pack?"),
            app.tr("It can be downloaded again."),
            app.tr("Delete"),
            lambda: app.background.run(
                lambda: app.services.data.packs.delete(pack), lambda _: self.load(), app.complain
            ),
        )
