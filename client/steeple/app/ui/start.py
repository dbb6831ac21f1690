"""Starts the app's window."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from steeple.app.data import AppData
from steeple.app.device import Device
from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError

if TYPE_CHECKING:
    from steeple.app.ui.application import SteepleApp

_PHONE: Final = (412, 915)

ENVIRONMENT: Final[Mapping[str, str]] = {
    "KIVY_NO_ARGS": "1",  # the command line is ours
    "KIVY_NO_FILELOG": "1",
    "KIVY_LOG_MODE": "PYTHON",  # leaves the root logger and standard error alone
}


def prepare(folder: Path, size: tuple[int, int] = _PHONE) -> None:
    """Tells Kivy how to open its window. Before anything of Kivy is imported.

    Args:
        folder: Where Kivy may keep what it wants to.
        size: Of the window, pixels.

    Raises:
        FailedPreconditionError: If Kivy is not installed, or finds no window system.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if "ANDROID_ARGUMENT" not in os.environ:  # elsewhere, programs are looked for and their absence complained of
        os.environ.setdefault("KIVY_CLIPBOARD", "sdl2")
    os.environ.setdefault("KIVY_HOME", str(folder / "kivy"))
    (folder / "kivy").mkdir(parents=True, exist_ok=True)
    try:
        from kivy.config import Config  # noqa: PLC0415 - reads the environment when it is imported
    except ModuleNotFoundError as error:
        raise FailedPreconditionError("the app needs Kivy: pip install 'steeple[app]'", package="kivy") from error
    from kivy.logger import Logger  # noqa: PLC0415

    # Kivy looks for programs of X11's selection, which nothing here needs, and is loud about their absence.
    Logger.addFilter(lambda record: not record.getMessage().startswith("Cutbuffer"))
    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "log_level", "warning")
    Config.set("kivy", "pause_on_minimize", "0")
    Config.set("graphics", "width", str(size[0]))
    Config.set("graphics", "height", str(size[1]))
    Config.set("graphics", "multisamples", "0")  # edges are smoothed as they are drawn
    Config.set("input", "mouse", "mouse,disable_multitouch")
    from kivy.core.window import Window  # noqa: PLC0415 - opens the window

    if Window is None:
        raise FailedPreconditionError("no window can be opened here: there is no display, or no OpenGL")


def make(
    device: Device, *, release: ModelRelease | None = None, size: tuple[int, int] = _PHONE, still: bool = False
) -> SteepleApp:
    """Makes the app for a device; its ``run()`` returns when the window is closed.

    Args:
        device: That it runs on.
        release: Model release to extract with; None: the default.
        size: Of the window, where the device lets apps choose it.
        still: Whether screens change at once instead of sliding.

    Raises:
        FailedPreconditionError: If Kivy is not installed, finds no window system, or the data cannot be used.
    """
    prepare(device.folder, size)
    from steeple.app.ui.application import SteepleApp  # noqa: PLC0415 - imports Kivy

    chosen = ModelRelease.load() if release is None else release
    data = AppData.open(device.folder, secrets=device.secrets, release=chosen)
    app = SteepleApp(data, device, chosen, still=still)
    app.bind(on_start=lambda _: _keep_what_is_there())
    return app


def _keep_what_is_there() -> None:
    # To look through all of it, again and again, for what is no longer used holds up the window for 50 ms and more.
    gc.collect()
    gc.freeze()
