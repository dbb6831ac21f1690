"""``steeple.v1.DiscoveryService``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.api import conversion
from steeple.server.api.discovery_messages import (
    discovery_message,
    photo_message,
    proposal_message,
    read_options,
    read_source,
    read_states,
)
from steeple.server.api.kinds import THUMBNAIL
from steeple.server.api.names import check_chosen_id, image_name, parse_discovery, parse_landmark, parse_part
from steeple.server.api.operations import operation_message
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import landmark_message
from steeple.server.api.status import FIELD, about
from steeple.server.catalogue import LandmarkDraft
from steeple.server.discovery import Discoveries
from steeple.v1 import discovery_service_pb2 as api
from steeple.v1 import discovery_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class DiscoveryService(discovery_service_pb2_grpc.DiscoveryServiceServicer):
    """Proposes landmarks from heaps of photos, and does with them what administrators decide.

    Args:
        readiness: Where the engine is.
        calls: Threads for what only reads and writes the catalogue.
        queries: Threads that decode photos.
    """

    def __init__(self, readiness: Readiness, calls: Pool, queries: Pool) -> None:
        self._readiness = readiness
        self._calls = calls
        self._queries = queries

    async def StartDiscovery(  # noqa: N802
        self, request: api.StartDiscoveryRequest, context: Context
    ) -> api.StartDiscoveryResponse:
        """Begins a discovery."""
        source, options = read_source(request), read_options(request.options)
        with about("upload" if source.upload else "folder"):
            operation = await self._calls.run(self._discoveries.start, source, options, request_id=request.request_id)
        return api.StartDiscoveryResponse(operation=operation_message(operation))

    async def ListDiscoveries(  # noqa: N802
        self, request: api.ListDiscoveriesRequest, context: Context
    ) -> api.ListDiscoveriesResponse:
        """Discoveries, the latest first, a page at a time."""
        page = await self._calls.run(self._discoveries.store.list, request.page_size, request.page_token)
        return api.ListDiscoveriesResponse(
            discoveries=[discovery_message(each) for each in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def GetDiscovery(  # noqa: N802
        self, request: api.GetDiscoveryRequest, context: Context
    ) -> api.GetDiscoveryResponse:
        """A discovery by name."""
        found = await self._calls.run(self._discoveries.store.get, parse_discovery(request.name))
        return api.GetDiscoveryResponse(discovery=discovery_message(found))

    async def DeleteDiscovery(  # noqa: N802
        self, request: api.DeleteDiscoveryRequest, context: Context
    ) -> api.DeleteDiscoveryResponse:
        """Forgets a discovery."""
        await self._calls.run(self._discoveries.delete, parse_discovery(request.name))
        return api.DeleteDiscoveryResponse()

    async def ListProposals(  # noqa: N802
        self, request: api.ListProposalsRequest, context: Context
    ) -> api.ListProposalsResponse:
        """Proposals of a discovery, those of most photos first, a page at a time."""
        page = await self._calls.run(
            self._discoveries.store.proposals,
            parse_discovery(request.parent, "parent"),
            request.page_size,
            request.page_token,
            states=read_states(request.states),
        )
        return api.ListProposalsResponse(
            proposals=[proposal_message(each) for each in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def GetProposal(  # noqa: N802
        self, request: api.GetProposalRequest, context: Context
    ) -> api.GetProposalResponse:
        """A proposal with its photos."""
        found = await self._calls.run(self._discoveries.store.proposal, *parse_part(request.name, "proposals"))
        return api.GetProposalResponse(proposal=proposal_message(found))

    async def ListLeftovers(  # noqa: N802
        self, request: api.ListLeftoversRequest, context: Context
    ) -> api.ListLeftoversResponse:
        """Photos in no proposal, a page at a time."""
        discovery_id = parse_discovery(request.parent, "parent")
        page = await self._calls.run(
            self._discoveries.store.leftovers, discovery_id, request.page_size, request.page_token
        )
        return api.ListLeftoversResponse(
            discovery_photos=[photo_message(discovery_id, "", each) for each in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def DownloadProposalPhoto(  # noqa: N802
        self, request: api.DownloadProposalPhotoRequest, context: Context
    ) -> api.DownloadProposalPhotoResponse:
        """A photo, as it was found or made small."""
        discovery_id, number = parse_part(request.name, "photos")
        if request.thumbnail:
            # On a thread that extracts: decoding a photo takes memory, and so may not be done by many at once.
            small = await self._queries.run_as(THUMBNAIL, self._discoveries.thumbnail, discovery_id, number)
            return api.DownloadProposalPhotoResponse(image=small, media_type="image/jpeg")
        photo, media_type = await self._calls.run(self._discoveries.photo, discovery_id, number)
        return api.DownloadProposalPhotoResponse(image=photo, media_type=media_type)

    async def AcceptProposal(  # noqa: N802
        self, request: api.AcceptProposalRequest, context: Context
    ) -> api.AcceptProposalResponse:
        """Makes reference images of photos of a proposal."""
        discovery_id, number = parse_part(request.name, "proposals")
        with conversion.within("landmark"):
            accepted = await self._calls.run(
                self._discoveries.accept,
                discovery_id,
                number,
                _read_target(request),
                landmark_id=check_chosen_id(request.landmark_id, "landmark_id"),
                photos=_read_photos(discovery_id, request.photos),
                request_id=request.request_id,
            )
        return api.AcceptProposalResponse(
            landmark=landmark_message(accepted.landmark),
            reference_images=[image_name(accepted.landmark.id, image_id) for image_id in accepted.image_ids],
            proposal=proposal_message(accepted.proposal),
        )

    async def MergeProposals(  # noqa: N802
        self, request: api.MergeProposalsRequest, context: Context
    ) -> api.MergeProposalsResponse:
        """Makes one proposal of several."""
        discovery_id = parse_discovery(request.parent, "parent")
        numbers = _read_parts(discovery_id, request.names, "proposals", "names")
        merged = await self._calls.run(
            self._discoveries.decisions.merge, discovery_id, numbers, request_id=request.request_id
        )
        return api.MergeProposalsResponse(proposal=proposal_message(merged))

    async def SplitProposal(  # noqa: N802
        self, request: api.SplitProposalRequest, context: Context
    ) -> api.SplitProposalResponse:
        """Takes photos out of a proposal."""
        discovery_id, number = parse_part(request.name, "proposals")
        rest, taken_out = await self._calls.run(
            self._discoveries.decisions.split,
            discovery_id,
            number,
            _read_photos(discovery_id, request.photos),
            request_id=request.request_id,
        )
        return api.SplitProposalResponse(proposal=proposal_message(rest), split_proposal=proposal_message(taken_out))

    async def DiscardProposal(  # noqa: N802
        self, request: api.DiscardProposalRequest, context: Context
    ) -> api.DiscardProposalResponse:
        """Says that a proposal is no landmark."""
        found = await self._calls.run(
            self._discoveries.decisions.discard, *parse_part(request.name, "proposals"), request_id=request.request_id
        )
        return api.DiscardProposalResponse(proposal=proposal_message(found))

    async def RestoreProposal(  # noqa: N802
        self, request: api.RestoreProposalRequest, context: Context
    ) -> api.RestoreProposalResponse:
        """Takes back that a proposal is no landmark."""
        found = await self._calls.run(
            self._discoveries.decisions.restore, *parse_part(request.name, "proposals"), request_id=request.request_id
        )
        return api.RestoreProposalResponse(proposal=proposal_message(found))

    @property
    def _discoveries(self) -> Discoveries:
        return self._readiness.engine.discoveries


def _read_target(request: api.AcceptProposalRequest) -> LandmarkDraft | str:
    match request.WhichOneof("target"):
        case "landmark":
            return conversion.read_landmark_draft(request.landmark)
        case "existing_landmark":
            return parse_landmark(request.existing_landmark, "existing_landmark")
    raise InvalidArgumentError(
        "say what the photos show: set landmark for a new one, or existing_landmark", **{FIELD: "target"}
    )


def _read_photos(discovery_id: str, names: Iterable[str]) -> list[int]:
    return _read_parts(discovery_id, names, "photos", "photos")


def _read_parts(discovery_id: str, names: Iterable[str], collection: str, field: str) -> list[int]:
    numbers = []
    for name in names:
        parent, number = parse_part(name, collection, field)
        if parent != discovery_id:
            raise InvalidArgumentError(f"{field} must be of discoveries/{discovery_id}, not {name}", **{FIELD: field})
        numbers.append(number)
    return numbers
