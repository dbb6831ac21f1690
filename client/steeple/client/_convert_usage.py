"""Protocol messages of usage to the SDK's types."""

from __future__ import annotations

from steeple.client._convert_access import to_monthly_usage
from steeple.client.usage import IdentifiedLandmark, KeyUsage, Usage
from steeple.v1 import server_service_pb2 as api


def to_usage(message: api.GetUsageResponse) -> Usage:
    """The usage of a server."""
    return Usage(
        tuple(to_monthly_usage(month) for month in message.months),
        tuple(KeyUsage(key.key, key.identified_count, key.unknown_count) for key in message.keys),
        tuple(
            IdentifiedLandmark(landmark.landmark, landmark.display_name, landmark.identified_count)
            for landmark in message.landmarks
        ),
    )
