"""What ``steeple.v1.CatalogService`` does to several resources at once, all or none."""

from __future__ import annotations

from collections.abc import Sequence

from steeple.errors import InvalidArgumentError
from steeple.server.api import conversion
from steeple.server.api.names import landmark_name, parse_image, parse_landmark
from steeple.server.api.resources import landmark_message
from steeple.server.api.status import FIELD
from steeple.server.catalogue import CommonChanges, Landmark
from steeple.server.catalogue.batches import MAX_NAMES, check_batch
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


def update_landmarks(
    engine: Engine, request: messages.BatchUpdateLandmarksRequest
) -> messages.BatchUpdateLandmarksResponse:
    """Changes landmarks alike.

    Raises:
        SteepleError: As the catalogue says.
    """
    changes = CommonChanges(
        add_labels=tuple(request.add_labels),
        remove_labels=tuple(request.remove_labels),
        set_metadata=dict(request.set_metadata),
        remove_metadata=tuple(request.remove_metadata),
        active=request.active if request.HasField("active") else None,
        description=request.description if request.HasField("description") else None,
    )
    changed = engine.ingest.update_landmarks(_landmark_ids(request.names), changes, request_id=request.request_id)
    return messages.BatchUpdateLandmarksResponse(updated=[landmark_name(one) for one in changed])


def delete_landmarks(engine: Engine, request: messages.BatchDeleteLandmarksRequest) -> None:
    """Removes landmarks.

    Raises:
        SteepleError: As the catalogue says.
    """
    engine.ingest.delete_landmarks(_landmark_ids(request.names), force=request.force, request_id=request.request_id)


def _landmark_ids(names: Sequence[str]) -> list[str]:
    check_batch(names, "names", MAX_NAMES)  # before each is looked at
    return [parse_landmark(name, f"names[{number}]") for number, name in enumerate(names)]
