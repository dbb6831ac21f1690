# Made from _async/server.py by tools/generate_sync_client.py; do not edit.
"""Calls of the ServerService."""

from __future__ import annotations

from steeple.client._convert import to_server_info
from steeple.client._sync.connection import Connection
from steeple.client.server_info import ServerInfo
from steeple.v1.server_service_pb2 import GetServerInfoRequest


class ServerCalls:
    """The part of the client that asks how the server is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What serves, how large it is, and what is being done to it."""
        response = self._connection.call(
            self._connection.link.server.GetServerInfo, GetServerInfoRequest(), timeout=timeout
        )
        return to_server_info(response.server_info)
