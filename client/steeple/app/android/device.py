"""The phone as the app sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from steeple.app.android.bridge import Bridge, Java
from steeple.app.android.camera import AndroidCamera
from steeple.app.android.keystore import KeystoreSecrets
from steeple.app.android.location import Location
from steeple.app.android.permissions import Permissions
from steeple.app.android.photos import Photos
from steeple.app.android.power import conditions
from steeple.app.android.voice import Voice
from steeple.app.device import Appearance, Need, Permission, Place
from steeple.app.pace import Conditions

SECRETS: Final = "keystore.json"
"""Name of the file of encrypted secrets, in the app's folder."""

_KEEP_SCREEN_ON: Final = 128  # WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON
_NIGHT_MASK: Final = 0x30  # Configuration.UI_MODE_NIGHT_MASK
_NIGHT: Final = {0x10: False, 0x20: True}
_EDGE_TO_EDGE: Final = 35  # from which on windows of apps made for it (android.api) lie below the system's bars
_ORDINARY_STRENGTH: Final = -1  # VibrationEffect.DEFAULT_AMPLITUDE


class AndroidDevice:
    """See :class:`steeple.app.device.Device`.

    Args:
        bridge: To Android.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._permissions = Permissions(bridge)
        self._photos = Photos(bridge)
        self._location = Location(bridge, self._permissions)
        self._voice = Voice(bridge)
        self.folder: Path = Path(bridge.run(lambda: bridge.activity.getFilesDir().getAbsolutePath()))
        self.camera: AndroidCamera = AndroidCamera(bridge)
        self.secrets: KeystoreSecrets = KeystoreSecrets(bridge, self.folder / SECRETS)

    def permission(self, need: Need) -> Permission:
        """See :class:`steeple.app.device.Device`."""
        return self._permissions.state(need)

    def ask(self, need: Need, on_answer: Callable[[Permission], None]) -> None:
        """See :class:`steeple.app.device.Device`."""
        self._permissions.ask(need, on_answer)

    def open_settings(self) -> None:
        """See :class:`steeple.app.device.Device`."""
        self._permissions.open_settings()

    def appearance(self) -> Appearance:
        """See :class:`steeple.app.device.Device`."""
        return self._bridge.run(self._appearance)

    def conditions(self) -> Conditions:
        """See :class:`steeple.app.device.Device`."""
        return self._bridge.run(lambda: conditions(self._bridge))

    def watch_place(self, on_place: Callable[[Place], None]) -> None:
        """See :class:`steeple.app.device.Device`."""
        self._location.watch(on_place)

    def forget_place(self) -> None:
        """See :class:`steeple.app.device.Device`."""
        self._location.forget()

    def vibrate(self, milliseconds: int) -> None:
        """See :class:`steeple.app.device.Device`."""
        self._bridge.post(lambda: self._vibrate(milliseconds))

    def speak(self, text: str, language: str) -> None:
        """See :class:`steeple.app.device.Device`."""
        self._bridge.post(lambda: self._voice.speak(text, language))

    def keep_awake(self, on: bool) -> None:
        """See :class:`steeple.app.device.Device`."""

        def apply() -> None:
            window = self._bridge.activity.getWindow()
            (window.addFlags if on else window.clearFlags)(_KEEP_SCREEN_ON)

        self._bridge.post_to_window(apply)

    def pick_photo(self, on_photo: Callable[[bytes | None], None]) -> bool:
        """See :class:`steeple.app.device.Device`."""
        self._photos.pick(on_photo)
        return True

    def on_shared_photo(self, on_photo: Callable[[bytes], None]) -> None:
        """See :class:`steeple.app.device.Device`."""
        self._photos.on_shared(on_photo)

    def share(self, text: str, title: str) -> bool:
        """See :class:`steeple.app.device.Device`."""
        self._bridge.post(lambda: self._share(text, title))
        return True

    def show_on_map(self, latitude: float, longitude: float, label: str) -> None:
        """See :class:`steeple.app.device.Device`."""
        place = f"{latitude:.6f},{longitude:.6f}"
        self._bridge.post(lambda: self._show(place, label))

    def _appearance(self) -> Appearance:
        configuration = self._bridge.activity.getResources().getConfiguration()
        return Appearance(
            dark=_NIGHT.get(int(configuration.uiMode) & _NIGHT_MASK),
            language=str(configuration.getLocales().get(0).getLanguage()) or None,
            insets=self._insets(),
        )

    def _insets(self) -> tuple[int, int, int, int]:
        # Before, the system lays out the window beside its bars.
        insets = None
        if self._bridge.sdk >= _EDGE_TO_EDGE:
            insets = self._bridge.activity.getWindow().getDecorView().getRootWindowInsets()
        if insets is None:  # or the window is not shown yet
            return (0, 0, 0, 0)
        kinds = self._bridge.java("android.view.WindowInsets$Type")
        taken = insets.getInsets(int(kinds.systemBars()) | int(kinds.displayCutout()))
        return (int(taken.left), int(taken.top), int(taken.right), int(taken.bottom))

    def _vibrate(self, milliseconds: int) -> None:
        motor = self._bridge.activity.getSystemService("vibrator")
        if motor.hasVibrator():
            effect = self._bridge.java("android.os.VibrationEffect")
            motor.vibrate(effect.createOneShot(milliseconds, _ORDINARY_STRENGTH))

    def _share(self, text: str, title: str) -> None:
        kind = self._bridge.java("android.content.Intent")
        intent = kind("android.intent.action.SEND")
        intent.setType("text/plain")
        intent.putExtra("android.intent.extra.TEXT", text)
        self._bridge.activity.startActivity(kind.createChooser(intent, title))

    def _show(self, place: str, label: str) -> None:
        try:
            self._view(f"geo:{place}?q={place}({quote(label)})")
        except self._bridge.error:  # no app for maps
            latitude, longitude = place.split(",")
            self._view(f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=17/{latitude}/{longitude}")

    def _view(self, address: str) -> None:
        uri: Java = self._bridge.java("android.net.Uri").parse(address)
        self._bridge.activity.startActivity(
            self._bridge.java("android.content.Intent")("android.intent.action.VIEW", uri)
        )


def connect() -> AndroidDevice:
    """The phone that this runs on. To be called on Python's main thread, once.

    Raises:
        ModuleNotFoundError: Anywhere but in an app of python-for-android.
    """
    from steeple.app.android.pyjnius_bridge import PyjniusBridge  # noqa: PLC0415 - what it imports is on phones alone

    return AndroidDevice(PyjniusBridge())
