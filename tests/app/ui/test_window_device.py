"""What the app asks of the device it runs on, and what stays on it: no server is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.app.device import Need, OnFrame, Permission, Place
from steeple.app.found import Origin
from steeple.app.history import HistoryEntry
from steeple.app.settings import Theme
from steeple.app.states import State
from steeple.app.thumbnails import thumbnail_of
from steeple.app.ui.desktop import DesktopDevice
from steeple.app.ui.presenters import history
from steeple.client import LatLng

from . import townscape
from .conftest import Open
from .driving import Driver
from .test_presenters import answer, candidate, view

pytestmark = pytest.mark.filterwarnings("ignore:::kivy")

HOME: dict[str, Any] = {"welcomed": True, "language": "en"}


class TorchCamera:
    """A camera with a light, that gives one frame as it starts."""

    has_torch = True
    max_zoom = 2.0

    def __init__(self) -> None:
        self.done: list[str] = []
        self.factor = 1.0

    def start(self, on_frame: OnFrame) -> None:
        self.done.append("start")
        on_frame(townscape.view(3)[0], 1.0)

    def stop(self) -> None:
        self.done.append("stop")

    def torch(self, on: bool) -> None:
        self.done.append(f"torch {on}")

    def zoom(self, factor: float) -> float:
        self.factor = min(self.max_zoom, factor)
        return self.factor


class Phone(DesktopDevice):
    """A device that notes what is asked of it, and has a gallery of its own."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options | {"camera": TorchCamera()})
        self.felt: list[int] = []
        self.said: list[tuple[str, str]] = []
        self.mapped: list[tuple[float, float, str]] = []
        self.shared: list[tuple[str, str]] = []
        self.picked = b""
        self.receive: Callable[[bytes], None] = lambda _: None
        self.on_place: Callable[[Place], None] | None = None
        self.grants = Permission.GRANTED

    def ask(self, need: Need, on_answer: Callable[[Permission], None]) -> None:
        self.permissions[need] = self.grants
        thread = threading.Thread(target=on_answer, args=(self.grants,))
        thread.start()
        thread.join()

    def vibrate(self, milliseconds: int) -> None:
        self.felt.append(milliseconds)

    def speak(self, text: str, language: str) -> None:
        self.said.append((text, language))

    def show_on_map(self, latitude: float, longitude: float, label: str) -> None:
        self.mapped.append((latitude, longitude, label))

    def share(self, text: str, title: str) -> bool:
        self.shared.append((text, title))
        return True

    def pick_photo(self, on_photo: Callable[[bytes | None], None]) -> bool:
        on_photo(self.picked or None)
        return True

    def on_shared_photo(self, on_photo: Callable[[bytes], None]) -> None:
        self.receive = on_photo

    def watch_place(self, on_place: Callable[[Place], None]) -> None:
        self.on_place = on_place

    def forget_place(self) -> None:
        self.on_place = None

    @property
    def watched(self) -> bool:
        return self.on_place is not None


