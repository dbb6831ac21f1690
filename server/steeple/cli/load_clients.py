"""Clients that send at a rate of their own, whatever becomes of the calls."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import grpc.aio

from steeple.cli.load_figures import Sent

_IDENTIFY: Final = "/steeple.v1.VisualSearchService/Identify"
_WATCH_SECONDS: Final = 0.1  # often enough to see memory between two large messages
_PAUSE_SECONDS: Final = 0.25  # of the client with the worst photos, after a refusal
_AT_ONCE: Final = 4  # calls of that client
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Clients:
    """Connections to one server. What they send is made beforehand, and answers are not read: they share the machine.

    Args:
        address: Of the server.
        keys: One a client.
        requests: Encoded IdentifyRequests, taken in turn.
        timeout: Of a call, seconds.
    """

    def __init__(self, address: str, keys: Sequence[str], requests: Sequence[bytes], timeout: float) -> None:
        self._address = address
        self._keys = keys
        self._requests = itertools.cycle(requests)
        self._timeout = timeout
        self._calls: list[Any] = []
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Clients:
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
        ]
        for _ in self._keys:
            channel = await self._open.enter_async_context(grpc.aio.insecure_channel(self._address, options=options))
            self._calls.append(channel.unary_unary(_IDENTIFY))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def one_by_one(self, most: int, seconds: float) -> list[float]:
        """Seconds of each of so many queries, or of as many as that time is enough for, one after the other."""
        sent, began = list[Sent](), time.perf_counter()
        while len(sent) < most and time.perf_counter() < began + seconds:
            sent.append(await self._send(0, next(self._requests), time.perf_counter()))
        return [call.seconds for call in sent if call.status == "OK"]

    async def capacity(self, at_once: int, seconds: float) -> float:
        """Queries a second that are answered while so many are always under way."""
        began = time.perf_counter()

        async def ask(number: int) -> int:
            answered = 0
            while time.perf_counter() < began + seconds:
                call = await self._send(number % len(self._calls), next(self._requests), time.perf_counter())
                answered += call.status == "OK"
            return answered

        answered = sum(await asyncio.gather(*map(ask, range(at_once))))
        return answered / (time.perf_counter() - began)

    async def at_rate(self, rate: float, seconds: float) -> list[Sent]:
        """Calls of all clients together, each at random times (a Poisson process), for so many seconds."""
        began, calls = time.perf_counter(), list[asyncio.Task[Sent]]()

        async def client(number: int) -> None:
            gaps, due = random.Random(number), began  # noqa: S311 - the same each time
            while (due := due + gaps.expovariate(rate / len(self._calls))) < began + seconds:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                calls.append(asyncio.create_task(self._send(number, next(self._requests), due)))

        await asyncio.gather(*map(client, range(len(self._calls))))
        return list(await asyncio.gather(*calls))

    async def all_it_can(self, request: bytes, seconds: float) -> list[Sent]:
        """Calls of the last client, four at a time, with hardly a pause after a refusal."""
        end = time.perf_counter() + seconds

        async def ask() -> list[Sent]:
            sent = []
            while time.perf_counter() < end:
                sent.append(await self._send(len(self._calls) - 1, request, time.perf_counter()))
                if sent[-1].status != "OK":
                    await asyncio.sleep(_PAUSE_SECONDS)
            return sent

        return [call for calls in await asyncio.gather(*(ask() for _ in range(_AT_ONCE))) for call in calls]

    async def _send(self, number: int, request: bytes, due: float) -> Sent:
        metadata = (("authorization", f"Bearer {self._keys[number]}"),)
        try:
            await self._calls[number](request, timeout=self._timeout, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return Sent(number, time.perf_counter() - due, error.code().name)
        return Sent(number, time.perf_counter() - due, "OK")


class ProcessWatch:
    """Memory and processor time of another process, as Linux tells them; nothing elsewhere.

    Args:
        pid: Of the process.
    """

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self.memory: list[tuple[float, float]] = []

    def cpu_seconds(self) -> float | None:
        """That it has used so far."""
        try:
            fields = (self._folder / "stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / _TICKS

    async def watch(self) -> None:
        """Notes its memory every second, until cancelled."""
        while True:
            try:
                pages = int((self._folder / "statm").read_text("ascii").split()[1])
            except OSError:
                return
            self.memory.append((time.perf_counter(), float(pages * _PAGE_BYTES)))
            await asyncio.sleep(_WATCH_SECONDS)
