"""Calls of the ServerService."""

from __future__ import annotations

from steeple.client._async.connection import AsyncConnection
from steeple.client._convert import to_server_info
from steeple.client._convert_usage import to_usage
from steeple.client.server_info import ServerInfo
from steeple.client.usage import Usage
from steeple.errors import InvalidArgumentError
from steeple.v1.server_service_pb2 import GetServerInfoRequest, GetUsageRequest


class AsyncServerCalls:
    """The part of the client that asks how the server is."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What serves, how large it is, and what is being done to it."""
        response = await self._connection.call(
            self._connection.link.server.GetServerInfo, GetServerInfoRequest(), timeout=timeout
        )
        return to_server_info(response.server_info)

    async def usage(self, month: str = "", *, max_landmarks: int = 10, timeout: float | None = None) -> Usage:
        """How many queries were answered, and how: by month, key and landmark.

        Args:
            month: UTC, as ``2026-03``; empty: the last twelve.
            max_landmarks: Landmarks told, at most, those that were identified most; 1 to 1000.
            timeout: Seconds; None: the client's.
        """
        if max_landmarks < 1:  # 0 would silently stand for the default
            raise InvalidArgumentError(f"max_landmarks must be 1 to 1000, not {max_landmarks}")
        response = await self._connection.call(
            self._connection.link.server.GetUsage,
            GetUsageRequest(month=month, max_landmarks=max_landmarks),
            timeout=timeout,
        )
        return to_usage(response)
