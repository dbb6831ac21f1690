"""The server that the settings name."""

from __future__ import annotations

import os
from typing import Final

from steeple.app.secrets import ServerKeys
from steeple.app.settings import AppSettings
from steeple.client import Client
from steeple.delf.release import DEFAULT_RELEASE

_ATTEMPTS: Final = 2  # a pack, or the person, knows better than to wait for more
_CALL_SECONDS: Final = 8.0
_LONG_CALL_SECONDS: Final = 60.0

# A phone that changes its network leaves connections behind that nobody closes. Servers allow a ping each 10 seconds.
_CHANNEL_OPTIONS: Final = (("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 5_000))


def connect(
    settings: AppSettings, keys: ServerKeys, *, release: str | os.PathLike[str] = DEFAULT_RELEASE
) -> Client | None:
    """A client of the server that the settings name; None if they name none. It connects with its first call.

    Args:
        settings: That name it.
        keys: Of servers.
        release: Model release that queries are extracted with.

    Raises:
        InvalidArgumentError: If the root certificates cannot be read, or the key is none.
        FailedPreconditionError: If the keys cannot be read.
    """
    return client_of(settings, keys.get(settings.server), release=release) if settings.server else None


def client_of(
    settings: AppSettings,
    key: str | None,
    *,
    timeout: float = _CALL_SECONDS,
    release: str | os.PathLike[str] = DEFAULT_RELEASE,
) -> Client:
    """A client of a server.

    Args:
        settings: That name it.
        key: Of that server; None for none.
        timeout: Seconds for a call.
        release: Model release that queries are extracted with.

    Raises:
        InvalidArgumentError: If the root certificates cannot be read, or the key is none.
    """
    return Client(
        settings.server.strip(),
        release=release,
        timeout=timeout,
        long_timeout=_LONG_CALL_SECONDS,
        tls=settings.tls,
        root_certificates=settings.root_certificates or None if settings.tls else None,
        max_attempts=_ATTEMPTS,
        channel_options=_CHANNEL_OPTIONS,
        key=key,
    )
