"""Where the phone is, as Android's location service tells it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from steeple.app.android.device import AndroidDevice
from steeple.app.device import Device, Place

from .standins import JavaError, JavaList, StandIns

COARSE = "android.permission.ACCESS_COARSE_LOCATION"
FINE = "android.permission.ACCESS_FINE_LOCATION"


@pytest.fixture
def device(bridge: StandIns) -> Device:
    return AndroidDevice(bridge)  # mypy holds that it is a Device


class Satellites:
    """``android.location.LocationManager``."""

    def __init__(self) -> None:
        self.listeners: list[Any] = []
        self.providers: list[tuple[Any, ...]] = []
        self.known: dict[str, Any] = {}
        self.refused: set[str] = set()

    def getAllProviders(self) -> JavaList:
        return JavaList(["passive", "gps", "network"])

    def getLastKnownLocation(self, name: str) -> Any:
        if name in self.refused:
            raise JavaError("java.lang.SecurityException")
        return self.known.get(name)

    def requestLocationUpdates(self, name: str, milliseconds: int, metres: float, listener: Any, looper: Any) -> None:
        self.providers.append((name, milliseconds, metres, looper))
        self.listeners = [listener]

    def removeUpdates(self, listener: Any) -> None:
        self.listeners.remove(listener)


def location(latitude: float, longitude: float, accuracy: float | None = None) -> Any:
    return SimpleNamespace(
        getLatitude=lambda: latitude,
        getLongitude=lambda: longitude,
        hasAccuracy=lambda: accuracy is not None,
        getAccuracy=lambda: accuracy,
    )


@pytest.fixture
def satellites(bridge: StandIns) -> Satellites:
    satellites = Satellites()
    bridge.activity.services["location"] = satellites
    bridge.classes["android.os.Looper"] = SimpleNamespace(getMainLooper=lambda: "main looper")
    bridge.granted |= {COARSE, FINE}
    return satellites


def test_the_place_is_told_until_it_is_no_longer_asked_for(
    bridge: StandIns, device: Device, satellites: Satellites
) -> None:
    satellites.known["network"] = location(51.5, -0.12, 900.0)
    places: list[Place] = []
    device.watch_place(places.append)
    bridge.settle()
    (listener,) = satellites.listeners
    assert satellites.providers == [("network", 2000, 5.0, "main looper"), ("gps", 2000, 5.0, "main looper")]
    methods = listener.methods
    methods["onLocationChanged", "(Landroid/location/Location;)V"](location(51.5007, -0.1246))
    methods["onLocationChanged", "(Ljava/util/List;)V"](JavaList([location(0, 0), location(51.5008, -0.1247, 4.0)]))
    methods["onProviderDisabled", "(Ljava/lang/String;)V"]("gps")
    assert places == [Place(51.5, -0.12, 900.0), Place(51.5007, -0.1246), Place(51.5008, -0.1247, 4.0)]
    device.forget_place()
    bridge.settle()
    assert satellites.listeners == []
    methods["onLocationChanged", "(Landroid/location/Location;)V"](location(1, 1))  # one that was under way
    assert len(places) == 3
    device.watch_place(places.append)
    device.watch_place(places.append)
    bridge.settle()
    assert len(satellites.listeners) == 1


def test_satellites_are_left_out_where_only_a_coarse_place_is_granted(
    bridge: StandIns, device: Device, satellites: Satellites
) -> None:
    bridge.granted.discard(FINE)
    satellites.refused.add("gps")
    device.watch_place(lambda _place: None)
    bridge.settle()
    assert [name for name, *_ in satellites.providers] == ["network"]


def test_nobody_is_watched_without_permission(bridge: StandIns, device: Device, satellites: Satellites) -> None:
    bridge.granted.clear()
    device.watch_place(lambda _place: None)
    bridge.settle()
    assert satellites.listeners == []
