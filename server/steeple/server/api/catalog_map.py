"""Landmarks on a map, as ``steeple.v1.CatalogService`` tells of them."""

from __future__ import annotations

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import landmark_name
from steeple.server.api.resources import place_message
from steeple.server.api.status import FIELD
from steeple.server.catalogue import LatLng
from steeple.server.catalogue.map_view import EVERYWHERE, Bounds, LandmarkCluster
from steeple.server.engine import Engine
from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1 import landmark_pb2


def list_clusters(
    engine: Engine, request: messages.ListLandmarkClustersRequest
) -> messages.ListLandmarkClustersResponse:
    """How many landmarks stand where.

    Raises:
        SteepleError: As the catalogue says; if one corner is there without the other, too.
    """
    found = engine.catalogue.map_landmarks(request.filter, _read_bounds(request), request.zoom)
    return messages.ListLandmarkClustersResponse(
        clusters=[_cluster_message(cluster) for cluster in found.clusters],
        zoom=found.zoom,
        landmark_count=found.landmark_count,
    )


def _read_bounds(request: messages.ListLandmarkClustersRequest) -> Bounds:
    south, north = request.HasField("southwest"), request.HasField("northeast")
    if south != north:
        given, missing = ("southwest", "northeast") if south else ("northeast", "southwest")
        raise InvalidArgumentError(f"{given} needs {missing} beside it, or leave both out", **{FIELD: missing})
    if not south:
        return EVERYWHERE
    return Bounds(_place(request.southwest), _place(request.northeast))


def _place(message: landmark_pb2.LatLng) -> LatLng:
    return LatLng(message.latitude, message.longitude)


def _cluster_message(cluster: LandmarkCluster) -> messages.LandmarkCluster:
    message = messages.LandmarkCluster(
        landmark_count=cluster.landmark_count,
        landmark=landmark_name(cluster.landmark_id),
        display_name=cluster.display_name,
    )
    for place, field in (
        (cluster.center, message.center),
        (cluster.southwest, message.southwest),
        (cluster.northeast, message.northeast),
    ):
        place_message(place, field)
    return message
