"""What ``steeple.v1.CatalogService`` does to several resources at once, all or none."""

from __future__ import annotations

from collections.abc import Sequence

from steeple.errors import InvalidArgumentError
from steeple.server.api import conversion
from steeple.server.api.names import parse_image
from steeple.server.api.resources import landmark_message
from steeple.server.api.status import FIELD
from steeple.server.catalogue import Landmark
from steeple.server.engine import Engine
from steeple.v1 import catalog_service_pb2 as messages


def create_landmarks(engine: Engine, request: messages.BatchCreateLandmarksRequest) -> Sequence[Landmark]:
    """Adds landmarks.

    Raises:
        SteepleError: As the catalogue says; of a request of its own id too.
    """
    for number, one in enumerate(request.requests):
        if one.request_id:
            raise InvalidArgumentError(
                f"requests[{number}].request_id must be empty: the batch has one",
                **{FIELD: f"requests[{number}].request_id"},
            )
    drafts = [(conversion.read_landmark_draft(one.landmark), one.landmark_id) for one in request.requests]
    try:
        return engine.catalogue.create_landmarks(drafts, request_id=request.request_id)
    except InvalidArgumentError as error:
        place, _, field = error.metadata.get(FIELD, "").partition(".")
        if field.partition(".")[0] in conversion.LANDMARK_FIELDS:
            error.metadata[FIELD] = f"{place}.landmark.{field}"
        raise


def created_landmarks(landmarks: Sequence[Landmark]) -> messages.BatchCreateLandmarksResponse:
    """The answer."""
    return messages.BatchCreateLandmarksResponse(landmarks=[landmark_message(one) for one in landmarks])


def delete_images(engine: Engine, request: messages.BatchDeleteReferenceImagesRequest) -> None:
    """Removes reference images.

    Raises:
        SteepleError: As the catalogue says.
    """
    names = [parse_image(name, f"names[{number}]") for number, name in enumerate(request.names)]
    engine.ingest.delete_images(names, request_id=request.request_id)
