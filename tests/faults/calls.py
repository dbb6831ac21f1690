"""Calls of a server, and how they end."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import numpy as np

from steeple.delf import wire
from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.delf.release import DEFAULT_RELEASE
from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1.landmark_pb2 import Landmark
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, Query

from .serving import Served

TIMEOUT = 20.0


def features(number: int) -> FeatureSet:
    """Features by number: random descriptors at random places."""
    random = np.random.default_rng(number)
    vectors = random.standard_normal((200, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FeatureSet(
        model=DEFAULT_RELEASE,
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors),
        keypoints=(random.random((200, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(200, np.float32),
        scores=np.linspace(1.0, 0.1, 200, dtype=np.float32),
    )


def landmark_request(landmark_id: str) -> messages.CreateLandmarkRequest:
    """Adds a landmark; can be repeated."""
    landmark = Landmark(display_name=landmark_id)
    return messages.CreateLandmarkRequest(
        landmark=landmark, landmark_id=landmark_id, request_id=str(uuid.uuid5(uuid.NAMESPACE_OID, landmark_id))
    )


def image_request(
    landmark_id: str, source: bytes | FeatureSet, image_id: str = "another"
) -> messages.CreateReferenceImageRequest:
    """Adds a reference image."""
    request = messages.CreateReferenceImageRequest(parent=f"landmarks/{landmark_id}", reference_image_id=image_id)
    if isinstance(source, bytes):
        request.image = source
    else:
        request.features.CopyFrom(wire.pack(source))
    return request


def add(server: Served, landmark_id: str, source: bytes | FeatureSet) -> None:
    """A landmark with one reference image."""
    server.catalog.CreateLandmark(landmark_request(landmark_id), timeout=TIMEOUT)
    server.catalog.CreateReferenceImage(image_request(landmark_id, source, "one"), timeout=TIMEOUT)


def found(server: Served, source: bytes | FeatureSet) -> str:
    """What a photo is identified as; empty if it is not."""
    query = Query(image=source) if isinstance(source, bytes) else Query(features=wire.pack(source))
    answer = server.search.Identify(IdentifyRequest(query=query), timeout=TIMEOUT).answer
    return answer.candidates[0].landmark.name.removeprefix("landmarks/") if answer.outcome == 1 else ""


def complete(server: Served) -> dict[str, int]:
    """Landmarks, and how many reference images they have."""
    listed = server.catalog.ListLandmarks(messages.ListLandmarksRequest(page_size=100), timeout=TIMEOUT).landmarks
    return {one.name.removeprefix("landmarks/"): one.reference_image_count for one in listed}


def refusal(method: Any, request: object) -> tuple[grpc.StatusCode, str]:
    """How a call fails that has to."""
    try:
        method(request, timeout=TIMEOUT)
    except grpc.RpcError as error:
        call: Any = error
        return call.code(), call.details()
    raise AssertionError("the call was answered")
