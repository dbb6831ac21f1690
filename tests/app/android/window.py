"""Opens the staged app's window, as it is staged, where nothing is seen; prints its screens as JSON.

PYTHON -S -P window.py STAGED FOLDER
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from tests.app.android.phone import guarded, modules_of, strangers

KIVYS = frozenset({"kivy", "kivy_deps", "certifi", "chardet", "idna", "requests", "urllib3", "filetype"})
"""What python-for-android installs with Kivy; the rest of what Kivy looks for is not on a phone."""


def main(staged: str, folder: str) -> int:
    """Imports the modules with windows, opens one, and ends."""
    os.environ |= {"SDL_VIDEODRIVER": "offscreen", "KIVY_NO_CONSOLELOG": "1", "KIVY_NO_ARGS": "1"}
    guard = guarded(staged, KIVYS | {"typing_extensions"})

    from steeple.app.ui.desktop import DesktopDevice  # noqa: PLC0415 - staged
    from steeple.app.ui.start import make  # noqa: PLC0415

    app = make(DesktopDevice(Path(folder)))
    modules = [name for name in modules_of(Path(staged)) if name.startswith("steeple.app.ui")]
    for name in modules:
        importlib.import_module(name)

    from kivy.clock import Clock  # noqa: PLC0415

    seen: list[str] = []

    def end(_passed: float) -> None:
        seen.append(app.screens.current)
        app.stop()

    Clock.schedule_once(end, 1.0)
    app.run()
    found = {"imported": modules, "strange": strangers(staged), "refused": sorted(guard.refused), "screens": seen}
    sys.__stdout__.write(json.dumps(found))  # type: ignore[union-attr] # Kivy has taken the other one
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
