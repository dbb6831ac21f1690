"""What the person looked at before."""

from __future__ import annotations

from datetime import datetime
from operator import is_
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.screenmanager import Screen

from steeple.app.ui.background import Latest
from steeple.app.ui.presenters import history
from steeple.app.ui.presenters.history import HistoryRowModel
from steeple.app.ui.widgets.basic import TapBox
from steeple.app.ui.widgets.page import EmptyNote

_TYPING_SECONDS = 0.25


class HistoryRow(TapBox):
    """An entry."""

    entry = NumericProperty(0)
    title = StringProperty("")
    detail = StringProperty("")
    photo = ObjectProperty(None, allownone=True, comparator=is_)
    outline = ObjectProperty(None, allownone=True, comparator=is_)
    screen = ObjectProperty(None, allownone=True)


class HistoryScreen(Screen):
    """The entries, and a search among them."""

    waiting = StringProperty("")
    filled = BooleanProperty(False)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._text = ""
        self._latest = Latest()
        self._rows: list[HistoryRowModel] = []
        self._load = Clock.create_trigger(lambda _: self._load_page(), _TYPING_SECONDS)

    def on_pre_enter(self, *_: Any) -> None:
        """Loads the newest entries."""
        self._load_page()

    def search(self, text: str) -> None:
        """Shows the entries that hold some words."""
        self._text = text
        self._latest.forget()
        self._load()

    def show_more(self) -> None:
        """Shows the entries that follow."""
        if self._rows:
            self._load_page(self._rows[-1].entry)

    def delete(self, entry: int) -> None:
        """Deletes an entry."""
        app = App.get_running_app()
        app.background.run(lambda: app.services.data.history.delete(entry), lambda _: self._load_page(), app.complain)

    def ask_to_clear(self) -> None:
        """Asks, and deletes all entries."""
        app = App.get_running_app()
        app.ask(
            app.tr("Delete the whole history?"),
            app.tr("It is on this device alone, and cannot be brought back."),
            app.tr("Delete all"),
            self._clear,
        )

    def _clear(self) -> None:
        app = App.get_running_app()
        app.background.run(app.services.data.history.clear, lambda _: self._load_page(), app.complain)

    def _load_page(self, before: int | None = None) -> None:
        app = App.get_running_app()
        text, now = self._text, datetime.now().astimezone()
        self._latest.run(
            app.background,
            lambda: history.load(app.services.data.history, app.tr, text=text, before=before, now=now),
            lambda rows: self._show(rows, text, before),
            app.complain,
        )

    def _show(self, rows: tuple[HistoryRowModel, ...], text: str, before: int | None) -> None:
        app, box = App.get_running_app(), self.ids.rows
        if before is None:
            box.clear_widgets()
            self._rows = []
        self._rows += rows[: history.PAGE]
        for model in rows[: history.PAGE]:
            row = HistoryRow(
                entry=model.entry,
                title=model.title,
                detail=model.detail,
                photo=model.photo,
                outline=model.outline,
                label=f"{model.title}, {model.detail}",
                screen=self,
            )
            row.bind(on_release=lambda row: app.open_entry(int(row.entry)))
            box.add_widget(row)
        self.filled = bool(self._rows)
        app.present(self.ids.more, len(rows) > history.PAGE)
        waits = app.waiting
        self.waiting = app.tr.count("{n} photo waits for an answer.", "{n} photos wait for an answer.", waits)
        app.present(self.ids.waiting, waits > 0)
        if not self._rows:
            box.clear_widgets()
            box.add_widget(_nothing(app, text))


def _nothing(app: Any, text: str) -> EmptyNote:
    if text:
        return EmptyNote(icon="search", title=app.tr("Nothing found"), detail=app.tr("Try fewer or other words."))
    return EmptyNote(
        icon="history",
        title=app.tr("Nothing here yet"),
        detail=app.tr("What you take a photo of is listed here. It stays on this device."),
    )
