"""What the person chose, in a JSON file."""

from __future__ import annotations

import dataclasses
import enum
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from steeple.app.files import replace_file, set_aside
from steeple.errors import FailedPreconditionError, InvalidArgumentError

BUDGETS: Final = (1024, 4096, 16384, 49152)
"""Bytes that a query may take; the last holds all features of a photo."""

_LATENCIES_MS: Final = (50, 5000)
_TEXT_SCALES: Final = (0.5, 3.0)
_RADII_METERS: Final = (50.0, 1_000_000.0)


class Theme(enum.StrEnum):
    """Colours of the windows."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class AnswersFrom(enum.StrEnum):
    """Who may answer."""

    BEST = "best"
    """The server while it can be reached, else a pack."""
    PACKS = "packs"
    """Packs alone: no query leaves the device."""


@dataclass(frozen=True)
class AppSettings:
    """What the person chose. No secret is among it; see :mod:`steeple.app.secrets`.

    Attributes:
        server: ``host:port``; empty for none, and packs answer alone.
        tls: Whether to talk TLS.
        root_certificates: PEM file of the certificates to trust; empty: those that come with gRPC.
        answers_from: Who may answer.
        max_bytes: Of a query, one of :data:`BUDGETS`.
        language: BCP-47 tag of windows and names; empty: the system's.
        theme: Colours.
        text_scale: Of letters, on top of the system's own, 0.5 to 3.
        keep_history: Whether answers are kept on the device.
        send_location: Whether queries say where the device is, so that only landmarks around it are looked for.
        search_radius_meters: What "around it" means.
        allow_keeping: Whether the server may keep a query for review.
        speech: Whether the name is spoken.
        haptics: Whether the device shakes when a landmark is found.
        latency_budget_ms: From a frame to its answer; extraction is fitted to it.
        welcomed: Whether the first walk-through was seen to its end.

    Raises:
        InvalidArgumentError: If a value is out of its limits; its metadata ``field`` says which.
    """

    server: str = ""
    tls: bool = True
    root_certificates: str = ""
    answers_from: AnswersFrom = AnswersFrom.BEST
    max_bytes: int = 4096
    language: str = ""
    theme: Theme = Theme.SYSTEM
    text_scale: float = 1.0
    keep_history: bool = True
    send_location: bool = False
    search_radius_meters: float = 20_000.0
    allow_keeping: bool = False
    speech: bool = False
    haptics: bool = True
    latency_budget_ms: int = 300
    welcomed: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), type(field.default))
        if self.server:
            host_and_port(self.server)
        if self.max_bytes not in BUDGETS:
            raise _out_of_limits("max_bytes", f"one of {', '.join(map(str, BUDGETS))}", self.max_bytes)
        _check_range("latency_budget_ms", self.latency_budget_ms, _LATENCIES_MS)
        _check_range("text_scale", self.text_scale, _TEXT_SCALES)
        _check_range("search_radius_meters", self.search_radius_meters, _RADII_METERS)


def host_and_port(server: str) -> tuple[str, int]:
    """The parts of ``host:port`` or ``[IPv6 address]:port``.

    Raises:
        InvalidArgumentError: If it is neither.
    """
    host, colon, port = server.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    known = port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535
    if not (colon and host and known) or any(not letter.isprintable() or letter in " /@" for letter in host):
        raise InvalidArgumentError(
            f"the server's address is HOST:PORT, such as search.example.org:50051, not {server[:200]!r}", field="server"
        )
    return host, int(port)


class SettingsFile:
    """Keeps :class:`AppSettings` in a file. Thread safe.

    Keys that this version does not know stay in the file. A value that it cannot use counts as not set. A file that
    is no JSON is set aside, beside where it was.

    Args:
        path: Of the file, which need not be there.

    Attributes:
        current: As loaded or saved last.
        problems: What was wrong with the file when it was loaded, for the person; empty if nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stored: dict[str, Any] = {}
        self.current = AppSettings()
        self.problems: tuple[str, ...] = ()
        self.load()

    def load(self) -> AppSettings:
        """What the file says."""
        with self._lock:
            self._stored, self.problems = self._read()
            self.current, bad = _settings_of(self._stored)
            self.problems += bad
            return self.current

    def save(self, settings: AppSettings) -> None:
        """Puts settings in the place of those in the file: all of them or, if that fails, none.

        Raises:
            FailedPreconditionError: If the file cannot be written.
        """
        with self._lock:
            self._save(settings)

    def change(self, **changes: Any) -> AppSettings:  # noqa: ANN401 - the fields of AppSettings, which checks them
        """Saves the current settings with some of them changed.

        Raises:
            InvalidArgumentError: If a value is out of its limits; nothing is changed.
            FailedPreconditionError: If the file cannot be written.
        """
        with self._lock:
            settings = dataclasses.replace(self.current, **changes)
            self._save(settings)
            return settings

    def reset(self) -> None:
        """All as in a new app; keys that this version does not know go as well.

        Raises:
            FailedPreconditionError: If the file cannot be written.
        """
        with self._lock:
            self._stored = {}
            self._save(AppSettings())

    def _save(self, settings: AppSettings) -> None:
        stored = self._stored | dataclasses.asdict(settings)
        replace_file(self._path, (json.dumps(stored, indent=2, ensure_ascii=False) + "\n").encode())
        self._stored, self.current = stored, settings

    def _read(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        try:
            stored = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}, ()
        except OSError as error:
            raise FailedPreconditionError(f"{self._path} cannot be read: {error.strerror or error}") from error
        except ValueError:
            stored = None
        if isinstance(stored, dict):
            return stored, ()
        aside = set_aside(self._path)
        return {}, (f"the settings were damaged and are set aside as {aside.name}; all are as in a new app",)


def _settings_of(stored: Mapping[str, Any]) -> tuple[AppSettings, tuple[str, ...]]:
    """Settings with all values that can be used, and what is wrong with the others."""
    settings, problems = AppSettings(), []
    for field in dataclasses.fields(AppSettings):
        if field.name in stored:
            value, kind = stored[field.name], type(field.default)
            try:
                if issubclass(kind, enum.Enum):
                    value = kind(value)
                elif kind is float and type(value) is int:
                    value = float(value)
                settings = dataclasses.replace(settings, **{field.name: value})
            except (ValueError, InvalidArgumentError):
                problems.append(f"the setting {field.name} cannot be {str(value)[:100]!r}; it is {field.default!r} now")
    return settings, tuple(problems)


def _check_type(name: str, value: object, kind: type) -> None:
    if type(value) is not kind:  # a bool is no int here
        raise _out_of_limits(name, f"a {kind.__name__}", value)


def _check_range(name: str, value: float, limits: tuple[float, float]) -> None:
    if not limits[0] <= value <= limits[1]:
        raise _out_of_limits(name, f"{limits[0]} to {limits[1]}", value)


def _out_of_limits(name: str, allowed: str, value: object) -> InvalidArgumentError:
    return InvalidArgumentError(f"the setting {name} must be {allowed}, not {str(value)[:100]!r}", field=name)
