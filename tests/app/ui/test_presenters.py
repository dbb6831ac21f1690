"""What screens show of what there is, without a window."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.app.advice import Advice
from steeple.app.found import Origin
from steeple.app.live import LiveView
from steeple.app.pack_shelf import ShelvedPack
from steeple.app.states import State
from steeple.app.trouble import ConnectionReport, Stage, Step, Trouble, failed
from steeple.app.ui.language import Translator
from steeple.app.ui.placing import place
from steeple.app.ui.presenters import connection, gallery, live, packs, result, words
from steeple.app.ui.services import Looked
from steeple.client import Answer, Candidate, Landmark, LatLng, Timings
from steeple.errors import SteepleError, UnavailableError

EN, KO = Translator("en"), Translator("ko")
NOW = datetime(2026, 5, 10, 15, 30, tzinfo=UTC)
NONE = np.empty((0, 2), np.float32)
PARIS = LatLng(48.8584, 2.2945)


def candidate(name: str = "Eiffel Tower", confidence: float = 0.93, **more: object) -> Candidate:
    landmark = Landmark("landmarks/eiffel", name, location=PARIS, description="Iron, 1889.")
    made = Candidate(landmark, confidence, "landmarks/eiffel/images/1", 41, 60, NONE, NONE, NONE)
    return replace(made, **more)  # type: ignore[arg-type]


def answer(*candidates: Candidate, identified: bool = True) -> Answer:
    return Answer(identified, candidates, "models/delf-lite2-v1", 640, 480, 700, Timings(), 4090)


def view(state: State, given: Answer | None = None, **more: object) -> LiveView:
    made = LiveView(
        state=state,
        answer=given,
        photo=None,
        features=None,
        outline=None,
        homography=None,
        frame_size=(640, 480),
        confidence=None,
        origin=Origin.SERVER,
        pack=None,
        latency_ms=None,
        answers=0,
        answers_per_second=None,
        advice=None,
        problem=None,
        time=0.0,
    )
    return replace(made, **more)  # type: ignore[arg-type]


# --- live ---


def test_a_landmark_is_named_with_how_sure_and_how_far() -> None:
    model = live.present(view(State.CERTAIN, answer(candidate())), EN, place=LatLng(48.8556, 2.2986))
    assert (model.title, model.detail, model.percent) == ("Eiffel Tower", "Very likely · 450 m away", "93 %")
    assert model.spoken == "Eiffel Tower. Very likely"
    assert model.answer is not None
    offline = live.present(view(State.CERTAIN, answer(candidate()), pack="Paris"), EN)
    assert offline.detail == "Very likely · offline"


@pytest.mark.parametrize(
    ("state", "chip", "title"),
    [
        (State.UNKNOWN, "Unknown", "I don't know this one"),
        (State.OFFLINE, "Offline", "Nobody can answer now"),
        (State.LOOKING, "Looking", ""),
        (State.IDLE, "Paused", ""),
    ],
)
def test_every_state_has_a_word(state: State, chip: str, title: str) -> None:
    model = live.present(view(state), EN)
    assert (model.chip, model.title) == (chip, title)
    assert bool(model.title) != bool(model.hint)
    assert live.present(view(state), KO).chip != chip


def test_advice_is_given_where_nothing_is_found() -> None:
    assert live.present(view(State.LOOKING, advice=Advice.STEADIER), EN).hint == "Hold the camera still for a moment."
    assert live.present(view(State.UNKNOWN, advice=Advice.CLOSER), EN).detail == "Go closer, or zoom in."
    assert live.present(view(State.OFFLINE), EN, waiting=2).detail == "2 photos wait for an answer."
    assert live.present(None, EN).state is State.IDLE
    assert set(words.ADVICE) == set(Advice)


# --- the sheet ---


def looked(given: Answer | None, **more: object) -> Looked:
    photo = np.zeros((240, 320, 3), np.uint8)
    made = Looked(photo, given, NOW - timedelta(minutes=5), origin=Origin.SERVER)
    return replace(made, **more)  # type: ignore[arg-type]


def test_the_sheet_tells_what_was_found_and_how() -> None:
    outline = np.array([[0, 0], [639, 0], [639, 479]], np.float32)
    model = result.present(looked(answer(candidate(outline=outline), candidate("Tokyo Tower", 0.05))), EN, now=NOW)
    assert model.kind == "found"
    assert (model.title, model.percent, model.description) == ("Eiffel Tower", "93 %", "Iron, 1889.")
    assert model.facts == (
        "5 minutes ago",
        "Answered by the server",
        "41 details agree",
        "4 kB sent, and not the photo",
    )
    assert [item.title for item in model.candidates] == ["Tokyo Tower"]
    assert model.outline is not None
    np.testing.assert_allclose(model.outline[2], [319.25, 239.25])  # the photo is shown at half its size
    assert model.share == "Eiffel Tower, recognised with Steeple\ngeo:48.858400,2.294500"


def test_matches_are_fractions_of_the_reference_image() -> None:
    query = np.array([[99.5, 49.5]], np.float32)
    reference = np.array([[499.5, 199.5]], np.float32)
    found = candidate(query_points=query, reference_points=reference, reference_width=1000, reference_height=800)
    model = result.present(looked(answer(found)), EN, now=NOW)
    assert model.photo_points is not None
    assert model.reference_points is not None
    np.testing.assert_allclose(model.photo_points, [[49.5, 24.5]])
    np.testing.assert_allclose(model.reference_points, [[0.5, 0.25]])
    unsized = result.present(looked(answer(replace(found, reference_width=0))), EN, now=NOW)
    assert unsized.reference_points is None


def test_unknown_is_friendly_and_hides_what_is_hardly_possible() -> None:
    unknown = answer(candidate(confidence=0.2), candidate("Nothing", 0.001), identified=False)
    model = result.present(looked(unknown), EN, now=NOW)
    assert model.kind == "unknown"
    assert len(model.tips) == 3
    assert [item.title for item in model.candidates] == ["Eiffel Tower"]
    assert model.landmark == ""


def test_what_waits_and_what_failed_say_so() -> None:
    assert result.present(looked(None), EN, now=NOW).kind == "asking"
    assert result.present(looked(None, waiting=True), EN, now=NOW).title == "Kept for later"
    broken = result.present(looked(None, problem=UnavailableError("x")), EN, now=NOW)
    assert (broken.kind, broken.detail) == ("failed", "The server cannot be reached.")


# --- words ---


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=3), "today, 12:30"),
        (timedelta(hours=20), "yesterday, 19:30"),
        (timedelta(days=40), "2026-03-31, 15:30"),
    ],
)
def test_times_are_told_from_now(age: timedelta, text: str) -> None:
    assert words.time_words(NOW - age, NOW, EN) == text


@pytest.mark.parametrize(
    ("meters", "text"),
    [(5, "right here"), (87, "90 m away"), (430, "450 m away"), (1234, "1.2 km away"), (73_400, "73 km away")],
)
def test_distances_are_as_precise_as_a_phone(meters: float, text: str) -> None:
    assert words.distance_words(meters, EN) == text


def test_distances_are_those_of_the_earth() -> None:
    assert words.distance_meters(PARIS, LatLng(51.5007, -0.1246)) == pytest.approx(340_600, rel=0.003)
    assert words.distance_meters(PARIS, PARIS) == 0


@given(st.floats(0, 1))
def test_a_confidence_is_never_more_than_it_is(confidence: float) -> None:
    shown = int(words.percent(confidence).removesuffix(" %"))
    assert shown <= 99
    assert shown <= 100 * confidence + 1e-6
    assert words.confidence_words(confidence, EN)[0].isupper()


def test_every_error_and_trouble_has_words() -> None:
    assert set(words.TROUBLES) == set(Trouble)
    assert set(words.STAGES) == set(Stage)
    for kind in SteepleError.__subclasses__():
        assert words.error_words(kind("precisely this"), EN)
    assert words.bytes_words(999) == "999 B"
    assert words.bytes_words(4096) == "4 kB"
    assert words.bytes_words(12_345_678) == "12.3 MB"


# --- connection, packs, photos ---


def test_the_first_trouble_of_a_connection_is_told_with_what_to_do() -> None:
    report = ConnectionReport((Step(Stage.ADDRESS, True, "x"), failed(Stage.NETWORK, Trouble.REFUSED, "y")))
    model = connection.present(report, EN)
    assert model.kind == "danger"
    assert [step.kind for step in model.steps] == ["good", "danger"]
    assert model.steps[1].detail == words.TROUBLES[Trouble.REFUSED]
    warned = ConnectionReport((replace(failed(Stage.ENCRYPTION, Trouble.KEY_IN_CLEAR, "z"), passed=True),), 12.4)
    assert connection.present(warned, EN).verdict == "All is well: 12 ms there and back"
    assert connection.present(warned, EN).steps[0].kind == "info"
    assert connection.present(None, KO).kind == "info"


def test_packs_on_the_device_can_be_deleted() -> None:
    pack = ShelvedPack("paris", "Paris", Path("paris.pack"), 8_400_000, "delf-lite2-v1", 500, PARIS, 5000.0, NOW, NOW)
    (row,) = packs.present([pack], [], EN)
    assert (row.title, row.detail, row.action) == ("Paris", "500 landmarks · 8.4 MB · on this device", "delete")
    (bad,) = packs.present([replace(pack, problem="of another release")], [], EN)
    assert bad.problem


def test_photos_of_a_folder_come_newest_first_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    for age, name in enumerate(("new.png", "old.JPG", "note.txt", "broken.jpg")):
        path = tmp_path / name
        path.write_bytes(cv2.imencode(".png", np.full((90, 120, 3), 200, np.uint8))[1].tobytes())
        if name == "broken.jpg":
            path.write_bytes(b"none")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    found = gallery.photos_in(tmp_path)
    assert [path.name for path in found] == ["new.png", "old.JPG", "broken.jpg"]
    tile = gallery.tile(found[0])
    assert tile is not None
    assert tile.shape == (90, 120, 3)
    assert gallery.tile(found[2]) is None
    assert gallery.photos_in(tmp_path / "none") == ()


# --- where pictures lie ---


sides = st.integers(16, 4000)


@given(sides, sides, sides, sides)
def test_a_picture_that_fills_leaves_no_gap_and_one_that_fits_is_all_seen(
    width: int, height: int, across: int, up: int
) -> None:
    filled = place((width, height), (10, 20), (across, up), fill=True, focus=(width * 0.9, height * 0.1))
    assert filled.left <= 10 + 1e-6
    assert filled.bottom <= 20 + 1e-6
    assert filled.left + filled.size[0] >= 10 + across - 1e-6
    assert filled.bottom + filled.size[1] >= 20 + up - 1e-6
    fitted = place((width, height), (10, 20), (across, up), fill=False)
    assert fitted.size[0] <= across + 1e-6
    assert fitted.size[1] <= up + 1e-6


def test_pixels_are_found_in_the_window() -> None:
    placing = place((100, 50), (0, 0), (200, 100), fill=True)
    corners = placing.to_window(np.array([[-0.5, -0.5], [99.5, 49.5], [49.5, 24.5]]))
    np.testing.assert_allclose(corners, [[0, 100], [200, 0], [100, 50]])
    focused = place((100, 50), (0, 0), (50, 50), fill=True, focus=(80, 25))
    np.testing.assert_allclose(focused.to_window(np.array([[99.5, 25]]))[0, 0], 50)
