"""Connections to the server, one for each who is signed in."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from steeple.client import AsyncClient

_MOST: Final = 64
"""Clients kept; gRPC shares what they need of the network."""


class Clients:
    """Clients of one server by the secret that they send. Belongs to one event loop.

    Those that were not asked for in the longest time are let go; whoever still calls with one keeps it until then, and
    it closes with the last reference to it.

    Args:
        target: gRPC target of the server.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._clients: OrderedDict[str, AsyncClient] = OrderedDict()
        self.once = AsyncClient(target, max_attempts=1)
        """Calls with no secret, and once: who is told to wait is told at once."""

    def of(self, secret: str) -> AsyncClient:
        """The client that calls with this secret; empty: with none."""
        client = self._clients.get(secret)
        if client is None:
            client = self._clients[secret] = AsyncClient(self._target, key=secret or None)
        self._clients.move_to_end(secret)
        while len(self._clients) > _MOST:
            self._clients.popitem(last=False)
        return client

    def forget(self, secret: str) -> None:
        """Lets go of the client of a secret that is worth nothing (any more)."""
        if secret:
            self._clients.pop(secret, None)

    async def close(self) -> None:
        """Closes all."""
        await self.once.close()
        while self._clients:
            _, client = self._clients.popitem()
            await client.close()
