"""Serves a console over HTTP, in the event loop of whoever asks."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from hypercorn.asyncio import serve as serve_http
from hypercorn.config import Config

from steeple.console.app import make_app
from steeple.console.config import ConsoleConfig
from steeple.console.lingering import LingeringMiddleware
from steeple.errors import FailedPreconditionError

log = logging.getLogger(__name__)

_MOST_HEADER_BYTES: Final = 32 * 1024
_BACKLOG: Final = 128
_GRACE_SECONDS: Final = 3.0


@asynccontextmanager
async def serving(config: ConsoleConfig) -> AsyncIterator[str]:
    """Serves the console until the block ends.

    Yields:
        Its URL on this host.

    Raises:
        FailedPreconditionError: If its address cannot be bound, or its certificate not be used.
    """
    listening = _bound(config)
    stopping = asyncio.Event()
    try:
        settings = _settings(config, listening)
    except (OSError, ValueError) as error:
        listening.close()
        raise FailedPreconditionError(f"the console's certificate cannot be used: {error}") from error
    host, port = listening.getsockname()[:2]
    listening.detach()  # it is the web server's to close from here on
    app = LingeringMiddleware(make_app(config))
    task = asyncio.create_task(serve_http(app, settings, shutdown_trigger=stopping.wait))  # type: ignore[arg-type] # Starlette types ASGI more loosely
    try:
        yield f"{'https' if config.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        stopping.set()
        await task


def _bound(config: ConsoleConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((config.host, config.port))
        listening.listen(_BACKLOG)  # whoever is told its URL may call at once
    except OSError as error:
        listening.close()
        raise FailedPreconditionError(
            f"the console cannot listen on {config.host}:{config.port}: {error.strerror or error}; set another "
            "console_address"
        ) from error
    return listening


def _settings(config: ConsoleConfig, listening: socket.socket) -> Config:
    settings = Config()
    settings.bind = [f"fd://{listening.fileno()}"]
    settings.backlog = _BACKLOG
    settings.accesslog = None
    settings.errorlog = log
    settings.include_server_header = False
    settings.graceful_timeout = settings.shutdown_timeout = _GRACE_SECONDS
    settings.h11_max_incomplete_size = _MOST_HEADER_BYTES
    if config.certificate is not None and config.private_key is not None:
        settings.certfile, settings.keyfile = str(config.certificate), str(config.private_key)
        settings.create_ssl_context()  # says now what is wrong with them
    return settings
