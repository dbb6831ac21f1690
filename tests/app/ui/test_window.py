"""The real app in a real window, with a real server: what a person sees and does."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.app.settings import Theme
from steeple.app.states import State
from steeple.app.ui.theme import DARK, LIGHT

from . import townscape
from .conftest import FILM_SIZE, FRAMES, RESTS_AT, Open, Served
from .driving import Driver

pytestmark = pytest.mark.filterwarnings("ignore:::kivy")


def connected(served: Served, **more: Any) -> dict[str, Any]:
    return {"server": served.address, "tls": False, "welcomed": True, "max_bytes": 49152, "language": "en"} | more


def live_of(driver: Driver) -> Any:
    return driver.app.screens.get_screen("live")


def until_found(driver: Driver) -> Any:
    live = live_of(driver)
    driver.until(
        lambda: live.view is not None and live.view.state is State.CERTAIN and live.view.outline is not None,
        "the church to be found",
    )
    return live


def test_the_church_is_found_and_lit_where_it_is(open_app: Open, served: Served) -> None:
    driver = open_app(FILM_SIZE, **connected(served))
    live = until_found(driver)
    assert live.title == "Springfield Minster"
    assert live.chip == "Found"
    driver.steps(20)  # lets the light come up
    while live.view.outline is None:
        driver.step()
    live.close()  # what is seen now stays
    lit = driver.picture()
    view, towards = live.view, _true_place(live.frame)
    live.ids.picture.outline = None
    without = driver.picture()

    # Which points of the reference image the outline goes through, and where the film really has them.
    of_reference = cv2.perspectiveTransform(view.outline[np.newaxis].astype(np.float64), np.linalg.inv(view.homography))
    left, top, _, _ = townscape.CHURCH
    in_town = of_reference + np.array([left, top])
    truth = cv2.perspectiveTransform(in_town, towards)[0]
    height, width = townscape.reference().shape[:2]
    assert of_reference[0].min() > -0.05 * width
    assert (of_reference[0] < (1.05 * width, 1.05 * height)).all()

    drawn = _changed_to(DARK.lit, lit, without)
    # Between the shades of the upper and the lower edge, which darken the line.
    free = truth[(truth[:, 1] > 116) & (truth[:, 1] < 308)]
    assert len(free) >= 4
    rows, columns = np.nonzero(drawn)
    distances = [np.hypot(columns - x, rows - y).min() for x, y in free]
    print(f"corners of the outline off by {np.round(distances, 1).tolist()} pixels")
    assert max(distances) < 12


def test_the_corners_of_the_church_are_where_they_are(open_app: Open, served: Served) -> None:
    driver = open_app(FILM_SIZE, resting=True, **connected(served))
    live = until_found(driver)
    frame, towards = townscape.view(RESTS_AT, FILM_SIZE)
    answers: set[int] = set()

    def answered_at_rest() -> bool:
        if live.frame is not None and np.abs(live.frame.astype(np.int16) - frame).mean() < 8:
            answers.add(id(live.view.answer))
        return len(answers) > 3 and live.view.homography is not None

    driver.until(answered_at_rest, "answers to a camera at rest")
    height, width = townscape.reference().shape[:2]
    of_reference = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    corners = cv2.perspectiveTransform(of_reference, live.view.homography)[0]
    off = np.hypot(*(corners - townscape.church_in(towards)).T)
    print(f"corners of the church off by {off.round(1).tolist()} pixels")
    assert off.max() < 12


def test_the_window_is_not_held_up_by_extraction(open_app: Open, served: Served) -> None:
    driver = open_app(FILM_SIZE, **connected(served))
    live = until_found(driver)
    driver.blocked.clear()
    driver.busy.clear()
    answers: set[int] = set()
    begun = time.monotonic()
    while len(answers) < 5 and time.monotonic() - begun < 30:
        driver.step()
        answers.add(id(live.view.answer))
    blocked, busy = np.array(driver.blocked), np.array(driver.busy)
    print(
        f"{len(blocked)} turns of the window's loop while {len(answers)} answers came: blocked for "
        f"{np.median(blocked):.1f} ms (median), {np.percentile(blocked, 99):.1f} (99th percentile), "
        f"{blocked.max():.1f} (longest); of that by the thread itself "
        f"{np.median(busy):.1f}, longest {busy.max():.1f} ms; latency {live.view.latency_ms:.0f} ms, "
        f"{live.view.answers_per_second:.1f} answers a second"
    )
    assert len(answers) >= 5
    # The thread's own time, so that others on the same processor do not count.
    assert busy.max() < 50


def test_a_tap_opens_the_sheet_and_the_history_fills(open_app: Open, served: Served) -> None:
    driver = open_app(**connected(served, send_location=True))
    live = until_found(driver)
    assert "350 m away" in live.detail
    driver.tap(live.ids.card)
    result = driver.app.screens.get_screen("result")
    driver.until(lambda: driver.screen is result and result.looked.entry is not None, "the sheet")
    assert result.kind == "found"
    assert result.title == "Springfield Minster"
    assert result.description == "Parish church, begun in 1212."
    matches = result.ids.matches
    assert matches.reference is not None
    assert len(matches.photo_points) == len(matches.reference_points) >= 20
    driver.tap(result.ids.right)
    driver.until(lambda: result.thanks, "thanks")
    driver.until(lambda: driver.app.services.data.proposals.count() == 0, "the server to be told")

    driver.app.back()
    driver.tap(live.ids.history)
    history = driver.app.screens.get_screen("history")
    driver.until(lambda: driver.screen is history and history.filled, "the history")
    assert [row.title for row in history.ids.rows.children] == ["Springfield Minster"]
    history.ids.search.text = "nowhere"
    driver.until(lambda: not history.filled, "nothing to be found")
    history.ids.search.text = "minster"
    driver.until(lambda: history.filled, "the entry")
    driver.tap(history.ids.rows.children[0])
    driver.until(lambda: driver.screen is result, "the sheet of the entry")
    assert result.title == "Springfield Minster"
    assert result.model.outline is not None


def test_settings_outlive_the_app(open_app: Open, served: Served) -> None:
    with open_app(**connected(served)) as driver:
        driver.app.go("settings")
        driver.steps()
        ids = driver.screen.ids
        driver.tap(ids.keeping)
        driver.tap(ids.theme.ids.box.children[1])
        driver.tap(ids.language.ids.box.children[0])
        assert driver.app.tr("Settings") == "설정"
        assert driver.app.theme is LIGHT
        heading = driver.screen.children[0].ids.heading
        assert heading.text == "설정"
        assert tuple(heading.color) == LIGHT.text
        ids.key.put("stp_secret")
        driver.screen.leave()
        driver.until(lambda: driver.app.services.key(served.address) == "stp_secret", "the key to be kept")
    driver = open_app()
    settings = driver.app.services.settings
    assert settings.allow_keeping
    assert settings.theme is Theme.LIGHT
    assert settings.language == "ko"
    assert driver.app.theme is LIGHT
    assert driver.app.services.key(served.address) == "stp_secret"
    assert "stp_secret" not in (driver.app.services.data.folder / "settings.json").read_text(encoding="utf-8")


def test_an_address_that_is_none_is_told_beside_it(open_app: Open) -> None:
    driver = open_app(welcomed=True, language="en")
    driver.app.go("settings")
    driver.steps()
    driver.screen.ids.server.put("nonsense")
    driver.screen.leave()
    assert driver.screen.name == "settings"
    assert "search.example.org:50051" in driver.screen.server_problem


def test_offline_is_shown_and_ends_when_the_server_is_back(open_app: Open, served: Served) -> None:
    driver = open_app(**connected(served))
    live = until_found(driver)
    served.stop()
    driver.until(lambda: live.view.state is State.OFFLINE, "the server to be missed")
    assert live.chip == "Offline"
    driver.tap(live.ids.shutter)
    result = driver.app.screens.get_screen("result")
    driver.until(lambda: driver.screen is result and result.kind == "waiting", "the photo to be kept")
    driver.app.back()
    driver.until(lambda: driver.app.waiting == 1, "the count")
    served.start()
    driver.until(lambda: live.view.state is State.CERTAIN, "the church to be found again", 60)
    driver.until(lambda: driver.app.services.data.waiting.count() == 0, "the photo to be answered", 60)
    (entry,) = driver.app.services.data.history.list()
    assert entry.answer.landmark is not None
    assert entry.answer.landmark.display_name == "Springfield Minster"


def test_without_permission_there_is_a_screen_that_says_so(open_app: Open) -> None:
    driver = open_app(allowed=False, welcomed=True, language="en")
    assert driver.screen.name == "permission"
    assert driver.screen.title == "May Steeple use the camera?"
    driver.app.device.permissions.clear()
    driver.tap(driver.screen.ids.allow)
    driver.until(lambda: driver.screen.name == "live", "the camera")
    driver.until(lambda: live_of(driver).frame is not None, "a frame")


def test_without_a_camera_photos_work_all_the_same(open_app: Open, served: Served, tmp_path: Any) -> None:
    driver = open_app(camera=False, **connected(served))
    assert driver.screen.name == "permission"
    assert driver.screen.title == "No camera"
    photo = tmp_path / "photo.jpg"
    cv2.imwrite(str(photo), townscape.view(11)[0][..., ::-1])
    driver.window.dispatch("on_drop_file", str(photo).encode(), 10, 10)
    result = driver.app.screens.get_screen("result")
    driver.until(lambda: driver.screen is result and result.kind == "found", "the answer")
    assert result.title == "Springfield Minster"


def test_the_walk_through_leads_to_the_camera(open_app: Open, served: Served) -> None:
    driver = open_app(tls=False, language="en")
    assert driver.screen.name == "welcome"
    titles = [driver.screen.title]
    for _ in range(2):
        driver.tap(driver.screen.ids.next)
        titles.append(driver.screen.title)
    driver.screen.ids.server.put(served.address)
    driver.tap(driver.screen.ids.next)
    titles.append(driver.screen.title)
    assert len(set(titles)) == 4
    driver.tap(driver.screen.ids.next)
    driver.until(lambda: driver.screen.name == "live", "the camera")
    assert driver.app.services.settings.welcomed
    assert driver.app.services.settings.server == served.address
    until_found(driver)


def test_the_connection_check_says_what_is_wrong(open_app: Open, served: Served) -> None:
    driver = open_app(**connected(served))
    driver.app.go("connection")
    driver.until(lambda: not driver.screen.busy, "the check")
    assert driver.screen.kind == "good"
    assert len(driver.screen.ids.steps.children) == 6
    driver.app.services.data.settings.change(server="127.0.0.1:9")
    driver.screen.check()
    driver.until(lambda: not driver.screen.busy, "the check")
    assert driver.screen.kind == "danger"
    assert "does not listen at this port" in driver.screen.ids.steps.children[0].detail


def _true_place(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Which frame of the film this is, by what it shows; the map from the town to it."""
    small = cv2.resize(frame, (80, 60), interpolation=cv2.INTER_AREA).astype(np.int16)
    views = [townscape.view(step, FILM_SIZE) for step in range(FRAMES)]
    apart = [
        np.abs(cv2.resize(picture, (80, 60), interpolation=cv2.INTER_AREA).astype(np.int16) - small).mean()
        for picture, _ in views
    ]
    return views[int(np.argmin(apart))][1]


def _changed_to(colour: tuple[float, ...], picture: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool[H, W]: pixels that have a colour, and had another one before."""
    wanted = np.array(colour[:3]) * 255
    has = np.abs(picture.astype(np.float64) - wanted).max(2) < 16
    changed = np.abs(picture.astype(np.int16) - before).max(2) > 24
    return np.asarray(has & changed, np.bool_)
