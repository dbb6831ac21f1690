"""Protocol messages of discoveries to the SDK's types, and back."""

from __future__ import annotations

from typing import Final

from steeple.client._convert import to_landmark, to_place
from steeple.client._requests import number_of, prefixed
from steeple.client._times import to_time
from steeple.client.discovery import (
    AcceptedProposal,
    Discovery,
    DiscoveryPhoto,
    LeftoverReason,
    MatchedPair,
    NearbyLandmark,
    Proposal,
    ProposalState,
)
from steeple.client.operations import Operation
from steeple.errors import InvalidArgumentError
from steeple.v1 import discovery_service_pb2 as api

_STATES: Final = {
    ProposalState.PROPOSED: api.Proposal.STATE_PROPOSED,
    ProposalState.ACCEPTED: api.Proposal.STATE_ACCEPTED,
    ProposalState.DISCARDED: api.Proposal.STATE_DISCARDED,
}
_STATE_OF: Final = {number: state for state, number in _STATES.items()}
_REASONS: Final = {
    api.DiscoveryPhoto.REASON_NO_MATCH: LeftoverReason.NO_MATCH,
    api.DiscoveryPhoto.REASON_WEAK_MATCH: LeftoverReason.WEAK_MATCH,
    api.DiscoveryPhoto.REASON_FEW_VIEWS: LeftoverReason.FEW_VIEWS,
}


def discovery_name(discovery: str | Discovery | Operation) -> str:
    """``discoveries/{id}`` of an id, a name, a discovery or the operation that makes it."""
    if isinstance(discovery, Discovery):
        return discovery.name
    if isinstance(discovery, Operation):
        return f"discoveries/{discovery.id}"
    return prefixed("discoveries/", discovery)


def proposal_name(proposal: str | Proposal) -> str:
    """``discoveries/{discovery}/proposals/{id}`` of a name or a proposal.

    Raises:
        InvalidArgumentError: If it is not the whole name.
    """
    return _part(proposal.name if isinstance(proposal, Proposal) else proposal, "proposal")


def photo_name(photo: str | DiscoveryPhoto) -> str:
    """``discoveries/{discovery}/photos/{id}`` of a name or a photo.

    Raises:
        InvalidArgumentError: If it is not the whole name.
    """
    return _part(photo.name if isinstance(photo, DiscoveryPhoto) else photo, "photo")


def state_value(state: ProposalState | str) -> api.Proposal.State.ValueType:
    """The number of a state, or of its name.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    return number_of(state, _STATES, says="a state is one of", field="states")


def to_discovery(message: api.Discovery) -> Discovery:
    """A discovery."""
    finished = to_time(message.finish_time) if message.HasField("finish_time") else None
    return Discovery(
        name=message.name,
        operation=message.operation,
        ready=message.state == api.Discovery.STATE_READY,
        source=message.source,
        model=message.model,
        options={field.name: value for field, value in message.options.ListFields()},
        photo_count=message.photo_count,
        open_proposal_count=message.open_proposal_count,
        proposal_count=message.proposal_count,
        leftover_count=message.leftover_count,
        create_time=to_time(message.create_time),
        finish_time=finished,
    )


def to_proposal(message: api.Proposal) -> Proposal:
    """A proposal."""
    return Proposal(
        name=message.name,
        state=_STATE_OF.get(message.state, ProposalState.OTHER),
        representative=message.representative,
        photo_count=message.photo_count,
        view_count=message.view_count,
        cohesion=message.cohesion,
        location=to_place(message.location) if message.HasField("location") else None,
        extent_meters=message.extent_meters,
        landmark=message.landmark,
        landmark_display_name=message.landmark_display_name,
        nearby_landmarks=tuple(
            NearbyLandmark(one.landmark, one.display_name, one.distance_meters) for one in message.nearby_landmarks
        ),
        photos=tuple(to_photo(photo) for photo in message.photos),
        pairs=tuple(MatchedPair(pair.first, pair.second, pair.inliers, pair.near_duplicate) for pair in message.pairs),
        update_time=to_time(message.update_time),
    )


def to_photo(message: api.DiscoveryPhoto) -> DiscoveryPhoto:
    """A photo of a discovery."""
    reason = _REASONS.get(message.reason, LeftoverReason.OTHER) if message.reason else None
    return DiscoveryPhoto(
        name=message.name,
        item=message.item,
        sha256=message.sha256,
        size_bytes=message.size_bytes,
        media_type=message.media_type,
        width=message.width,
        height=message.height,
        feature_count=message.feature_count,
        capture_location=to_place(message.capture_location) if message.HasField("capture_location") else None,
        capture_time=message.capture_time,
        grade=message.grade,
        view=message.view,
        landmark=message.landmark,
        confidence=message.confidence,
        reason=reason,
        reference_image=message.reference_image,
    )


def to_accepted(message: api.AcceptProposalResponse) -> AcceptedProposal:
    """What came of the acceptance of a proposal."""
    return AcceptedProposal(
        to_landmark(message.landmark), tuple(message.reference_images), to_proposal(message.proposal)
    )


def _part(name: str, kind: str) -> str:
    parts = name.split("/")
    if len(parts) != 4 or (parts[0], parts[2]) != ("discoveries", f"{kind}s"):
        raise InvalidArgumentError(f"a {kind} is named discoveries/{{discovery}}/{kind}s/{{{kind}}}, not {name!r}")
    return name
