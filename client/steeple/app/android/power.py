"""Battery and heat."""

from __future__ import annotations

from typing import Final

from steeple.app.android.bridge import Bridge
from steeple.app.pace import Conditions

_CAPACITY: Final = 4  # BatteryManager.BATTERY_PROPERTY_CAPACITY, percent
_THERMAL_STATUS: Final = 29
_CRITICAL: Final = 4  # PowerManager.THERMAL_STATUS_CRITICAL: all that can be is throttled; two more follow


def conditions(bridge: Bridge) -> Conditions:
    """What the phone says of itself. On the thread for Java."""
    battery = bridge.activity.getSystemService("batterymanager")
    percent = int(battery.getIntProperty(_CAPACITY))
    heat = None
    if bridge.sdk >= _THERMAL_STATUS:
        status = int(bridge.activity.getSystemService("power").getCurrentThermalStatus())
        heat = min(1.0, status / _CRITICAL)
    return Conditions(
        # What has no battery says the least of all integers.
        battery=percent / 100 if 0 <= percent <= 100 else None,
        charging=bool(battery.isCharging()),
        heat=heat,
    )
