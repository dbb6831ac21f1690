"""The app on a desktop: a webcam or a video as its camera, the browser for maps."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
import webbrowser
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from steeple.app.device import Appearance, Camera, Need, OnFrame, Permission, Place
from steeple.app.pace import Conditions
from steeple.app.secrets import SecretStore
from steeple.errors import PermissionDeniedError

_SPEAKERS: Final = (("spd-say", "-l"), ("espeak-ng", "-v"))


class DesktopDevice:
    """A computer: a :class:`steeple.app.device.Device`.

    Args:
        folder: Where the app keeps its data; None: where the system has that of applications.
        camera: Its camera; None without one.
        place: Where it stands; None if that is not known.
        permissions: What the person has said; what is not in it is granted.
        copy: Puts a text on the clipboard.
    """

    secrets: Final[SecretStore | None] = None
    has_gallery: Final = False

    def __init__(
        self,
        folder: Path | None = None,
        *,
        camera: Camera | None = None,
        place: Place | None = None,
        permissions: dict[Need, Permission] | None = None,
        copy: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = default_folder() if folder is None else folder
        self.camera = camera
        self.permissions = {} if permissions is None else permissions
        self._place = place
        self._copy = copy

    def permission(self, need: Need) -> Permission:
        """See :class:`steeple.app.device.Device`."""
        return self.permissions.get(need, Permission.GRANTED)

    def ask(self, need: Need, on_answer: Callable[[Permission], None]) -> None:
        """See :class:`steeple.app.device.Device`."""
        on_answer(self.permission(need))

    def open_settings(self) -> None:
        """See :class:`steeple.app.device.Device`."""

    def appearance(self) -> Appearance:
        """See :class:`steeple.app.device.Device`."""
        return Appearance()

    def conditions(self) -> Conditions:
        """See :class:`steeple.app.device.Device`."""
        return Conditions()

    def watch_place(self, on_place: Callable[[Place], None]) -> None:
        """See :class:`steeple.app.device.Device`."""
        if self._place is not None:
            on_place(self._place)

    def forget_place(self) -> None:
        """See :class:`steeple.app.device.Device`."""

    def vibrate(self, milliseconds: int) -> None:
        """See :class:`steeple.app.device.Device`."""

    def speak(self, text: str, language: str) -> None:
        """See :class:`steeple.app.device.Device`."""
        for name, option in _SPEAKERS:
            if (program := shutil.which(name)) is not None:
                _in_background(_run, [program, option, language, "--", text])
                return

    def keep_awake(self, on: bool) -> None:
        """See :class:`steeple.app.device.Device`."""

    def pick_photo(self, on_photo: Callable[[bytes | None], None]) -> None:
        """Desktops have no gallery of their own; the app shows folders instead."""
        on_photo(None)

    def on_shared_photo(self, on_photo: Callable[[bytes], None]) -> None:
        """See :class:`steeple.app.device.Device`."""

    def share(self, text: str, title: str) -> None:
        """Puts the text on the clipboard."""
        del title
        if self._copy is not None:
            self._copy(text)

    def show_on_map(self, latitude: float, longitude: float, label: str) -> None:
        """See :class:`steeple.app.device.Device`."""
        del label
        place = urlencode({"mlat": f"{latitude:.6f}", "mlon": f"{longitude:.6f}"})
        _in_background(
            webbrowser.open, f"https://www.openstreetmap.org/?{place}#map=17/{latitude:.6f}/{longitude:.6f}"
        )


def default_folder() -> Path:
    """Where this system keeps the data of applications."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else Path.home() / ".local/share") / "steeple-app"


class FrameCamera:
    """A camera whose frames come from an iterator, read on a thread of its own.

    Args:
        frames: Makes the iterator, which gives uint8[H, W, 3] in RGB as fast as they are to be seen.
    """

    has_torch: Final = False
    max_zoom: Final = 1.0

    def __init__(self, frames: Callable[[], Iterable[NDArray[np.uint8]]]) -> None:
        self._frames = frames
        self._lock = threading.Lock()
        self._playing: tuple[threading.Thread, threading.Event] | None = None
        self.allowed = True

    def start(self, on_frame: OnFrame) -> None:
        """See :class:`steeple.app.device.Camera`."""
        if not self.allowed:
            raise PermissionDeniedError("the camera is not allowed")
        with self._lock:
            if self._playing is not None and self._playing[0].is_alive():
                return
            ended = threading.Event()
            thread = threading.Thread(target=self._play, args=(on_frame, ended), name="steeple-camera", daemon=True)
            self._playing = (thread, ended)
            thread.start()

    def stop(self) -> None:
        """See :class:`steeple.app.device.Camera`."""
        with self._lock:
            playing, self._playing = self._playing, None
        if playing is not None:
            playing[1].set()
            playing[0].join()

    def torch(self, on: bool) -> None:
        """See :class:`steeple.app.device.Camera`."""

    def zoom(self, factor: float) -> float:
        """See :class:`steeple.app.device.Camera`."""
        del factor
        return 1.0

    def _play(self, on_frame: OnFrame, ended: threading.Event) -> None:
        for frame in self._frames():
            if ended.is_set():
                return
            on_frame(frame, time.monotonic())


def _in_background(call: Callable[..., object], *arguments: object) -> None:
    threading.Thread(target=call, args=arguments, daemon=True).start()


def _run(command: list[str]) -> None:
    subprocess.run(  # noqa: S603 - a program found on the path; the text cannot be an option
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
