"""The calls that a step stands for, and what of their answers a history keeps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from steeple.delf import wire
from steeple.v1 import catalog_service_pb2 as catalog
from steeple.v1 import features_pb2
from steeple.v1.catalog_service_pb2_grpc import CatalogServiceStub
from steeple.v1.landmark_pb2 import Landmark, ReferenceImage
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, Answer, IdentifyRequest, Query
from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceStub
from tests.history import generator

_DEADLINE_SECONDS = 60.0
_PAGE = 1000

Call = Callable[[], dict[str, Any]]


class Calls:
    """Calls of one server.

    Args:
        channel: To it.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._catalog = CatalogServiceStub(channel)
        self._search = VisualSearchServiceStub(channel)

    def send(  # noqa: PLR0911, PLR0912 - a case for each method of the API
        self, action: str, arguments: Mapping[str, Any], request_id: str
    ) -> dict[str, Any]:
        """What the answer says.

        Raises:
            grpc.RpcError: If there is none, or it is an error.
        """
        parent = f"landmarks/{arguments['landmark']}"
        name = f"{parent}/images/{arguments.get('image')}"
        etag = arguments.get("etag", "")
        match action:
            case "CreateLandmark":
                landmark = Landmark(display_name=arguments["display_name"])
                request = catalog.CreateLandmarkRequest(
                    landmark=landmark, landmark_id=arguments["landmark"], request_id=request_id
                )
                return _landmark(self._catalog.CreateLandmark(request, timeout=_DEADLINE_SECONDS).landmark)
            case "UpdateLandmark":
                fields = {key: arguments[key] for key in ("display_name", "active") if key in arguments}
                update = catalog.UpdateLandmarkRequest(
                    landmark=Landmark(name=parent, etag=etag, **fields), request_id=request_id
                )
                update.update_mask.paths.extend(fields)
                return _landmark(self._catalog.UpdateLandmark(update, timeout=_DEADLINE_SECONDS).landmark)
            case "DeleteLandmark":
                self._catalog.DeleteLandmark(
                    catalog.DeleteLandmarkRequest(
                        name=parent, etag=etag, force=arguments["force"], request_id=request_id
                    ),
                    timeout=_DEADLINE_SECONDS,
                )
                return {}
            case "UndeleteLandmark":
                undelete = catalog.UndeleteLandmarkRequest(name=parent, request_id=request_id)
                return _landmark(self._catalog.UndeleteLandmark(undelete, timeout=_DEADLINE_SECONDS).landmark)
            case "GetLandmark":
                get = catalog.GetLandmarkRequest(name=parent)
                return _landmark(self._catalog.GetLandmark(get, timeout=_DEADLINE_SECONDS).landmark)
            case "ListLandmarks":
                every = catalog.ListLandmarksRequest(page_size=_PAGE)
                landmarks = self._catalog.ListLandmarks(every, timeout=_DEADLINE_SECONDS).landmarks
                return {"landmarks": {one.name.removeprefix("landmarks/"): _landmark(one) for one in landmarks}}
            case "CreateReferenceImage":
                create = catalog.CreateReferenceImageRequest(
                    parent=parent,
                    reference_image_id=arguments["image"],
                    reference_image=ReferenceImage(metadata={"variant": str(arguments["variant"])}),
                    features=_packed(arguments["landmark"], arguments["image"], arguments["variant"]),
                    request_id=request_id,
                )
                return _image(self._catalog.CreateReferenceImage(create, timeout=_DEADLINE_SECONDS).reference_image)
            case "DeleteReferenceImage":
                delete = catalog.DeleteReferenceImageRequest(name=name, request_id=request_id)
                self._catalog.DeleteReferenceImage(delete, timeout=_DEADLINE_SECONDS)
                return {}
            case "BatchDeleteReferenceImages":
                names = [f"{parent}/images/{image}" for image in arguments["images"]]
                batch = catalog.BatchDeleteReferenceImagesRequest(names=names, request_id=request_id)
                self._catalog.BatchDeleteReferenceImages(batch, timeout=_DEADLINE_SECONDS)
                return {}
            case "UndeleteReferenceImage":
                back = catalog.UndeleteReferenceImageRequest(name=name, request_id=request_id)
                return _image(self._catalog.UndeleteReferenceImage(back, timeout=_DEADLINE_SECONDS).reference_image)
            case "GetReferenceImage":
                wanted = catalog.GetReferenceImageRequest(name=name)
                return _image(self._catalog.GetReferenceImage(wanted, timeout=_DEADLINE_SECONDS).reference_image)
            case "ListReferenceImages":
                of_parent = catalog.ListReferenceImagesRequest(parent=parent, page_size=_PAGE)
                images = self._catalog.ListReferenceImages(of_parent, timeout=_DEADLINE_SECONDS).reference_images
                return {"variants": {one.name.rpartition("/")[2]: int(one.metadata["variant"]) for one in images}}
            case "Identify":
                packed = _packed(arguments["landmark"], arguments["image"], arguments["variant"])
                query = IdentifyRequest(query=Query(features=packed))
                return _found(self._search.Identify(query, timeout=_DEADLINE_SECONDS).answer, name)
        raise ValueError(action)


def _landmark(landmark: Landmark) -> dict[str, Any]:
    return {
        "display_name": landmark.display_name,
        "active": landmark.active,
        "deleted": landmark.HasField("delete_time"),
        "images": landmark.reference_image_count,
        "etag": landmark.etag,
    }


def _image(image: ReferenceImage) -> dict[str, Any]:
    return {"variant": int(image.metadata["variant"]), "deleted": image.HasField("delete_time")}


def _found(answer: Answer, name: str) -> dict[str, Any]:
    best = answer.candidates[0].reference_image if answer.outcome == OUTCOME_IDENTIFIED else ""
    return {"found": best == name, "other": best if best != name else ""}


@functools.cache
def _packed(landmark: str, image: str, variant: int) -> features_pb2.FeatureSet:
    return wire.pack(generator.features(landmark, image, variant))
