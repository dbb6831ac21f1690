# Made from _async/server.py by tools/generate_sync_client.py; do not edit.
"""Calls of the ServerService."""

from __future__ import annotations

from steeple.client._convert import model_name, to_server_info
from steeple.client._convert_health import to_calibration, to_storage, to_traffic
from steeple.client._convert_usage import to_usage
from steeple.client._sync.connection import Connection
from steeple.client.calibration import Calibration
from steeple.client.health import Storage, Traffic
from steeple.client.server_info import ServerInfo
from steeple.client.types import Model
from steeple.client.usage import Usage
from steeple.errors import InvalidArgumentError
from steeple.v1.server_service_pb2 import (
    GetCalibrationRequest,
    GetServerInfoRequest,
    GetStorageRequest,
    GetTrafficRequest,
    GetUsageRequest,
)


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

    def usage(self, month: str = "", *, max_landmarks: int = 10, timeout: float | None = None) -> Usage:
        """How many queries were answered, and how: by month, key and landmark.

        Args:
            month: UTC, as ``2026-03``; empty: the last twelve.
            max_landmarks: Landmarks told, at most, those that were identified most; 1 to 1000.
            timeout: Seconds; None: the client's.
        """
        if max_landmarks < 1:  # 0 would silently stand for the default
            raise InvalidArgumentError(f"max_landmarks must be 1 to 1000, not {max_landmarks}")
        response = self._connection.call(
            self._connection.link.server.GetUsage,
            GetUsageRequest(month=month, max_landmarks=max_landmarks),
            timeout=timeout,
        )
        return to_usage(response)

    def traffic(self, period_minutes: int = 60, *, interval_minutes: int = 1, timeout: float | None = None) -> Traffic:
        """Calls, refusals, errors and latencies of the last minutes, by method, and by stage of a query.

        Args:
            period_minutes: Up to now; 1 to 360. A server that starts has counted nothing.
            interval_minutes: Minutes that are told together; 1 to the period.
            timeout: Seconds; None: the client's.
        """
        for name, minutes in (("period_minutes", period_minutes), ("interval_minutes", interval_minutes)):
            if minutes < 1:  # 0 would silently stand for the default
                raise InvalidArgumentError(f"{name} must be 1 or more, not {minutes}")
        response = self._connection.call(
            self._connection.link.server.GetTraffic,
            GetTrafficRequest(period_minutes=period_minutes, interval_minutes=interval_minutes),
            timeout=timeout,
        )
        return to_traffic(response.traffic)

    def storage(self, *, timeout: float | None = None) -> Storage:
        """What the server keeps on its disks, by what it is for, and the room that is left."""
        response = self._connection.call(self._connection.link.server.GetStorage, GetStorageRequest(), timeout=timeout)
        return to_storage(response.storage)

    def calibration(self, model: str | Model = "", *, timeout: float | None = None) -> Calibration:
        """The model of confidence that a release answers by, and how far it keeps what it promises.

        Args:
            model: Id, name or release; empty: the default.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If it is not served.
        """
        response = self._connection.call(
            self._connection.link.server.GetCalibration,
            GetCalibrationRequest(name=model_name(model) if model else ""),
            timeout=timeout,
        )
        return to_calibration(response.calibration)
