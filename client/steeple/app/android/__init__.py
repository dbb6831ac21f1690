"""The app's device on Android, through pyjnius: :func:`connect` gives it.

Nothing here needs Kivy, and only :mod:`steeple.app.android.pyjnius_bridge` imports what exists on a phone alone.
"""

from steeple.app.android.device import AndroidDevice, connect

__all__ = ["AndroidDevice", "connect"]
