"""Films as a camera."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.app.video import Video, VideoCamera, zoomed
from steeple.errors import UnavailableError
from tests.scenes import scene

from .answering import film

PATIENCE = 30.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames."""
    written = tmp_path_factory.mktemp("film") / "film.avi"
    film(1, 2, seconds=0.1).write(written)
    return written


def test_frames_are_those_of_the_film_in_order(path: Path) -> None:
    frames = list(Video(path, repeat=False).frames())
    numbers = [number for number, _ in frames]
    assert numbers
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(6))  # where the machine is slow, some are left out
    for number, pixels in frames:
        apart = [np.abs(pixels.astype(int) - film(1, 2, seconds=0.1).frame(other)).mean() for other in range(6)]
        assert apart[number] == min(apart)
        assert apart[number] < 10.0  # compressed, and of the right colours
        assert max(apart) > 30.0  # the other shot


def test_a_film_begins_again_and_its_numbers_go_on(path: Path) -> None:
    numbers = [-1]
    for number, _ in Video(path).frames(lambda: numbers[-1] >= 13):
        assert number > numbers[-1]
        numbers.append(number)
    assert numbers[-1] >= 13


def test_a_film_that_is_always_late_is_seen_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=0.2)  # as if each frame took so long
    monkeypatch.setattr("steeple.app.video.time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))
    asked = itertools.count()
    numbers = [number for number, _ in Video(path).frames(lambda: next(asked) >= 60)]
    assert len(numbers) >= 10
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("name", ["missing.avi", "text.avi"])
def test_what_is_no_film_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("no film", encoding="utf-8")
    camera = VideoCamera(Video(tmp_path / name))
    with pytest.raises(UnavailableError, match=name):
        camera.start(lambda frame, time: None)
    with pytest.raises(UnavailableError, match=name):
        next(iter(Video(tmp_path / name).frames()))
    camera.stop()


def test_a_webcam_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnavailableError, match="webcam 97 cannot be opened"):
        VideoCamera(Video(97)).start(lambda frame, time: None)


def test_a_camera_gives_frames_until_it_is_stopped(path: Path) -> None:
    camera = VideoCamera(Video(path))
    enough = threading.Event()
    taken: list[tuple[NDArray[np.uint8], float]] = []

    def on_frame(frame: NDArray[np.uint8], time: float) -> None:
        taken.append((frame, time))
        if len(taken) >= 3:
            enough.set()

    camera.torch(True)
    for _ in range(2):
        camera.start(on_frame)
        camera.start(on_frame)  # which changes nothing
        assert enough.wait(PATIENCE)
        camera.stop()
        count = len(taken)
        enough.clear()
    camera.stop()
    assert len(taken) == count
    assert {frame.shape for frame, _ in taken} == {(240, 320, 3)}
    times = [time for _, time in taken]
    assert times == sorted(times)


def test_a_camera_can_be_stopped_by_who_takes_its_frames(path: Path) -> None:
    camera, done = VideoCamera(Video(path)), threading.Event()

    def on_frame(_frame: NDArray[np.uint8], _time: float) -> None:
        camera.stop()
        done.set()

    camera.start(on_frame)
    assert done.wait(PATIENCE)


def test_zoom_shows_the_middle_enlarged() -> None:
    picture = scene(3, 320, 240)
    assert zoomed(picture, 1.0) is picture
    twice = zoomed(picture, 2.0)
    assert twice.shape == picture.shape
    middle = cv2.resize(twice, (160, 120), interpolation=cv2.INTER_AREA).astype(int)
    assert float(np.abs(middle - picture[60:180, 80:240]).mean()) < 3.0
    camera = VideoCamera(Video("film.avi"))
    assert [camera.zoom(factor) for factor in (0.5, 2.0, 99.0)] == [1.0, 2.0, 4.0]