def encoded(photo: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", photo[..., ::-1])[1].tobytes()


def remembered(driver: Driver, name: str = "Eiffel Tower") -> int:
    photo = townscape.view(1)[0]
    other = candidate("Tokyo Tower", 0.1)
    entry = HistoryEntry(
        answer(candidate(name), other), Origin.SERVER, datetime(2026, 5, 10, tzinfo=UTC), thumbnail_of(photo)
    )
    return int(driver.app.services.data.remember(entry))


@pytest.mark.parametrize("wanted", [True, False])
def test_what_is_found_is_felt_and_said_once_if_it_is_wanted(open_app: Open, wanted: bool) -> None:
    driver = open_app(hurried=True, kind=Phone, speech=wanted, haptics=wanted, **HOME)
    driver.app.services.hang_up()  # the live loop's own views would come between
    driver.steps()
    found = answer(candidate())
    for _ in range(3):
        driver.app._view(view(State.CERTAIN, found))
        driver.steps()
        assert driver.screen.title == "Eiffel Tower"
    device = driver.app.device
    assert device.felt == ([30] if wanted else [])
    assert device.said == ([("Eiffel Tower. Very likely", "en")] if wanted else [])
    driver.app._view(view(State.UNKNOWN))
    driver.steps()
    assert len(device.felt) == wanted, "that is heard, and not felt"
    assert [text for text, _ in device.said[1:]] == (["I don't know this one"] if wanted else [])


def test_the_camera_rests_while_nobody_looks(open_app: Open) -> None:
    driver = open_app(hurried=True, kind=Phone, **HOME)
    app, done = driver.app, driver.app.device.camera.done
    driver.until(lambda: done == ["start"], "the camera")
    assert app.on_pause()
    driver.until(lambda: done == ["start", "stop"], "the camera to rest")
    app.on_resume()
    driver.until(lambda: done[2:] == ["start"], "the camera")
    app.go("settings")
    driver.until(lambda: done[3:] == ["stop"], "the camera to rest")
    app.on_pause()
    app.on_resume()
    driver.steps()
    assert driver.screen.name == "settings"
    assert done[4:] == []
    driver.window.dispatch("on_keyboard", 27, 0, "", [])
    driver.until(lambda: done[4:] == ["start"], "the camera")
    driver.tap(driver.screen.ids.pause)
    driver.until(lambda: done[5:] == ["stop"], "the camera to rest")
    assert driver.screen.chip == "Paused"
    app.on_resume()
    driver.steps()
    assert done[6:] == [], "who has paused it goes on by themselves"


def test_torch_and_zoom_are_those_of_the_camera(open_app: Open) -> None:
    driver = open_app(hurried=True, kind=Phone, **HOME)
    live, camera = driver.screen, driver.app.device.camera
    driver.until(lambda: live.has_torch, "the light")
    driver.tap(live.ids.torch)
    driver.tap(live.ids.torch)
    assert [what for what in camera.done if what.startswith("torch")] == ["torch True", "torch False"]
    live.zoom = 1.5
    assert (camera.factor, live.picture_zoom) == (1.5, 1.0)
    live.zoom = 4.0
    assert (camera.factor, live.picture_zoom) == (2.0, 2.0), "what the camera cannot is done by the window"


def test_the_place_is_known_only_while_it_is_wanted_and_granted(open_app: Open) -> None:
    driver = open_app(hurried=True, kind=Phone, **HOME)
    app: Any = driver.app
    device: Any = app.device
    device.permissions[Need.LOCATION] = Permission.DENIED
    device.grants = Permission.DENIED
    assert not device.watched
    app.go("settings")
    driver.steps()
    switch = driver.screen.ids.location
    driver.tap(switch)
    driver.steps()
    assert not switch.active
    assert not app.services.settings.send_location
    device.grants = Permission.GRANTED
    driver.tap(switch)
    driver.until(lambda: app.services.settings.send_location, "the setting")
    device.on_place(Place(48.8, 2.3))
    assert app.services.place == LatLng(48.8, 2.3)
    assert app.services.searcher.place == LatLng(48.8, 2.3)
    app.on_pause()
    assert not device.watched
    app.on_resume()
    assert device.watched
    driver.tap(switch)
    driver.steps()
    assert not device.watched
    assert app.services.place is None
    assert app.services.searcher.place is None


@pytest.mark.parametrize("way", ["picked", "shared", "folders"])
def test_a_photo_of_others_is_asked_about(open_app: Open, tmp_path: Path, way: str) -> None:
    driver = open_app(hurried=True, kind=DesktopDevice if way == "folders" else Phone, **HOME)
    photo = encoded(townscape.view(5)[0])
    if way == "picked":
        driver.app.device.picked = photo
        driver.tap(driver.screen.ids.gallery)
    elif way == "shared":
        driver.app.device.receive(photo)
    else:
        driver.app.screens.get_screen("gallery").home = tmp_path / "home"
        (tmp_path / "home/Pictures").mkdir(parents=True)
        (tmp_path / "home/Pictures/town.png").write_bytes(photo)
        driver.tap(driver.screen.ids.gallery)
        driver.until(lambda: len(driver.screen.ids.tiles.children) == 1, "the photo")
        (tile,) = driver.screen.ids.tiles.children
        assert tile.label == "town.png"
        driver.tap(tile)
    result = driver.app.screens.get_screen("result")
    driver.until(lambda: driver.screen is result and result.kind == "waiting", "the photo to be kept")
    (query,) = driver.app.services.data.waiting.list()
    assert len(query.features) > 100
    assert result.looked.photo.shape == (480, 640, 3)


def test_the_answer_to_an_earlier_photo_does_not_replace_a_later_one(open_app: Open) -> None:
    from steeple.app.ui.services import Looked

    driver = open_app(hurried=True, camera=False, **HOME)
    gate, answered = threading.Event(), threading.Event()
    earlier, later = (Looked(townscape.view(step)[0], None, datetime.now(UTC)) for step in (1, 2))

    def slow() -> Looked:
        gate.wait(20)
        answered.set()
        return Looked(earlier.photo, answer(candidate("The earlier one")), earlier.time)

    result = driver.app.screens.get_screen("result")
    driver.app._sheet(earlier, slow)
    driver.app._sheet(later, lambda: Looked(later.photo, answer(candidate("The later one")), later.time))
    driver.until(lambda: result.title == "The later one", "the answer")
    gate.set()
    driver.until(answered.is_set, "the other answer")
    driver.steps(20)
    assert result.title == "The later one"


def test_what_was_read_before_a_deletion_is_not_shown_after_it(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = open_app(hurried=True, kind=Phone, **HOME)
    app, read = driver.app, history.load
    begun, late = threading.Event(), threading.Event()
    first, _second = remembered(driver), remembered(driver, "Steeple of Nowhere")

    def load(*given: Any, **named: Any) -> Any:
        found = read(*given, **named)
        if not begun.is_set():
            begun.set()
            late.wait(20)
        return found

    monkeypatch.setattr(history, "load", load)
    app.go("history")
    rows = driver.screen.ids.rows
    driver.until(begun.is_set, "the first reading")
    driver.screen.delete(first)
    driver.until(lambda: [row.title for row in rows.children] == ["Steeple of Nowhere"], "the rest")
    late.set()
    both_threads, ended = threading.Barrier(2), list[int]()
    for _ in range(2):
        app.background.run(lambda: both_threads.wait(20), ended.append, app.complain)
    driver.until(lambda: len(ended) == 2, "what came late")
    assert [row.title for row in rows.children] == ["Steeple of Nowhere"]


def test_entries_are_opened_shown_on_a_map_shared_and_deleted(open_app: Open) -> None:
    driver = open_app(hurried=True, kind=Phone, **HOME)
    app, device = driver.app, driver.app.device
    first, _second = remembered(driver), remembered(driver, "Steeple of Nowhere")
    app.go("history")
    rows = driver.screen.ids.rows
    driver.until(lambda: len(rows.children) == 2, "the entries")
    assert [row.title for row in rows.children] == ["Eiffel Tower", "Steeple of Nowhere"], "the newest is above"
    app.open_entry(first)
    result = app.screens.get_screen("result")
    driver.until(lambda: driver.screen is result, "the sheet")
    assert [row.title for row in result.model.candidates] == ["Tokyo Tower"]
    assert result.ids.others.parent is None, "without features, there is nothing to tell"
    assert result.ids.telling.parent is None
    driver.tap(result.ids.map)
    assert device.mapped == [(48.8584, 2.2945, "Eiffel Tower")]
    result.share()
    assert device.shared[0][0].startswith("Eiffel Tower, recognised with Steeple")
    app.back()
    history = driver.screen
    assert history.name == "history"
    history.delete(first)
    driver.until(lambda: [row.title for row in rows.children] == ["Steeple of Nowhere"], "the entry to go")
    history.ask_to_clear()
    driver.steps()
    (question,) = [child for child in driver.window.children if hasattr(child, "confirm")]
    assert app.services.data.history.list() != ()
    driver.tap(question.ids.yes)
    driver.until(lambda: not history.filled, "all to go")
    assert app.services.data.history.list() == ()


def test_to_erase_forgets_everything_and_begins_anew(open_app: Open) -> None:
    driver = open_app(hurried=True, kind=Phone, theme=Theme.LIGHT, send_location=True, text_scale=1.5, **HOME)
    app = driver.app
    remembered(driver)
    assert app.device.on_place is not None
    app.go("settings")
    driver.steps()
    driver.screen.ask_to_erase()
    driver.steps()
    (question,) = [child for child in driver.window.children if hasattr(child, "confirm")]
    driver.tap(question.ids.no)
    assert len(app.services.data.history.list()) == 1
    driver.steps(30)
    driver.screen.ask_to_erase()
    driver.steps()
    question = next(child for child in driver.window.children if hasattr(child, "confirm") and child.opacity)
    driver.tap(question.ids.yes)
    driver.until(lambda: driver.screen.name == "welcome", "the beginning")
    assert app.services.data.history.list() == ()
    assert not app.services.settings.welcomed
    assert app.sp == 1.0
    assert app.device.on_place is None


def test_what_was_taken_out_comes_back_where_it_was(open_app: Open) -> None:
    driver = open_app(hurried=True, camera=False, **HOME)
    result, present = driver.app.screens.get_screen("result"), driver.app.present
    cards = [result.ids[name].__self__ for name in ("telling", "thanks", "others")]
    content = result.ids.page.content
    before = list(content.children)
    for card in cards:
        present(card, False)
    assert not set(cards) & set(content.children)
    for card in (cards[2], cards[0], cards[1]):
        present(card, True)
        present(card, True)
    assert content.children == before
