"""``CatalogService.UndoChange``."""

from __future__ import annotations

from steeple.server.api.names import parse_event
from steeple.server.api.resources import image_message, landmark_message
from steeple.server.catalogue import Landmark, ReferenceImage, audit
from steeple.server.engine import Engine
from steeple.v1 import catalog_service_pb2


def undo_change(
    engine: Engine, request: catalog_service_pb2.UndoChangeRequest
) -> catalog_service_pb2.UndoChangeResponse:
    """Puts back what an event of the audit log tells of.

    Raises:
        InvalidArgumentError: If the name is none of an event.
        SteepleError: As :meth:`Catalogue.undo_change`.
    """
    undone = engine.ingest.undo_change(parse_event(request.name), etag=request.etag, request_id=request.request_id)
    response = catalog_service_pb2.UndoChangeResponse()
    match undone.resource:
        case Landmark():
            response.landmark.CopyFrom(landmark_message(undone.resource))
        case ReferenceImage():
            response.reference_image.CopyFrom(image_message(undone.resource))
    if undone.event is not None:
        response.event = audit.event_name(undone.event)
    return response
