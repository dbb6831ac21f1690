"""The device that the app runs on: what it has beside a window, without saying whose it is.

:class:`steeple.app.android.AndroidDevice` is a phone. What a device does not have is None, and what is not given says
nothing: a desktop has no torch, and does not know where it is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.app.pace import Conditions
from steeple.app.secrets import SecretStore

OnFrame: TypeAlias = Callable[[NDArray[np.uint8], float], None]
"""Takes a frame, uint8[H, W, 3] in RGB, upright as the device is held, that nobody writes to afterwards; and when it
came, in seconds of ``time.monotonic``."""


class Need(enum.Enum):
    """What a person is asked for when it is needed, and not before."""

    CAMERA = "camera"
    LOCATION = "location"


class Permission(enum.Enum):
    """What a person said."""

    GRANTED = "granted"
    DENIED = "denied"
    """Not granted; asking shows the system's question."""
    BLOCKED = "blocked"
    """Not granted, and the system asks no more: only its settings help (:meth:`Device.open_settings`)."""


@dataclass(frozen=True)
class Place:
    """Where the device is.

    Attributes:
        latitude: Degrees north, WGS 84.
        longitude: Degrees east.
        accuracy_m: Radius in metres within which it is with 68 %; None if that is not known.
    """

    latitude: float
    longitude: float
    accuracy_m: float | None = None


@dataclass(frozen=True)
class Appearance:
    """How the person has set up the system.

    Attributes:
        dark: Whether apps shall be dark; None if the system does not say.
        language: ISO 639 code, such as ``ko``; None if the system does not say.
        insets: Pixels of the window at its left, top, right and lower edge that bars of the system lie upon.
    """

    dark: bool | None = None
    language: str | None = None
    insets: tuple[int, int, int, int] = (0, 0, 0, 0)


class Camera(Protocol):
    """A camera that gives frames. All methods may be called from any thread."""

    @property
    def has_torch(self) -> bool:
        """Whether there is a light; False before the first start."""

    @property
    def max_zoom(self) -> float:
        """Largest factor of :meth:`zoom`; 1.0 before the first start, or without zoom."""

    def start(self, on_frame: OnFrame) -> None:
        """Begins to give frames, on a thread of the camera's own; a frame that comes while one is taken is dropped.

        Nothing happens if it runs already. Torch and zoom are as they were left.

        Raises:
            UnavailableError: If there is no camera, or another app has it.
            PermissionDeniedError: If the person has not granted it.
        """

    def stop(self) -> None:
        """Ends that and lets go of the camera; no frame comes after it has returned. Nothing if it does not run."""

    def torch(self, on: bool) -> None:
        """Turns the light on or off; nothing without one."""

    def zoom(self, factor: float) -> float:
        """Zooms.

        Args:
            factor: 1.0 is the whole picture; brought between 1.0 and :attr:`max_zoom`.

        Returns:
            The factor that it has now, the nearest that the camera knows.
        """


class Device(Protocol):
    """What the app uses of the device. All methods may be called from any thread.

    Callbacks come on a thread of the device's, so a window must pass them on to its own.
    """

    @property
    def folder(self) -> Path:
        """Where this app alone may write."""

    @property
    def camera(self) -> Camera | None:
        """None without one."""

    @property
    def secrets(self) -> SecretStore | None:
        """The platform's secure storage; None if the app has to choose one itself."""

    def permission(self, need: Need) -> Permission:
        """What the person has said so far; never shows anything."""

    def ask(self, need: Need, on_answer: Callable[[Permission], None]) -> None:
        """Shows the system's question, unless it is answered already."""

    def open_settings(self) -> None:
        """Shows the system's settings of this app, where permissions can be changed."""

    def appearance(self) -> Appearance:
        """How the person has set up the system, and what of the window it takes for itself."""

    def conditions(self) -> Conditions:
        """Battery and heat."""

    def watch_place(self, on_place: Callable[[Place], None]) -> None:
        """Begins to tell where the device is; again replaces who is told. Nothing without permission or receiver."""

    def forget_place(self) -> None:
        """Ends that."""

    def vibrate(self, milliseconds: int) -> None:
        """A touch that is felt; nothing where there is no motor."""

    def speak(self, text: str, language: str) -> None:
        """Says a text instead of what is being said; nothing where there is no voice of that language (ISO 639)."""

    def keep_awake(self, on: bool) -> None:
        """Whether the screen stays on while the app is seen."""

    def pick_photo(self, on_photo: Callable[[bytes | None], None]) -> bool:
        """Lets the person choose a photo; gives its file, or None if the person chose none or it cannot be read.

        Returns:
            Whether the device can do that; if not, nothing is given.
        """

    def on_shared_photo(self, on_photo: Callable[[bytes], None]) -> None:
        """From now on, gives the photos that other apps share with this one, first that it was started with."""

    def share(self, text: str, title: str) -> bool:
        """Offers a text to other apps; ``title`` heads the choice.

        Returns:
            Whether the person sees that choice; if not, the text is on the clipboard.
        """

    def show_on_map(self, latitude: float, longitude: float, label: str) -> None:
        """Shows a place in the app for maps; a web page if there is none."""
