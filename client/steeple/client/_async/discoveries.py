"""Calls of the DiscoveryService."""

from __future__ import annotations

from collections.abc import Iterable

from steeple.client._async.connection import AsyncConnection
from steeple.client._async.listing import AsyncListing
from steeple.client._convert import draft_message, landmark_name
from steeple.client._convert_discovery import (
    discovery_name,
    photo_name,
    proposal_name,
    state_value,
    to_accepted,
    to_discovery,
    to_photo,
    to_proposal,
)
from steeple.client._convert_operations import to_operation
from steeple.client._requests import request_id_or_new
from steeple.client.discovery import AcceptedProposal, Discovery, DiscoveryPhoto, Proposal, ProposalState
from steeple.client.operations import Operation
from steeple.client.resources import ImageFile, Landmark
from steeple.errors import InvalidArgumentError
from steeple.v1 import discovery_service_pb2 as api


class AsyncDiscoveryCalls:
    """The part of the client that makes landmarks of heaps of photos.

    Discoveries are given by id, by name (``discoveries/{id}``), as the operation that makes them, or as returned;
    proposals and photos by name or as returned. Every change carries a ``request_id``, as in the catalogue.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def start_discovery(
        self,
        *,
        upload: str = "",
        folder: str = "",
        radius_meters: float | None = None,
        reach_meters: float | None = None,
        min_views: int | None = None,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation:
        """Begins to look for landmarks in photos; wait for the operation, then list the proposals.

        Args:
            upload: ``uploads/{upload}`` of a ZIP archive of photos.
            folder: Instead, a folder of the server's, relative to its setting import_dir.
            radius_meters: Photos taken within so many metres of each other are of one place, where weaker matches
                count; None: 200.
            reach_meters: Photos taken farther apart are not compared; None: 5,000.
            min_views: Views that a proposal has at least; None: 2.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If not exactly one of upload and folder is given, or a value is out of its limits.
            NotFoundError: If there is no such upload or folder.
            FailedPreconditionError: If the server reads no folders.
        """
        if bool(upload) == bool(folder):
            raise InvalidArgumentError("give the photos as an upload or as a folder, one of the two")
        request = api.StartDiscoveryRequest(
            options=api.DiscoveryOptions(radius_meters=radius_meters, reach_meters=reach_meters, min_views=min_views),
            request_id=request_id_or_new(request_id),
        )
        if upload:
            request.upload = upload
        else:
            request.folder = folder
        response = await self._connection.call(self._connection.link.discovery.StartDiscovery, request, timeout=timeout)
        return to_operation(response.operation)

    async def get_discovery(self, discovery: str | Discovery | Operation, *, timeout: float | None = None) -> Discovery:
        """A discovery as it is now.

        Raises:
            NotFoundError: If there is none (yet).
        """
        request = api.GetDiscoveryRequest(name=discovery_name(discovery))
        response = await self._connection.call(self._connection.link.discovery.GetDiscovery, request, timeout=timeout)
        return to_discovery(response.discovery)

    def list_discoveries(self, *, page_size: int = 50, timeout: float | None = None) -> AsyncListing[Discovery]:
        """Discoveries, the latest first. Pages are fetched as the iterator needs them; ``timeout`` is for each."""
        request = api.ListDiscoveriesRequest(page_size=page_size)
        return self._connection.listing(
            self._connection.link.discovery.ListDiscoveries,
            request,
            lambda page: map(to_discovery, page.discoveries),
            timeout=timeout,
        )

    async def delete_discovery(self, discovery: str | Discovery | Operation, *, timeout: float | None = None) -> None:
        """Forgets a discovery with its proposals and deletes its photos, but for those that are reference images.

        Raises:
            NotFoundError: If there is none.
            FailedPreconditionError: If its operation is not finished.
        """
        request = api.DeleteDiscoveryRequest(name=discovery_name(discovery))
        await self._connection.call(
            self._connection.link.discovery.DeleteDiscovery, request, timeout=timeout, long=True
        )

    def list_proposals(
        self,
        discovery: str | Discovery | Operation,
        *,
        states: Iterable[ProposalState | str] = (),
        page_size: int = 50,
        timeout: float | None = None,
    ) -> AsyncListing[Proposal]:
        """Proposals of a discovery, those of most photos first, without photos and pairs.

        Args:
            discovery: Which.
            states: Only those in one of these; none: all.
            page_size: Proposals fetched at a time, as the iterator needs them.
            timeout: Seconds for each page; None: the client's.

        Raises:
            NotFoundError: If there is no such discovery.
        """
        wanted = [state_value(state) for state in states]
        request = api.ListProposalsRequest(parent=discovery_name(discovery), page_size=page_size, states=wanted)
        return self._connection.listing(
            self._connection.link.discovery.ListProposals,
            request,
            lambda page: map(to_proposal, page.proposals),
            timeout=timeout,
        )

    async def get_proposal(self, proposal: str | Proposal, *, timeout: float | None = None) -> Proposal:
        """A proposal as it is now, with photos and pairs.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.GetProposalRequest(name=proposal_name(proposal))
        response = await self._connection.call(self._connection.link.discovery.GetProposal, request, timeout=timeout)
        return to_proposal(response.proposal)

    def list_leftovers(
        self, discovery: str | Discovery | Operation, *, page_size: int = 50, timeout: float | None = None
    ) -> AsyncListing[DiscoveryPhoto]:
        """Photos of a discovery that are part of no proposal.

        Raises:
            NotFoundError: If there is no such discovery.
        """
        request = api.ListLeftoversRequest(parent=discovery_name(discovery), page_size=page_size)
        return self._connection.listing(
            self._connection.link.discovery.ListLeftovers,
            request,
            lambda page: map(to_photo, page.discovery_photos),
            timeout=timeout,
        )

    async def download_proposal_photo(
        self, photo: str | DiscoveryPhoto, *, thumbnail: bool = False, timeout: float | None = None
    ) -> ImageFile:
        """A photo of a discovery, as it was found.

        Args:
            photo: Which.
            thumbnail: A JPEG of at most 256 pixels a side, without metadata, instead.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is none.
            DataLossError: If the server has lost it.
        """
        request = api.DownloadProposalPhotoRequest(name=photo_name(photo), thumbnail=thumbnail)
        response = await self._connection.call(
            self._connection.link.discovery.DownloadProposalPhoto, request, timeout=timeout, long=True
        )
        return ImageFile(response.image, response.media_type)

    async def accept_proposal(
        self,
        proposal: str | Proposal,
        landmark: Landmark | str,
        *,
        photos: Iterable[str | DiscoveryPhoto] = (),
        request_id: str = "",
        timeout: float | None = None,
    ) -> AcceptedProposal:
        """Makes photos of a proposal reference images, all or none; they are searchable when this returns.

        Args:
            proposal: Which.
            landmark: A new landmark as it is to be, of whose name the empty one lets the server choose; or the id or
                name of one that there is. A new one without a location gets that of the proposal.
            photos: Which; none: of each view the best. Those that the landmark has already are passed over.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is no such proposal or landmark.
            FailedPreconditionError: If the proposal is accepted or discarded already.
            ModelMismatchError: If its features are of a release that the server does not serve any more.
            AlreadyExistsError: If the id of the new landmark is taken.
            InvalidArgumentError: If a photo is not of the proposal, or a value is out of its limits.
        """
        request = api.AcceptProposalRequest(
            name=proposal_name(proposal),
            photos=[photo_name(photo) for photo in photos],
            request_id=request_id_or_new(request_id),
        )
        if isinstance(landmark, Landmark):
            request.landmark_id = landmark.id
            request.landmark.CopyFrom(draft_message(landmark))
        else:
            request.existing_landmark = landmark_name(landmark)
        response = await self._connection.call(
            self._connection.link.discovery.AcceptProposal, request, timeout=timeout, long=True
        )
        return to_accepted(response)

    async def merge_proposals(
        self, proposals: Iterable[str | Proposal], *, request_id: str = "", timeout: float | None = None
    ) -> Proposal:
        """Makes one proposal of two or more of a discovery. The first stays, the others are gone.

        Raises:
            InvalidArgumentError: If there are fewer than two.
            NotFoundError: If one is not there.
            FailedPreconditionError: If one is accepted or discarded.
        """
        names = [proposal_name(proposal) for proposal in proposals]
        request = api.MergeProposalsRequest(
            parent=names[0].partition("/proposals/")[0] if names else "",
            names=names,
            request_id=request_id_or_new(request_id),
        )
        response = await self._connection.call(self._connection.link.discovery.MergeProposals, request, timeout=timeout)
        return to_proposal(response.proposal)

    async def split_proposal(
        self,
        proposal: str | Proposal,
        photos: Iterable[str | DiscoveryPhoto],
        *,
        request_id: str = "",
        timeout: float | None = None,
    ) -> tuple[Proposal, Proposal]:
        """Takes photos out of a proposal and makes another of them; what stays, and what was taken out.

        Raises:
            InvalidArgumentError: If there are none, one is not of the proposal, or they are all that it has.
            NotFoundError: If there is no such proposal.
            FailedPreconditionError: If it is accepted or discarded.
        """
        request = api.SplitProposalRequest(
            name=proposal_name(proposal),
            photos=[photo_name(photo) for photo in photos],
            request_id=request_id_or_new(request_id),
        )
        response = await self._connection.call(self._connection.link.discovery.SplitProposal, request, timeout=timeout)
        return to_proposal(response.proposal), to_proposal(response.split_proposal)

    async def discard_proposal(
        self, proposal: str | Proposal, *, request_id: str = "", timeout: float | None = None
    ) -> Proposal:
        """Says that a proposal is no landmark.

        Raises:
            NotFoundError: If there is none.
            FailedPreconditionError: If it is accepted or discarded already.
        """
        request = api.DiscardProposalRequest(name=proposal_name(proposal), request_id=request_id_or_new(request_id))
        response = await self._connection.call(
            self._connection.link.discovery.DiscardProposal, request, timeout=timeout
        )
        return to_proposal(response.proposal)

    async def restore_proposal(
        self, proposal: str | Proposal, *, request_id: str = "", timeout: float | None = None
    ) -> Proposal:
        """Takes :meth:`discard_proposal` back.

        Raises:
            NotFoundError: If there is none.
            FailedPreconditionError: If it is not discarded.
        """
        request = api.RestoreProposalRequest(name=proposal_name(proposal), request_id=request_id_or_new(request_id))
        response = await self._connection.call(
            self._connection.link.discovery.RestoreProposal, request, timeout=timeout
        )
        return to_proposal(response.proposal)
