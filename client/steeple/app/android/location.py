"""Where the phone is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from steeple.app.android.bridge import Bridge, Java
from steeple.app.android.permissions import Permissions
from steeple.app.device import Need, Permission, Place

_LISTENER: Final = "android.location.LocationListener"
_PROVIDERS: Final = ("network", "gps")
_MILLISECONDS: Final = 2000
_METRES: Final = 5.0


class Location:
    """Tells the phone's place from when it is asked to; see :class:`steeple.app.device.Device`."""

    def __init__(self, bridge: Bridge, permissions: Permissions) -> None:
        self._bridge = bridge
        self._permissions = permissions
        self._lock = threading.Lock()
        self._on_place: Callable[[Place], None] | None = None
        self._listener: Java = None

    def watch(self, on_place: Callable[[Place], None]) -> None:
        """Begins to tell where the phone is."""
        with self._lock:
            self._on_place = on_place
        self._bridge.post(self._begin)

    def forget(self) -> None:
        """Ends that."""
        with self._lock:
            self._on_place = None
        self._bridge.post(self._end)

    def _manager(self) -> Java:
        return self._bridge.activity.getSystemService("location")

    def _begin(self) -> None:
        self._end()
        if self._permissions.state(Need.LOCATION) is not Permission.GRANTED:
            return
        manager = self._manager()
        self._listener = self._bridge.implement(
            _LISTENER,
            {
                ("onLocationChanged", "(Landroid/location/Location;)V"): self._moved,
                # Newer versions of Android call these first, and a Python object has none of an interface's own.
                ("onLocationChanged", "(Ljava/util/List;)V"): self._moved_several,
                ("onFlushComplete", "(I)V"): _nothing,
                ("onProviderEnabled", "(Ljava/lang/String;)V"): _nothing,
                ("onProviderDisabled", "(Ljava/lang/String;)V"): _nothing,
                ("onStatusChanged", "(Ljava/lang/String;ILandroid/os/Bundle;)V"): _nothing,
            },
        )
        looper = self._bridge.java("android.os.Looper").getMainLooper()
        known = manager.getAllProviders()
        names = {known.get(number) for number in range(known.size())}
        for name in _PROVIDERS:
            if name not in names:
                continue
            try:
                self._moved(manager.getLastKnownLocation(name))
                manager.requestLocationUpdates(name, _MILLISECONDS, _METRES, self._listener, looper)
            except self._bridge.error:  # the person has granted the coarse place only, which satellites do not give
                continue

    def _end(self) -> None:
        if self._listener is not None:
            self._manager().removeUpdates(self._listener)
            self._listener = None

    def _moved(self, location: Java) -> None:
        with self._lock:
            tell = self._on_place
        if location is not None and tell is not None:
            accuracy = float(location.getAccuracy()) if location.hasAccuracy() else None
            tell(Place(float(location.getLatitude()), float(location.getLongitude()), accuracy))

    def _moved_several(self, locations: Java) -> None:
        self._moved(locations.get(locations.size() - 1))


def _nothing(*_arguments: object) -> None:
    """What is told and of no use."""
