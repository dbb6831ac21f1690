"""The sheet about a photo: what it shows, why, and whether that is right."""

from __future__ import annotations

from datetime import datetime
from operator import is_
from typing import Any

from kivy.app import App
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.screenmanager import Screen

from steeple.app.ui.presenters import result
from steeple.app.ui.presenters.result import ResultModel
from steeple.app.ui.services import Looked
from steeple.app.ui.widgets.basic import TapBox
from steeple.delf.image import read_image

_SYMBOLS = {"unknown": "question", "waiting": "history", "asking": "eye", "failed": "warning"}


class CandidateRow(TapBox):
    """A landmark that it may be."""

    title = StringProperty("")
    percent = StringProperty("")


class TipRow(BoxLayout):
    """What would help."""

    text = StringProperty("")
    icon = StringProperty("light")


class ResultScreen(Screen):
    """The sheet."""

    kind = StringProperty("")
    title = StringProperty("")
    detail = StringProperty("")
    description = StringProperty("")
    percent = StringProperty("")
    symbol = StringProperty("")
    facts = StringProperty("")
    thanks = StringProperty("")
    confidence = NumericProperty(0.0)
    placed = BooleanProperty(False)
    may_propose = BooleanProperty(False)
    shared = StringProperty("")
    looked = ObjectProperty(None, allownone=True, comparator=is_)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.model: ResultModel | None = None

    def show(self, looked: Looked, *, asking: bool = False) -> None:
        """Shows what is known of a photo.

        Args:
            looked: The photo.
            asking: Whether somebody is being asked about it.
        """
        app = App.get_running_app()
        fresh = self.looked is None or self.looked.time != looked.time
        self.looked = looked
        model = result.present(looked, app.tr, now=datetime.now().astimezone(), place=app.services.place, asking=asking)
        self.model = model
        self.kind, self.title, self.detail, self.description = model.kind, model.title, model.detail, model.description
        self.percent, self.confidence = model.percent, model.confidence or 0.0
        self.symbol = _SYMBOLS.get(model.kind, "")
        self.facts = "\n".join(model.facts)
        self.placed, self.may_propose, self.shared = model.place is not None, model.may_propose, model.share
        if fresh:
            self.thanks = ""
            self.ids.page.ids.scroll.scroll_y = 1
        matches = self.ids.matches
        matches.reference = read_image(model.reference) if model.reference else None
        matches.photo_points, matches.reference_points = model.photo_points, model.reference_points
        matches.outline = model.outline
        matches.photo = looked.photo
        matches.draw()
        self._fill(model)

    def _fill(self, model: ResultModel) -> None:
        tips = self.ids.tips
        tips.clear_widgets()
        for text in model.tips:
            tips.add_widget(TipRow(text=text))
        rows = self.ids.candidates
        rows.clear_widgets()
        for item in model.candidates:
            row = CandidateRow(title=item.title, percent=item.percent)
            row.bind(on_release=lambda _, name=item.name: self.tell(False, landmark=name))
            rows.add_widget(row)
        told = bool(self.thanks)
        app = App.get_running_app()
        app.present(self.ids.propose, model.may_propose)
        app.present(self.ids.map, model.place is not None)
        app.present(self.ids.telling, model.kind == "found" and model.may_tell and not told)
        app.present(self.ids.thanks, told)
        app.present(self.ids.others, bool(model.candidates) and model.may_tell and not told)

    def tell(self, correct: bool, landmark: str | None = None) -> None:
        """Keeps what the person says of the answer, to be sent."""
        app = App.get_running_app()
        looked, model = self.looked, self.model
        if looked is None or looked.features is None or model is None:
            return
        answered = model.landmark or None
        app.background.run(
            lambda: app.services.tell(looked, correct=correct, shown=answered, landmark=landmark),
            lambda _: self._told(correct),
            app.complain,
        )

    def _told(self, correct: bool) -> None:
        app = App.get_running_app()
        self.thanks = app.tr("Thank you.") if correct else app.tr("Thank you. That helps to mend the catalogue.")
        if self.model is not None:
            self._fill(self.model)
        app.settle()

    def open_map(self) -> None:
        """Shows where the landmark is, in the app for that."""
        if self.model is not None and self.model.place is not None:
            place = self.model.place
            App.get_running_app().device.show_on_map(place.latitude, place.longitude, self.model.title)

    def share(self) -> None:
        """Offers what is found to other apps."""
        if self.model is not None and self.model.share:
            App.get_running_app().share(self.model.share, self.model.title)
