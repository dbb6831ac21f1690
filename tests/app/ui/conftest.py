"""A window that nobody sees, a real server, and a film for a camera."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steeple.app.device import Need, Permission, Place
from steeple.app.ui.desktop import DesktopDevice
from steeple.app.video import Video, VideoCamera
from steeple.cli.local_server import local_server
from steeple.client import Client, LatLng

from . import townscape
from .driving import Driver

FILM_SIZE = (640, 480)
FRAMES = 60
RESTS_AT = 24
LARGEST = (1280, 915)

os.environ.setdefault("SDL_VIDEODRIVER", "offscreen")  # before Kivy is imported; a real display can be asked for
os.environ.setdefault("KIVY_NO_CONSOLELOG", "1")
os.environ["KIVY_METRICS_DENSITY"] = "1"
os.environ["KIVY_METRICS_FONTSCALE"] = "1"

_PROBE = """
import sys
from pathlib import Path
from steeple.app.ui.start import prepare
prepare(Path(sys.argv[1]))
"""


@pytest.fixture(scope="session")
def window_system(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Leaves out what needs a window, and says so, where none can be opened."""
    folder = tmp_path_factory.mktemp("probe")
    run = subprocess.run(
        [sys.executable, "-c", _PROBE, str(folder)], check=False, capture_output=True, text=True, timeout=120
    )
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        pytest.skip(f"no window can be opened here (apt-get install libgl1 libegl1 libgles2 libmtdev1): {reason}")


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that pans and zooms over a town with a church in it."""
    return _written(tmp_path_factory.mktemp("film") / "town.avi", [*range(FRAMES), *reversed(range(FRAMES))])


@pytest.fixture(scope="session")
def resting_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with a camera that comes to rest for a minute."""
    return _written(tmp_path_factory.mktemp("film") / "resting.avi", [*range(RESTS_AT), *[RESTS_AT] * 600])


def _written(path: Path, steps: Sequence[int]) -> Path:
    frames = {step: np.ascontiguousarray(townscape.view(step, FILM_SIZE)[0][..., ::-1]) for step in sorted(set(steps))}
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, FILM_SIZE)
    for step in steps:
        writer.write(frames[step])
    writer.release()
    return path


class Served:
    """A server with the church in its catalogue, that can go and come back at its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = contextlib.ExitStack()
        self.address = ""

    def start(self) -> None:
        flags = ("--address", self.address) if self.address else ()
        server = local_server(self._folder / "data", self._folder / "log", *flags)
        self.address = self._running.enter_context(server)

    def stop(self) -> None:
        self._running.close()

    def fill(self) -> None:
        with Client(self.address) as client:
            client.wait_until_ready()
            client.create_landmark(
                "Springfield Minster",
                landmark_id="minster",
                location=LatLng(51.5, -0.12),
                description="Parish church, begun in 1212.",
            )
            client.add_reference_image("minster", townscape.reference())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("server"))
    server.start()
    try:
        server.fill()
        yield server
    finally:
        server.stop()


Open = Callable[..., Driver]


@pytest.fixture
def open_app(window_system: None, film: Path, resting_film: Path, tmp_path: Path) -> Iterator[Open]:
    """Opens the app, with some of its settings changed, in a folder that is the same all through a test."""
    with contextlib.ExitStack() as running:

        def opened(
            size: tuple[int, int] = (412, 915),
            *,
            camera: bool = True,
            allowed: bool = True,
            hurried: bool = False,
            resting: bool = False,
            kind: Callable[..., DesktopDevice] = DesktopDevice,
            **settings: Any,
        ) -> Driver:
            from steeple.app.ui import start

            # What is drawn on lies in memory, of the size that the process' first window has: the largest of all tests.
            start.prepare(tmp_path, LARGEST)
            device = kind(
                tmp_path / "app",
                camera=VideoCamera(Video(resting_film if resting else film)) if camera else None,
                place=Place(51.503, -0.121),
                permissions={} if allowed else {Need.CAMERA: Permission.DENIED},
            )
            app = start.make(device, size=size, still=True)
            if settings:
                app.services.data.settings.change(**settings)
            return running.enter_context(Driver(app, size, hurried=hurried))

        yield opened
