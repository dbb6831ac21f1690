"""Between the messages of ``steeple.v1.DiscoveryService`` and the records of the server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import check_path, image_name, landmark_name, model_name, parse_upload
from steeple.server.api.resources import place_message, timestamp
from steeple.server.api.status import FIELD
from steeple.server.discovery import (
    Discovery,
    DiscoveryOptions,
    DiscoveryPhoto,
    LeftoverReason,
    Proposal,
    ProposalState,
    Source,
)
from steeple.server.discovery.records import photo_name
from steeple.server.operations.records import operation_name
from steeple.v1 import discovery_service_pb2 as api

_STATES: Final = {
    ProposalState.PROPOSED: api.Proposal.STATE_PROPOSED,
    ProposalState.ACCEPTED: api.Proposal.STATE_ACCEPTED,
    ProposalState.DISCARDED: api.Proposal.STATE_DISCARDED,
}
_REASONS: Final = {
    LeftoverReason.NO_MATCH: api.DiscoveryPhoto.REASON_NO_MATCH,
    LeftoverReason.WEAK_MATCH: api.DiscoveryPhoto.REASON_WEAK_MATCH,
    LeftoverReason.FEW_VIEWS: api.DiscoveryPhoto.REASON_FEW_VIEWS,
}


def read_source(request: api.StartDiscoveryRequest) -> Source:
    """Where the photos are.

    Raises:
        InvalidArgumentError: If it is not said.
    """
    match request.WhichOneof("source"):
        case "upload":
            return Source(upload=parse_upload(request.upload, "upload"))
        case "folder":
            return Source(folder=check_path(request.folder, "folder"))
    raise InvalidArgumentError("say where the photos are: set upload or folder", **{FIELD: "source"})


def read_options(message: api.DiscoveryOptions) -> DiscoveryOptions:
    """How photos become proposals; what is not set is as usual.

    Raises:
        InvalidArgumentError: If a value is out of bounds.
    """
    # Those that are set, be it to 0: they are optional.
    given: dict[str, Any] = {field.name: value for field, value in message.ListFields()}
    return DiscoveryOptions(**given)


def read_states(values: Iterable[int]) -> list[ProposalState]:
    """States of proposals.

    Raises:
        InvalidArgumentError: If one is none.
    """
    known = {int(value): state for state, value in _STATES.items()}
    states = []
    for value in values:
        if value not in known:
            names = ", ".join(api.Proposal.State.Name(one) for one in _STATES.values())
            raise InvalidArgumentError(f"states takes {names}, not {value}", **{FIELD: "states"})
        states.append(known[value])
    return states


def discovery_message(found: Discovery) -> api.Discovery:
    """A discovery as the API shows it."""
    return api.Discovery(
        name=found.name,
        operation=operation_name(found.id),
        state=api.Discovery.STATE_UNFINISHED if found.finish_time is None else api.Discovery.STATE_READY,
        source=found.source,
        model=model_name(found.model),
        options=api.DiscoveryOptions(**found.options.to_json()),
        photo_count=found.photo_count,
        open_proposal_count=found.open_proposal_count,
        proposal_count=found.proposal_count,
        leftover_count=found.leftover_count,
        create_time=timestamp(found.create_time),
        finish_time=timestamp(found.finish_time),
    )


def proposal_message(found: Proposal) -> api.Proposal:
    """A proposal as the API shows it."""
    accepted = found.state is ProposalState.ACCEPTED
    # A landmark that is gone is nothing to add to any more; what it became part of stays said.
    landmark_id = found.landmark_id if found.landmark is not None or accepted else ""
    message = api.Proposal(
        name=found.name,
        state=_STATES[found.state],
        representative=photo_name(found.discovery_id, found.representative),
        photo_count=found.photo_count,
        view_count=found.view_count,
        cohesion=found.cohesion,
        extent_meters=found.extent_meters,
        landmark=landmark_name(landmark_id) if landmark_id else "",
        landmark_display_name="" if found.landmark is None else found.landmark.display_name,
        nearby_landmarks=[
            api.NearbyLandmark(landmark=landmark_name(one.id), display_name=one.display_name, distance_meters=away)
            for one, away in found.nearby
        ],
        photos=[photo_message(found.discovery_id, landmark_id if accepted else "", photo) for photo in found.photos],
        pairs=[
            api.MatchedPair(
                first=photo_name(found.discovery_id, pair.first),
                second=photo_name(found.discovery_id, pair.second),
                inliers=pair.inliers,
                near_duplicate=pair.near_duplicate,
            )
            for pair in found.pairs
        ],
        update_time=timestamp(found.update_time),
    )
    place_message(found.location, message.location)
    return message


def photo_message(discovery_id: str, accepted_as: str, photo: DiscoveryPhoto) -> api.DiscoveryPhoto:
    """A photo as the API shows it.

    Args:
        discovery_id: Of its discovery.
        accepted_as: Id of the landmark that its proposal became part of; empty: none.
        photo: It.
    """
    message = api.DiscoveryPhoto(
        name=photo_name(discovery_id, photo.number),
        item=photo.item,
        sha256=photo.sha256,
        size_bytes=photo.size_bytes,
        media_type=photo.media_type,
        width=photo.width,
        height=photo.height,
        feature_count=photo.feature_count,
        capture_time=photo.capture.time,
        grade=photo.quality.grade,
        view=photo.view,
        landmark=landmark_name(photo.landmark_id) if photo.landmark_id else "",
        confidence=photo.confidence,
        reason=api.DiscoveryPhoto.REASON_UNSPECIFIED if photo.reason is None else _REASONS[photo.reason],
        reference_image=image_name(accepted_as, photo.image_id) if accepted_as and photo.image_id else "",
    )
    place_message(photo.capture.location, message.capture_location)
    return message
