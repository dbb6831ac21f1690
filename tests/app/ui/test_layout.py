"""Every screen in several sizes, themes and languages: what can be tapped is large and named, nothing is cut off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from steeple.app.device import Appearance
from steeple.app.settings import Theme
from steeple.app.ui.theme import TOUCH

from . import townscape
from .conftest import Open
from .driving import Driver

pytestmark = pytest.mark.filterwarnings("ignore:::kivy")

SCREENS = (
    "live",
    "result",
    "history",
    "settings",
    "welcome",
    "connection",
    "permission",
    "packs",
    "gallery",
    "propose",
)
SIZES = {"phone": (412, 915), "small phone": (320, 568), "landscape": (915, 412), "tablet": (1280, 800)}


def walk(widget: Any) -> list[Any]:
    return [widget, *(found for child in widget.children for found in walk(child))]


def seen(widget: Any) -> bool:
    while widget is not None and hasattr(widget, "opacity"):
        if widget.opacity == 0 or widget.width < 1 or widget.height < 1:
            return False
        widget = widget.parent if widget.parent is not widget else None
    return True


def show(driver: Driver, name: str) -> Any:
    from steeple.app.ui.services import Looked

    app = driver.app
    looked = Looked(townscape.view(3)[0], None, datetime.now(UTC), location=None)
    if name == "result":
        app.screens.get_screen("result").show(looked, asking=True)
    elif name == "propose":
        app.screens.get_screen("propose").show(looked)
    app.go(name)
    driver.steps(8)
    assert driver.screen.name == name
    return driver.screen


@pytest.mark.parametrize(
    ("size", "theme", "language", "scale"),
    [
        ("phone", Theme.DARK, "en", 1.0),
        ("small phone", Theme.LIGHT, "ko", 1.25),
        ("landscape", Theme.LIGHT, "en", 1.0),
        ("tablet", Theme.DARK, "ko", 1.5),
    ],
)
def test_every_screen_fits(open_app: Open, size: str, theme: Theme, language: str, scale: float) -> None:
    from steeple.app.ui.widgets.basic import Tappable, Text

    driver = open_app(
        SIZES[size], hurried=True, camera=False, welcomed=True, theme=theme, language=language, text_scale=scale
    )
    wrong: list[tuple[str, str, str]] = []
    for name in SCREENS:
        screen = show(driver, name)
        for widget in filter(seen, walk(screen)):
            what = f"{type(widget).__name__} {getattr(widget, 'label', '') or getattr(widget, 'text', '')!r}"
            if isinstance(widget, Tappable):
                if min(widget.size) < TOUCH:
                    wrong.append((name, what, f"only {widget.width:.0f} by {widget.height:.0f}"))
                if not widget.label:
                    wrong.append((name, what, "without a label"))
            if isinstance(widget, Text) and widget.text:
                left, right = widget.to_window(widget.x, 0)[0], widget.to_window(widget.right, 0)[0]
                if left < -1 or right > driver.window.width + 1:
                    wrong.append((name, what, f"from {left:.0f} to {right:.0f}"))
                if widget.texture_size[0] > widget.width + 1:
                    wrong.append((name, what, f"{widget.texture_size[0]} wide in {widget.width:.0f}"))
        picture = driver.picture()
        assert picture.shape[:2] == SIZES[size][::-1]
        assert len(np.unique(picture[::5, ::5].reshape(-1, 3), axis=0)) > 20
    assert wrong == []


def test_turning_the_device_keeps_what_is_seen(open_app: Open) -> None:
    driver = open_app(SIZES["phone"], welcomed=True, language="en")
    live = driver.app.screens.get_screen("live")
    driver.until(lambda: live.frame is not None, "a frame")
    assert live.ids.controls.orientation == "horizontal"
    driver.resize(SIZES["landscape"])
    assert live.ids.controls.orientation == "vertical"
    assert live.ids.shutter.right <= driver.window.width
    assert live.ids.card.right <= live.ids.shutter.x
    placing = live.ids.picture.placing()
    assert placing.left <= 0
    assert placing.bottom <= 0
    assert placing.left + placing.size[0] >= driver.window.width - 1


def test_two_fingers_zoom(open_app: Open) -> None:
    from kivy.tests.common import UnitTestTouch

    driver = open_app(SIZES["phone"], welcomed=True)
    live = driver.app.screens.get_screen("live")
    driver.until(lambda: live.frame is not None, "a frame")
    one, other = UnitTestTouch(180, 400), UnitTestTouch(230, 400)
    one.touch_down()
    other.touch_down()
    other.touch_move(280, 400)
    assert live.zoom == pytest.approx(2.0, abs=0.05)
    other.touch_move(1000, 400)
    assert live.zoom == 4.0
    one.touch_up()
    other.touch_up()
    assert live._fingers == {}


def test_a_language_to_the_left_turns_rows_around(open_app: Open) -> None:
    from steeple.app.ui.language import Translator

    driver = open_app(SIZES["phone"], hurried=True, camera=False, welcomed=True, language="en")
    screen = show(driver, "settings")
    assert screen.children[0].ids.back.center_x < driver.window.width / 2
    driver.app.tr = Translator("ar")
    driver.steps()
    assert screen.children[0].ids.back.center_x > driver.window.width / 2
    assert screen.ids.tls.title == "Encrypt (TLS)"  # not translated, and there all the same


def test_nothing_lies_below_the_systems_bars(open_app: Open) -> None:
    from steeple.app.ui.widgets.basic import Tappable

    left, top, right, bottom = 40, 70, 50, 60
    driver = open_app(SIZES["landscape"], hurried=True, welcomed=True, language="en")
    appearance = Appearance(insets=(left, top, right, bottom))
    driver.app.device.appearance = lambda: appearance
    for size in (SIZES["phone"], SIZES["landscape"]):  # of a window that is turned, it is asked anew
        driver.resize(size)
        driver.until(lambda: list(driver.app.insets) == [left, top, right, bottom], "the bars")
        for name in ("live", "settings", "welcome"):
            screen = show(driver, name)
            header = [screen.ids.chip] if name == "live" else []
            tapped = [widget for widget in walk(screen) if isinstance(widget, Tappable) and seen(widget)]
            if name == "settings":
                tapped = [screen.children[0].ids.back]
            for widget in [*tapped, *header]:
                x, y = widget.to_window(widget.x, widget.y)
                assert x >= left - 1, (name, widget)
                assert y >= bottom - 1, (name, widget)
                assert x + widget.width <= size[0] - right + 1, (name, widget)
                assert y + widget.height <= size[1] - top + 1, (name, widget)
        driver.app.insets = (0, 0, 0, 0)


def test_a_photo_is_given_to_the_screen_once_and_no_larger_than_that_can_take(open_app: Open) -> None:
    from kivy.graphics import Rectangle

    from steeple.app.ui.services import Looked

    driver = open_app(SIZES["phone"], hurried=True, camera=False, welcomed=True, language="en")
    result = driver.app.screens.get_screen("result")
    photo = np.full((3000, 4100, 3), (200, 0, 0), np.uint8)
    result.show(Looked(photo, None, datetime.now(UTC)))
    driver.app.go("result")
    driver.steps(8)
    picture = result.ids.matches
    sizes = [part.texture.size for part in picture.canvas.children if type(part) is Rectangle and part.texture]
    assert [max(size) for size in sizes] == [2048]
    photo[:] = (0, 0, 200)  # which is seen if it is given anew
    driver.resize(SIZES["small phone"])
    x, y = (round(at) for at in picture.to_window(*picture.center))
    assert driver.picture()[driver.window.height - y, x].tolist() == [200, 0, 0]
