"""Connections to the server, one for each who is signed in."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from steeple.client import AsyncClient

_MOST: Final = 64
"""Clients kept; gRPC shares what they need of the network."""


class Clients:
    """Clients of one server by the secret that they send. Belongs to one event loop.

    Args:
        target: gRPC target of the server.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._clients: OrderedDict[str, AsyncClient] = OrderedDict()

    def of(self, secret: str) -> AsyncClient:
        """The client that calls with this secret; empty: with none."""
        client = self._clients.get(secret)
        if client is None:
            client = self._clients[secret] = AsyncClient(self._target, key=secret or None)
        self._clients.move_to_end(secret)
        return client

    async def trim(self) -> None:
        """Closes those that were not used for longest, where there are many."""
        while len(self._clients) > _MOST:
            _, client = self._clients.popitem(last=False)
            await client.close()

    async def close(self) -> None:
        """Closes all."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.close()
