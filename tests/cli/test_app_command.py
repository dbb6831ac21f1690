"""``steeple app``: what can be said before there is a window."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.app.device import Place
from steeple.app.ui.desktop import DesktopDevice, default_folder

from .support import Steeple


@pytest.mark.parametrize("size", ["412", "412x", "big", "1x1"])
def test_a_size_that_is_none(size: str, steeple: Steeple) -> None:
    ran = steeple("app", "--size", size)
    assert ran.code == 2
    assert "WIDTHxHEIGHT" in ran.err


def test_a_place_that_is_none(steeple: Steeple) -> None:
    ran = steeple("app", "--at", "91,0")
    assert ran.code == 2
    assert "--at" in ran.err


def test_a_video_that_is_not_there(steeple: Steeple, tmp_path: Path) -> None:
    ran = steeple("app", "--video", tmp_path / "none.mp4", "--folder", tmp_path)
    assert ran.code == 11
    assert "there is no video" in ran.err


def test_the_computer_is_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[Place] = []
    device = DesktopDevice(tmp_path, place=Place(48.0, 2.0))
    device.watch_place(places.append)
    assert places == [Place(48.0, 2.0)]
    assert device.secrets is None
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "steeple-app"
