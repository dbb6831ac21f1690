"""Runs a server until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from threadpoolctl import threadpool_limits

from steeple.errors import CancelledError
from steeple.server import logs
from steeple.server.api.lifecycle import Server
from steeple.server.logs import facts
from steeple.server.memory import bound_heaps
from steeple.server.service_manager import notify
from steeple.server.settings import Settings

log = logging.getLogger(__name__)


Beside = Callable[[Path], AbstractAsyncContextManager[object]]
"""Runs while a server does, in its event loop, and calls it over the Unix socket of that path."""


def serve(
    settings: Settings, *, on_ready: Callable[[int, str], None] | None = None, beside: Beside | None = None
) -> None:
    """Serves until SIGTERM or SIGINT, then drains, saves the index and returns.

    Until the index is current, health says NOT_SERVING and other calls get UNAVAILABLE. A second
    signal ends the grace of the calls in progress.

    Args:
        settings: What to serve, and where.
        on_ready: Called once, when calls are taken, with the port (0 for a Unix socket) and the name of the default
            model release.
        beside: What else runs meanwhile; its calls are like those of any other caller.

    Raises:
        FailedPreconditionError: If the address or the data folder is in use.
        SteepleError: If the release, the catalogue or the photos cannot be opened.
    """
    logs.configure(settings.log_format, settings.log_level)
    bound_heaps()
    # Queries run side by side, one thread each; libraries that start threads of their own for each slow all of them
    # down, and let one large photo take all processors.
    cv2.setNumThreads(1)
    with threadpool_limits(limits=1, user_api="blas"):
        asyncio.run(_serve(settings, on_ready, beside))


async def _serve(settings: Settings, on_ready: Callable[[int, str], None] | None, beside: Beside | None = None) -> None:
    async with AsyncExitStack() as running:
        socket = None
        if beside is not None:
            socket = Path(running.enter_context(TemporaryDirectory(prefix="steeple-"))) / "socket"  # of its user alone
            await running.enter_async_context(beside(socket))
        await _serve_calls(settings, on_ready, socket)


async def _serve_calls(
    settings: Settings, on_ready: Callable[[int, str], None] | None, private_socket: Path | None
) -> None:
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    server = Server(settings, private_socket=private_socket)
    for objection in filter(None, (settings.objection, settings.console_objection)):
        log.warning("insecure: %s", objection)
    port = await server.start()
    log.info("listening; the index is loading", extra=facts(address=settings.address, port=port))
    told = asyncio.create_task(signals.get())
    ready = asyncio.create_task(server.ready())
    await asyncio.wait([told, ready], return_when=asyncio.FIRST_COMPLETED)
    try:
        if ready.done():
            engine = ready.result()
            if settings.asks_for_keys and engine.keyring.empty:
                log.warning(
                    "callers need a key and there is none: stop this server, and make one with steeple keys create "
                    "--scope admin --data-dir %s",
                    settings.data_dir,
                )
            log.info("ready", extra=facts(port=port))
            notify("READY=1", f"STATUS=serving {settings.model} on port {port}")
            if on_ready is not None:
                on_ready(port, engine.release.name)
            await told
        log.info("stopping", extra=facts(signal=told.result().name))
        notify("STOPPING=1")
    finally:
        told.cancel()
        await _stop(server, settings.shutdown_grace_seconds, signals)
        await asyncio.wait([ready])
    # A start that was interrupted has done what it was told; one that failed meanwhile has not.
    with suppress(CancelledError):
        ready.result()
    log.info("stopped")


async def _stop(server: Server, grace_seconds: float, signals: asyncio.Queue[signal.Signals]) -> None:
    stopping = asyncio.create_task(server.stop(grace_seconds))
    again = asyncio.create_task(signals.get())
    await asyncio.wait([stopping, again], return_when=asyncio.FIRST_COMPLETED)
    if again.done():
        log.warning("told to stop again: calls in progress are cancelled")
        await server.cancel_calls()
    again.cancel()
    await stopping
