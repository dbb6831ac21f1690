"""The app on a desktop: a webcam or a video as its camera, the browser for maps."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from steeple.app.device import Appearance, Camera, Need, Permission, Place
from steeple.app.pace import Conditions
from steeple.app.secrets import SecretStore

_SPEAKERS: Final = (("spd-say", "-l"), ("espeak-ng", "-v"))


class DesktopDevice:
    """A computer: a :class:`steeple.app.device.Device`.

    Args:
        folder: Where the app keeps its data; None: where the system has that of applications.
        camera: Its camera; None without one.
        place: Where it stands; None if that is not known.
        permissions: What the person has said; what is not in it is granted.
    """

    secrets: Final[SecretStore | None] = None

    def __init__(
        self,
        folder: Path | None = None,
        *,
        camera: Camera | None = None,
        place: Place | None = None,
        permissions: dict[Need, Permission] | None = None,
    ) -> None:
        self.folder = default_folder() if folder is None else folder
        self.camera = camera
        self.permissions = {} if permissions is None else permissions
        self._place = place

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
        if self._place is not None and self.permission(Need.LOCATION) is Permission.GRANTED:
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

    def pick_photo(self, on_photo: Callable[[bytes | None], None]) -> bool:
        """Desktops have no gallery of their own; the app shows folders instead."""
        del on_photo
        return False

    def on_shared_photo(self, on_photo: Callable[[bytes], None]) -> None:
        """See :class:`steeple.app.device.Device`."""

    def share(self, text: str, title: str) -> bool:
        """Puts the text on the clipboard."""
        del title
        from kivy.core.clipboard import Clipboard  # noqa: PLC0415 - the window is open by now

        Clipboard.copy(text)
        return False

    def show_on_map(self, latitude: float, longitude: float, label: str) -> None:
        """See :class:`steeple.app.device.Device`."""
        del label
        place = urlencode({"mlat": f"{latitude:.6f}", "mlon": f"{longitude:.6f}"})
        _in_background(webbrowser.open, f"https://www.openstreetmap.org/?{place}#map=17/{latitude:.6f}/{longitude:.6f}")


def default_folder() -> Path:
    """Where this system keeps the data of applications."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else Path.home() / ".local/share") / "steeple-app"


def _in_background(call: Callable[..., object], *arguments: object) -> None:
    threading.Thread(target=call, args=arguments, daemon=True).start()


def _run(command: list[str]) -> None:
    subprocess.run(  # noqa: S603 - a program found on the path; the text cannot be an option
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
