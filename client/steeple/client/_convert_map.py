"""Messages of landmarks on a map to the SDK's types."""

from __future__ import annotations

from steeple.client._convert import to_place
from steeple.client.landmark_map import LandmarkCluster, LandmarkMap
from steeple.v1 import catalog_service_pb2


def to_landmark_map(message: catalog_service_pb2.ListLandmarkClustersResponse) -> LandmarkMap:
    """How many landmarks stand where."""
    return LandmarkMap(
        clusters=tuple(_to_cluster(cluster) for cluster in message.clusters),
        zoom=message.zoom,
        landmark_count=message.landmark_count,
    )


def _to_cluster(message: catalog_service_pb2.LandmarkCluster) -> LandmarkCluster:
    return LandmarkCluster(
        landmark_count=message.landmark_count,
        center=to_place(message.center),
        southwest=to_place(message.southwest),
        northeast=to_place(message.northeast),
        landmark=message.landmark,
        display_name=message.display_name,
    )
