"""Photos to choose from, and the proposal of one to the catalogue."""

from __future__ import annotations

from operator import is_
from pathlib import Path
from typing import Any

import numpy as np
from kivy.app import App
from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.screenmanager import Screen
from numpy.typing import NDArray

from steeple.app.ui.background import Latest
from steeple.app.ui.presenters import gallery
from steeple.app.ui.services import Looked
from steeple.app.ui.widgets.basic import TapFloat
from steeple.app.ui.widgets.forms import Option
from steeple.app.ui.widgets.page import EmptyNote
from steeple.errors import InvalidArgumentError, SteepleError


class GalleryTile(TapFloat):
    """A photo to choose."""

    photo = ObjectProperty(None, allownone=True, comparator=is_)
    path = StringProperty("")


class GalleryScreen(Screen):
    """Folders, and the photos of one of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.home = Path.home()
        self._folder: Path | None = None
        self._latest = Latest()

    def on_pre_enter(self, *_: Any) -> None:
        """Shows the first folder that is there."""
        there = gallery.folders(self.home)
        box = self.ids.folders
        box.clear_widgets()
        for folder in there:
            name = "~" if folder == self.home else folder.name
            option = Option(text=name, label=name)
            option.bind(on_release=lambda _, chosen=folder: self.open(chosen))
            if len(there) > 1:
                box.add_widget(option)
        if there:
            self.open(self._folder if self._folder in there else there[0])

    def on_leave(self, *_: Any) -> None:
        """Ends the loading of tiles."""
        self._latest.forget()

    def open(self, folder: Path) -> None:
        """Shows the photos of a folder."""
        app = App.get_running_app()
        self._folder = folder
        for option, there in zip(reversed(self.ids.folders.children), gallery.folders(self.home), strict=False):
            option.chosen = there == folder
        self.ids.tiles.clear_widgets()
        self._latest.run(app.background, lambda: gallery.photos_in(folder), self._next, app.complain)

    def _next(self, paths: tuple[Path, ...]) -> None:
        app = App.get_running_app()
        if not paths:
            if not self.ids.tiles.children:
                self.ids.tiles.add_widget(EmptyNote(icon="gallery", title=app.tr("No photos here")))
            return

        def loaded(photo: NDArray[np.uint8] | None) -> None:
            if photo is not None:
                tile = GalleryTile(photo=photo, path=str(paths[0]), label=paths[0].name)
                tile.bind(on_release=lambda _: app.look_at_path(paths[0]))
                self.ids.tiles.add_widget(tile)
            if len(paths) > 1:
                self._next(paths[1:])

        self._latest.run(app.background, lambda: gallery.tile(paths[0]), loaded, app.complain)


class ProposeScreen(Screen):
    """A photo for the catalogue."""

    problem = StringProperty("")
    place_help = StringProperty("")
    placed = BooleanProperty(False)
    looked = ObjectProperty(None, allownone=True, comparator=is_)

    def show(self, looked: Looked) -> None:
        """Shows the photo."""
        tr = App.get_running_app().tr
        self.looked = looked
        self.problem = ""
        self.placed = looked.location is not None
        self.place_help = tr("Helps to find it.") if self.placed else tr("The location of the photo is not known.")
        self.ids.photo.photo = looked.photo
        self.ids.place.active = False
        for field in (self.ids.name, self.ids.note):
            field.put("")

    def send(self) -> None:
        """Keeps the proposal, to be sent as soon as the server can be reached."""
        app, looked = App.get_running_app(), self.looked
        name, note = self.ids.name.text.strip(), self.ids.note.text.strip()
        if looked is None:
            return
        if not name:
            self.problem = app.tr("A name is needed, as people call it.")
            return
        located = bool(self.ids.place.active)
        app.background.run(
            lambda: app.services.propose(looked, name=name, note=note, located=located),
            lambda _: self._kept(),
            self._failed,
        )

    def _kept(self) -> None:
        app = App.get_running_app()
        app.say(app.tr("Thank you. A person will look at it."))
        app.settle()
        app.go_home()

    def _failed(self, error: SteepleError) -> None:
        if isinstance(error, InvalidArgumentError):
            self.problem = error.message
        else:
            App.get_running_app().complain(error)
