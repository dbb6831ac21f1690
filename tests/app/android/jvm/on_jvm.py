"""Runs the app's device with pyjnius on a desktop's Java, where classes of this folder stand in for Android's.

    PYTHON on_jvm.py STAGED CLASSES

Run with the Python of `make test-android`. It shows that pyjnius, of the version of its recipe, finds the methods among
those of the same name, converts what goes in and out, and is called back; what a phone does, it cannot show. Prints
what it found as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jnius_config

PATIENCE = 20.0
_CONFIG = """ACTIVITY_CLASS_NAME = "org.kivy.android.PythonActivity"
ACTIVITY_CLASS_NAMESPACE = "org/kivy/android/PythonActivity"
"""


def main(staged: str, classes: str) -> int:
    """Uses all of the device once."""
    jnius_config.add_classpath(classes)
    with tempfile.TemporaryDirectory() as folder:
        jnius_config.add_options(f"-Djava.io.tmpdir={folder}", "-Xmx256m")
        sys.path[:0] = [staged, _android_package(Path(folder) / "packages")]
        print(json.dumps(_use(Path(folder))), flush=True)  # noqa: T201
    os._exit(0)  # threads of the stand-ins would keep Java up


def _android_package(folder: Path) -> str:
    """The modules of python-for-android that the bridge uses, without those that only a phone can load."""
    recipes = importlib.util.find_spec("pythonforandroid.recipes")
    assert recipes is not None
    assert recipes.submodule_search_locations is not None
    source = Path(recipes.submodule_search_locations[0]) / "android/src/android"
    package = folder / "android"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "config.py").write_text(_CONFIG)
    for name in ("activity.py", "permissions.py"):
        shutil.copyfile(source / name, package / name)
    return str(folder)


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "that took too long"
        time.sleep(0.01)


def _use(folder: Path) -> dict[str, Any]:
    import jnius  # noqa: PLC0415 - after the class path is set

    from steeple.app.android import connect  # noqa: PLC0415

    jnius.autoclass("android.security.keystore.StandIn").install()
    device = connect()
    activity = jnius.autoclass("org.kivy.android.PythonActivity").mActivity
    found: dict[str, Any] = {"folder": str(device.folder) == str(folder)}
    found |= _permissions(device, activity)
    found |= _secrets(device, jnius)
    found |= _camera(device, jnius)
    found |= _photos(device, activity, jnius, folder)
    found |= _place(device, activity)
    found |= _rest(device, activity, jnius)
    return found


def _permissions(device: Any, activity: Any) -> dict[str, Any]:
    from steeple.app.device import Need  # noqa: PLC0415

    said: list[str] = [device.permission(Need.CAMERA).value]
    for need in (Need.CAMERA, Need.LOCATION):
        count = len(said)
        device.ask(need, lambda answer: said.append(answer.value))
        _until(activity.asks)
        activity.settle()
        activity.grant()
        _until(lambda count=count: len(said) > count)  # type: ignore[misc]
    return {"permissions": said}


def _secrets(device: Any, jnius: Any) -> dict[str, Any]:
    from steeple.errors import FailedPreconditionError  # noqa: PLC0415

    device.secrets.set("key of a:1", "stp_비밀")
    results: list[str | None] = []
    thread = threading.Thread(target=lambda: results.append(device.secrets.get("key of a:1")))
    thread.start()
    thread.join()
    stand_in = jnius.autoclass("android.security.keystore.StandIn")
    specification = stand_in.specification
    stand_in.KEYS.clear()
    try:
        results.append(device.secrets.get("key of a:1"))
    except FailedPreconditionError as error:
        results.append(type(error).__name__)
    return {"secrets": results, "key": specification}


def _camera(device: Any, jnius: Any) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415

    from steeple.errors import UnavailableError  # noqa: PLC0415

    kind = jnius.autoclass("android.hardware.Camera")
    frames: list[Any] = []
    kind.busy = True
    try:
        device.camera.start(lambda frame, _moment: frames.append(frame))
        refusal = ""
    except UnavailableError:
        refusal = "UnavailableError"
    kind.busy = False
    device.camera.torch(True)
    device.camera.start(lambda frame, _moment: frames.append(frame))
    camera = kind.last
    ramp = np.full((720 * 3 // 2, 1280), 128, np.uint8)  # no colour
    ramp[:720] = np.linspace(16, 235, 720).astype(np.uint8)[:, None]
    camera.see(ramp.tobytes())
    _until(lambda: frames)
    factor = device.camera.zoom(3.9)
    device.appearance()
    facts = camera.parameters
    parameters = [facts.width, facts.height, facts.format, facts.flash, facts.focus, facts.zoom, factor]
    device.camera.stop()
    frame = frames[0]
    return {
        "camera": [refusal, camera.texture.made, device.camera.has_torch, device.camera.max_zoom, *parameters],
        "frame": [list(frame.shape), int(frame[0, 0].max()), int(frame[0, -1].min())],  # turned clockwise
        "released": [bool(camera.released), bool(camera.shown)],
    }


def _photos(device: Any, activity: Any, jnius: Any, folder: Path) -> dict[str, Any]:
    resolver, intent = jnius.autoclass("android.content.ContentResolver"), jnius.autoclass("android.content.Intent")
    address = jnius.autoclass("android.net.Uri").parse("content://photos/1")
    photos: list[Any] = []

    def lay(content: bytes) -> None:
        (folder / "photo").write_bytes(content)
        resolver.descriptor = os.open(folder / "photo", os.O_RDONLY)

    lay(b"\xff\xd8 chosen")
    device.pick_photo(photos.append)
    device.appearance()
    activity.answer(activity.request, -1, intent("", address))
    _until(lambda: len(photos) == 1)
    resolver.descriptor = -1
    device.pick_photo(photos.append)
    device.appearance()
    activity.answer(activity.request, -1, intent("", address))
    _until(lambda: len(photos) == 2)
    device.on_shared_photo(photos.append)
    device.appearance()
    lay(b"\xff\xd8 shared")
    activity.give(_with_photo(intent("android.intent.action.SEND"), jnius.cast("android.os.Parcelable", address)))
    _until(lambda: len(photos) == 3)
    lay(b"\0\0\0\x18ftypheic and so on")
    activity.give(_with_photo(intent("android.intent.action.SEND"), jnius.cast("android.os.Parcelable", address)))
    _until(lambda: len(photos) == 4)
    return {"photos": [None if photo is None else photo.decode("latin-1") for photo in photos]}


def _with_photo(intent: Any, address: Any) -> Any:
    intent.putExtra("android.intent.extra.STREAM", address)
    return intent


def _place(device: Any, activity: Any) -> dict[str, Any]:
    places: list[Any] = []
    device.watch_place(places.append)
    device.appearance()
    manager = activity.services.get("location")
    asked = manager.asked
    manager.move()
    device.forget_place()
    device.appearance()
    return {
        "places": [[place.latitude, place.longitude, place.accuracy_m] for place in places],
        "asked": asked,
        "forgotten": manager.listener is None,
    }


def _rest(device: Any, activity: Any, jnius: Any) -> dict[str, Any]:
    conditions, appearance = device.conditions(), device.appearance()
    device.vibrate(40)
    device.keep_awake(True)
    device.speak("Big Ben", "en")
    voice = jnius.autoclass("android.speech.tts.TextToSpeech")
    _until(lambda: voice.last is not None and voice.last.said)
    device.speak("빅 벤", "ko")
    activity.started.clear()
    device.share("Big Ben, 97 %", "Share with")
    device.show_on_map(51.5, -0.12, "Big Ben")
    device.open_settings()
    device.appearance()
    activity.settle()
    started = [activity.started.get(number) for number in range(activity.started.size())]
    inner = started[0].extras.get("intent")
    return {
        "conditions": [conditions.battery, conditions.charging, conditions.heat],
        "appearance": [appearance.dark, appearance.language, list(appearance.insets)],
        "felt": activity.services.get("vibrator").felt,
        "flags": activity.window.flags,
        "said": voice.last.said,
        "shared": [started[0].extras.get("title"), inner.extras.get("android.intent.extra.TEXT"), inner.getType()],
        "started": [[one.getAction(), str(one.getData().toString())] for one in started[1:]],
    }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
