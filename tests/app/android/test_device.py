"""The rest of a phone: permissions, photos of others, battery, vibration, voice, maps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from steeple.app.android.bridge import REQUEST_PHOTO
from steeple.app.android.device import AndroidDevice
from steeple.app.android.photos import LARGEST
from steeple.app.device import Appearance, Device, Need, Permission
from steeple.app.pace import Conditions

from .standins import Intent, StandIns

COARSE = "android.permission.ACCESS_COARSE_LOCATION"
FINE = "android.permission.ACCESS_FINE_LOCATION"
CAMERA = "android.permission.CAMERA"
SEND = "android.intent.action.SEND"
STREAM = "android.intent.extra.STREAM"


@pytest.fixture
def device(bridge: StandIns) -> Device:
    return AndroidDevice(bridge)  # mypy holds that it is a Device


# --- permissions ---


def grant(bridge: StandIns, *names: str) -> Callable[[Sequence[str]], None]:
    return lambda _asked: bridge.granted.update(names)


def asked(bridge: StandIns, device: Device, need: Need) -> list[Permission]:
    answers: list[Permission] = []
    device.ask(need, answers.append)
    bridge.settle()
    return answers


def test_a_permission_is_asked_for_once(bridge: StandIns, device: Device) -> None:
    assert device.permission(Need.CAMERA) is Permission.DENIED
    assert bridge.asked == []
    bridge.answers = grant(bridge, CAMERA)
    assert asked(bridge, device, Need.CAMERA) == [Permission.GRANTED]
    assert asked(bridge, device, Need.CAMERA) == [Permission.GRANTED]
    assert bridge.asked == [CAMERA]
    assert device.permission(Need.LOCATION) is Permission.DENIED


def test_a_refusal_may_be_asked_again_until_the_system_asks_no_more(bridge: StandIns, device: Device) -> None:
    assert asked(bridge, device, Need.CAMERA) == [Permission.DENIED]
    bridge.activity.asks_again = False
    assert asked(bridge, device, Need.CAMERA) == [Permission.BLOCKED]
    assert device.permission(Need.CAMERA) is Permission.BLOCKED
    device.open_settings()
    bridge.settle()
    (settings,) = bridge.activity.started
    assert settings.action == "android.settings.APPLICATION_DETAILS_SETTINGS"
    assert settings.data == "package:org.steeple.steeple"
    bridge.granted.add(CAMERA)  # there
    assert device.permission(Need.CAMERA) is Permission.GRANTED


@pytest.mark.parametrize("granted", [(COARSE,), (COARSE, FINE)])
def test_a_coarse_place_is_enough(bridge: StandIns, device: Device, granted: tuple[str, ...]) -> None:
    bridge.answers = grant(bridge, *granted)
    assert asked(bridge, device, Need.LOCATION) == [Permission.GRANTED]
    assert bridge.asked == [COARSE, FINE]


# --- photos ---


def chosen(bridge: StandIns, device: Device, result: int, uri: str | None) -> list[bytes | None]:
    photos: list[bytes | None] = []
    device.pick_photo(photos.append)
    bridge.settle()
    (request,) = bridge.activity.requests
    bridge.results[0](request + 1, -1, Intent(uri="content://of-another-request"))
    bridge.results[0](request, result, Intent(uri=uri))
    bridge.settle()
    return photos


def test_a_photo_is_chosen(bridge: StandIns, device: Device) -> None:
    bridge.activity.files["content://photo/1"] = b"\xff\xd8 a photo"
    assert chosen(bridge, device, -1, "content://photo/1") == [b"\xff\xd8 a photo"]
    (picker,) = bridge.activity.started
    assert (picker.action, picker.type) == ("android.intent.action.GET_CONTENT", "image/*")
    assert bridge.activity.requests == [REQUEST_PHOTO]


@pytest.mark.parametrize(("result", "uri"), [(0, None), (-1, None), (0, "content://photo/1"), (-1, "content://gone")])
def test_no_photo_is_chosen(bridge: StandIns, device: Device, result: int, uri: str | None) -> None:
    bridge.activity.files["content://photo/1"] = b"a photo"
    assert chosen(bridge, device, result, uri) == [None]


def test_without_an_app_to_choose_with_there_is_none(bridge: StandIns, device: Device) -> None:
    bridge.activity.refuses = lambda _intent: True
    photos: list[bytes | None] = []
    device.pick_photo(photos.append)
    bridge.settle()
    assert photos == [None]


def test_to_choose_again_leaves_the_first_without(bridge: StandIns, device: Device) -> None:
    bridge.activity.files["content://photo/1"] = b"a photo"
    first: list[bytes | None] = []
    second: list[bytes | None] = []
    device.pick_photo(first.append)
    device.pick_photo(second.append)
    bridge.settle()
    bridge.results[0](REQUEST_PHOTO, -1, Intent(uri="content://photo/1"))
    bridge.results[0](REQUEST_PHOTO, -1, Intent(uri="content://photo/1"))  # nobody waits for this one
    bridge.settle()
    assert (first, second) == ([None], [b"a photo"])


def test_photos_are_shared_with_the_app_before_and_while_it_runs(bridge: StandIns, device: Device) -> None:
    bridge.activity.files |= {"content://1": b"one", "content://2": b"two"}
    bridge.activity.intent = shared("content://1")
    photos: list[bytes] = []
    device.on_shared_photo(photos.append)
    bridge.settle()
    bridge.intents[0](shared("content://2"))
    bridge.intents[0](Intent("android.intent.action.MAIN"))
    bridge.intents[0](Intent(SEND))
    bridge.intents[0](shared("content://gone"))
    device.on_shared_photo(photos.append)  # asked again: the first is not given twice
    bridge.settle()
    assert photos == [b"one", b"two"]


def shared(uri: str) -> Intent:
    intent = Intent(SEND)
    intent.putExtra(STREAM, uri)
    return intent


def test_a_file_without_end_is_left_out(bridge: StandIns, device: Device) -> None:
    bridge.activity.files["content://endless"] = bytes(LARGEST + 1)
    assert chosen(bridge, device, -1, "content://endless") == [None]


HEIC = b"\0\0\0\x18ftypheic and so on"


def test_what_opencv_cannot_read_is_decoded_by_the_phone(bridge: StandIns, device: Device) -> None:
    given: list[tuple[Any, ...]] = []

    def decode(source: Any) -> Any:
        given.append(source)
        return SimpleNamespace(compress=compress)

    def compress(kind: str, quality: int, output: Any) -> None:
        given.append((kind, quality))
        output.content = b"\xff\xd8 as JPEG"

    class Output:
        content = b""

        def toByteArray(self) -> bytes:
            return self.content

    bridge.classes |= {
        "java.nio.ByteBuffer": SimpleNamespace(wrap=lambda data: ("buffer", data)),
        "java.io.ByteArrayOutputStream": Output,
        "android.graphics.Bitmap$CompressFormat": SimpleNamespace(JPEG="JPEG"),
        "android.graphics.ImageDecoder": SimpleNamespace(
            createSource=lambda source: source,
            decodeBitmap=decode,
        ),
    }
    bridge.activity.files["content://heic"] = HEIC
    assert chosen(bridge, device, -1, "content://heic") == [b"\xff\xd8 as JPEG"]
    assert given == [("buffer", HEIC), ("JPEG", 92)]


def test_an_old_phone_gives_it_as_it_is(bridge: StandIns, device: Device) -> None:
    bridge.sdk = 27
    bridge.activity.files["content://heic"] = HEIC
    assert chosen(bridge, device, -1, "content://heic") == [HEIC]


# --- the rest ---


@pytest.mark.parametrize(
    ("percent", "charging", "status", "sdk", "expected"),
    [
        (55, False, 0, 34, Conditions(0.55, False, 0.0)),
        (100, True, 2, 29, Conditions(1.0, True, 0.5)),
        (1, False, 6, 34, Conditions(0.01, False, 1.0)),
        (-(2**31), False, 3, 28, Conditions(None, False, None)),
    ],
)
def test_battery_and_heat(
    bridge: StandIns, device: Device, percent: int, charging: bool, status: int, sdk: int, expected: Conditions
) -> None:
    bridge.sdk = sdk
    bridge.activity.services |= {
        "batterymanager": SimpleNamespace(getIntProperty=lambda _number: percent, isCharging=lambda: charging),
        "power": SimpleNamespace(getCurrentThermalStatus=lambda: status),
    }
    assert device.conditions() == expected


def test_the_app_looks_as_the_system_does(bridge: StandIns, device: Device) -> None:
    assert device.appearance() == Appearance(dark=True, language="ko")
    bridge.activity.configuration.uiMode = 0x11
    assert device.appearance().dark is False
    bridge.activity.configuration.uiMode = 0x01
    assert device.appearance().dark is None


def test_what_lies_below_the_systems_bars_is_told(bridge: StandIns, device: Device) -> None:
    def taken(kinds: int) -> Any:
        assert kinds == 1 | 8
        return SimpleNamespace(left=0, top=63, right=90, bottom=40)

    bridge.classes["android.view.WindowInsets$Type"] = SimpleNamespace(systemBars=lambda: 1, displayCutout=lambda: 8)
    bridge.sdk = 35
    assert device.appearance().insets == (0, 0, 0, 0)  # nothing is shown yet
    bridge.activity.taken = SimpleNamespace(getInsets=taken)
    assert device.appearance().insets == (0, 63, 90, 40)
    bridge.sdk = 34
    assert device.appearance().insets == (0, 0, 0, 0)  # the system lays out the window beside them


def test_what_was_granted_is_known_while_java_is_busy(bridge: StandIns, device: Device) -> None:
    bridge.granted |= {CAMERA, COARSE}
    assert device.permission(Need.CAMERA) is Permission.GRANTED
    busy = threading.Event()
    bridge.post(lambda: busy.wait(20))  # a photo of 60 MB that is read, say
    try:
        known = ThreadPoolExecutor(1).submit(lambda: device.permission(Need.CAMERA))
        assert known.result(10) is Permission.GRANTED
        ThreadPoolExecutor(1).submit(lambda: device.watch_place(lambda _place: None)).result(10)
    finally:
        busy.set()


def test_the_screen_stays_on_while_it_is_asked_to(bridge: StandIns, device: Device) -> None:
    device.keep_awake(True)
    bridge.settle()
    assert bridge.activity.flags == 128
    device.keep_awake(False)
    bridge.settle()
    assert bridge.activity.flags == 0


@pytest.mark.parametrize("motor", [True, False])
def test_a_vibration_is_felt_where_there_is_a_motor(bridge: StandIns, device: Device, motor: bool) -> None:
    felt: list[Any] = []
    bridge.classes["android.os.VibrationEffect"] = SimpleNamespace(createOneShot=lambda *facts: facts)
    bridge.activity.services["vibrator"] = SimpleNamespace(hasVibrator=lambda: motor, vibrate=felt.append)
    device.vibrate(40)
    bridge.settle()
    assert felt == ([(40, -1)] if motor else [])


def test_the_last_text_is_said_when_the_voice_is_ready(bridge: StandIns, device: Device) -> None:
    said: list[tuple[Any, ...]] = []
    spoken: list[str] = []
    listeners: list[Any] = []

    def engine(_activity: Any, listener: Any) -> Any:
        listeners.append(listener)
        return SimpleNamespace(setLanguage=choose, speak=lambda *facts: said.append(facts))

    def choose(language: str) -> int:
        spoken.append(language)
        return -2 if language == "xx" else 0

    bridge.classes |= {"android.speech.tts.TextToSpeech": engine, "java.util.Locale": str, "java.lang.String": str}
    device.speak("Big", "en")
    device.speak("Big Ben", "en")
    bridge.settle()
    assert said == []
    (listener,) = listeners
    listener.onInit(0)
    bridge.settle()
    device.speak("빅 벤", "ko")
    device.speak("?", "xx")  # a language that the voice lacks
    bridge.settle()
    assert [facts[0] for facts in said] == ["Big Ben", "빅 벤"]
    assert spoken == ["en", "ko", "xx"]


def test_a_phone_without_a_voice_says_nothing(bridge: StandIns, device: Device) -> None:
    listeners: list[Any] = []

    def engine(_activity: Any, listener: Any) -> Any:
        listeners.append(listener)
        return object()

    bridge.classes["android.speech.tts.TextToSpeech"] = engine
    device.speak("Big Ben", "en")
    bridge.settle()
    listeners[0].onInit(-1)
    device.speak("Big Ben", "en")
    bridge.settle()
    assert len(listeners) == 1


def test_a_text_is_offered_to_other_apps(bridge: StandIns, device: Device) -> None:
    device.share("Big Ben, 97 % sure", "Share with")
    bridge.settle()
    (chooser,) = bridge.activity.started
    assert chooser.extras["title"] == "Share with"
    assert chooser.extras["intent"].type == "text/plain"
    assert chooser.extras["intent"].extras == {"android.intent.extra.TEXT": "Big Ben, 97 % sure"}


def test_a_place_is_shown_on_a_map_or_else_on_a_page(bridge: StandIns, device: Device) -> None:
    device.show_on_map(51.5007, -0.1246, "Big Ben (clock)")
    bridge.settle()
    bridge.activity.refuses = lambda intent: str(intent.data).startswith("geo:")
    device.show_on_map(51.5007, -0.1246, "Big Ben")
    bridge.settle()
    assert [intent.data for intent in bridge.activity.started] == [
        "geo:51.500700,-0.124600?q=51.500700,-0.124600(Big%20Ben%20%28clock%29)",
        "https://www.openstreetmap.org/?mlat=51.500700&mlon=-0.124600#map=17/51.500700/-0.124600",
    ]
