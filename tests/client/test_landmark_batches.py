"""Many landmarks at once in the SDK: what is sent, and what is told."""

from __future__ import annotations

import json
from typing import Any

from steeple.client import Landmark, LandmarkCluster, LandmarkMap, LatLng
from steeple.v1 import catalog_service_pb2 as api
from steeple.v1 import landmark_pb2

from .peer import Peer


def test_what_is_given_is_sent_and_nothing_else(client: Any, peer: Peer) -> None:
    updated = client.batch_update_landmarks(
        ["a", Landmark("landmarks/b", "B")],
        add_labels=["x"],
        remove_labels=["y"],
        set_metadata={"k": "v"},
        remove_metadata=["l"],
        active=False,
    )
    assert updated == ["landmarks/a", "landmarks/b"]
    client.batch_update_landmarks(["a"], description="")
    first, second = peer.calls("BatchUpdateLandmarks")
    assert (list(first.add_labels), list(first.remove_labels), dict(first.set_metadata)) == (["x"], ["y"], {"k": "v"})
    assert (list(first.remove_metadata), first.active, first.HasField("active")) == (["l"], False, True)
    assert (first.HasField("description"), second.HasField("description")) == (False, True)
    assert not second.HasField("active")
    assert first.request_id
    assert first.request_id != second.request_id


def test_landmarks_are_deleted_in_one_call(client: Any, peer: Peer) -> None:
    assert client.batch_delete_landmarks(["a", "landmarks/b"], force=True) is None
    (request,) = peer.calls("BatchDeleteLandmarks")
    assert (list(request.names), request.force) == (["landmarks/a", "landmarks/b"], True)


def test_a_map_is_told(client: Any, peer: Peer) -> None:
    message = api.LandmarkCluster(landmark_count=2, landmark="landmarks/a", display_name="A")
    for place, degrees in ((message.center, 1.5), (message.southwest, 0.0), (message.northeast, 5.625)):
        place.CopyFrom(landmark_pb2.LatLng(latitude=degrees, longitude=-degrees))
    answer = api.ListLandmarkClustersResponse(clusters=[message], zoom=4, landmark_count=2)
    peer.script("ListLandmarkClusters", lambda *_: answer)
    found = client.list_landmark_clusters(
        zoom=9, filter="labels:x", southwest=LatLng(0, 170), northeast=LatLng(10, -170)
    )
    cluster = LandmarkCluster(2, LatLng(1.5, -1.5), LatLng(0, 0), LatLng(5.625, -5.625), "landmarks/a", "A")
    assert found == LandmarkMap((cluster,), 4, 2)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["clusters"][0]["center"] == {"latitude": 1.5, "longitude": -1.5}
    (request,) = peer.calls("ListLandmarkClusters")
    assert (request.zoom, request.filter, request.southwest.longitude) == (9, "labels:x", 170)
    peer.script("ListLandmarkClusters", lambda *_: api.ListLandmarkClustersResponse())
    assert client.list_landmark_clusters() == LandmarkMap((), 0, 0)
    assert not peer.calls("ListLandmarkClusters")[-1].HasField("southwest")
