"""Permissions: asked for when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from steeple.app.android.bridge import Bridge
from steeple.app.device import Need, Permission

CAMERA: Final = "android.permission.CAMERA"

_NAMES: Final = {
    Need.CAMERA: (CAMERA,),
    # The person may grant the coarse one alone, which says where to search well enough.
    Need.LOCATION: ("android.permission.ACCESS_COARSE_LOCATION", "android.permission.ACCESS_FINE_LOCATION"),
}


class Permissions:
    """What the person has granted; see :class:`steeple.app.device.Device`."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._granted: set[Need] = set()
        self._blocked: set[Need] = set()
        self._lock = threading.Lock()

    def state(self, need: Need) -> Permission:
        """What the person has said so far.

        Whether the system asks no more is known only once it was asked to: until then, the answer is DENIED.
        """
        with self._lock:  # who takes a permission back ends the app, so that this never has to wait for Java again
            if need in self._granted:
                return Permission.GRANTED
        granted = self._bridge.run(lambda: any(self._bridge.has_permission(name) for name in _NAMES[need]))
        with self._lock:
            if granted:
                self._granted.add(need)
                return Permission.GRANTED
            return Permission.BLOCKED if need in self._blocked else Permission.DENIED

    def ask(self, need: Need, on_answer: Callable[[Permission], None]) -> None:
        """Shows the system's question, unless it is granted already."""
        if self.state(need) is Permission.GRANTED:
            on_answer(Permission.GRANTED)
            return

        def answered() -> None:
            # After a refusal, the system says that a reason should be shown as long as it would ask once more.
            asks_again = self._bridge.activity.shouldShowRequestPermissionRationale(_NAMES[need][0])
            with self._lock:
                (self._blocked.discard if asks_again else self._blocked.add)(need)
            on_answer(self.state(need))

        self._bridge.post(lambda: self._bridge.request_permissions(_NAMES[need], lambda: self._bridge.post(answered)))

    def open_settings(self) -> None:
        """Shows the system's settings of this app."""
        self._bridge.post(self._open_settings)

    def _open_settings(self) -> None:
        intent = self._bridge.java("android.content.Intent")("android.settings.APPLICATION_DETAILS_SETTINGS")
        package = self._bridge.activity.getPackageName()
        intent.setData(self._bridge.java("android.net.Uri").parse(f"package:{package}"))
        self._bridge.activity.startActivity(intent)
