"""What administrators make of proposals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from steeple.delf import wire
from steeple.errors import InvalidArgumentError, ModelMismatchError
from steeple.server.catalogue import (
    ImageDraft,
    LandmarkDraft,
    answers,
    audit,
    landmarks,
    limits,
    reference_images,
    served_releases,
)
from steeple.server.catalogue import discovery_tables as tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.requests import Request
from steeple.server.discovery import photo_rows, proposal_rows
from steeple.server.discovery.records import (
    Acceptance,
    DiscoveryPhoto,
    Proposal,
    ProposalState,
    photo_name,
    proposal_name,
)
from steeple.server.discovery.summary import best_of_each_view


class Decisions:
    """Changes of proposals, each in one transaction. Thread safe.

    A call with a ``request_id`` can be repeated: the repeat changes nothing and tells of the proposals as they are now.
    All of them raise NotFoundError if there is no such proposal, FailedPreconditionError if it is accepted or discarded
    already, and InvalidArgumentError if a request id was used with other content.

    Args:
        database: The catalogue's.
        default: Tells the name of the model release that is the default, if the database does not.
    """

    def __init__(self, database: Database, default: Callable[[], str]) -> None:
        self._database = database
        self._default = default

    def accept(
        self,
        discovery_id: str,
        number: int,
        target: LandmarkDraft | str,
        *,
        landmark_id: str = "",
        photos: Sequence[int] = (),
        request_id: str = "",
    ) -> Acceptance:
        """Makes photos of a proposal reference images: all or none, with the features that they have.

        Args:
            discovery_id: The discovery.
            number: Of the proposal.
            target: A new landmark, which stands where the proposal does if it does not say; or the id of one that there
                is.
            landmark_id: Of a new landmark; empty: it is chosen.
            photos: Which; none: of each view the best. Those that the landmark has already (the same bytes) are passed
                over.
            request_id: A repeat gets the landmark and the images of the first answer.

        Raises:
            InvalidArgumentError: If a photo is not of the proposal, or a field breaks the contract.
            AlreadyExistsError: If the id is taken.
            NotFoundError: If there is no such landmark.
            FailedPreconditionError: If it is deleted.
            ModelMismatchError: If the features are of a release that is not served.
        """
        if isinstance(target, str):
            check_id(target, "existing_landmark")
            wanted: Mapping[str, Any] = {"existing": target}
        else:
            target = limits.checked_landmark_draft(target)
            if landmark_id:
                check_id(landmark_id, "landmark_id")
            wanted = {"new": answers.landmark_draft_to_json(target), "id": landmark_id}
        content = {"proposal": proposal_name(discovery_id, number), "photos": sorted(photos), **wanted}
        request = Request.of("AcceptProposal", request_id, content)
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is not None:
                proposal = proposal_rows.get(connection, discovery_id, number)
                return Acceptance(answers.landmark_from_json(answer["landmark"]), answer["images"], proposal)
            now = datetime.now(UTC)
            found = proposal_rows.open_one(connection, discovery_id, number)
            self._check_model(connection, discovery_id)
            chosen = _chosen(found, photos) if photos else best_of_each_view(found.photos)
            if not isinstance(target, str):
                draft = target if target.location is not None else replace(target, location=found.location)
                target = landmarks.create(connection, draft, landmark_id, now).id
            images = _add_images(connection, discovery_id, target, chosen, now)
            landmark = landmarks.get(connection, target).landmark
            state = str(ProposalState.ACCEPTED)
            proposal_rows.update(connection, discovery_id, number, now, state=state, landmark_id=target)
            request.remember(connection, {"landmark": answers.to_json(landmark), "images": images}, now)
            audit.record(connection, now, found.name)
            return Acceptance(landmark, images, proposal_rows.get(connection, discovery_id, number))

    def merge(self, discovery_id: str, numbers: Sequence[int], *, request_id: str = "") -> Proposal:
        """Makes one proposal of several; the first stays, the others are gone.

        Raises:
            InvalidArgumentError: If there are fewer than two, or one is given twice.
        """
        if len(numbers) < 2 or len(set(numbers)) < len(numbers):
            raise InvalidArgumentError("names must be those of two proposals or more, each given once", field="names")
        request = Request.of("MergeProposals", request_id, {"discovery": discovery_id, "proposals": list(numbers)})
        with self._database.write() as connection:
            if request.answer(connection) is None:
                now = datetime.now(UTC)
                first, *others = [proposal_rows.open_one(connection, discovery_id, number) for number in numbers]
                for other in others:
                    photo_rows.move(connection, discovery_id, [one.number for one in other.photos], first.number)
                    proposal_rows.delete(connection, discovery_id, other.number)
                    audit.record(connection, now, other.name)
                known = next((one.landmark_id for one in (first, *others) if one.landmark_id), "")
                proposal_rows.update(connection, discovery_id, first.number, now, landmark_id=known)
                proposal_rows.refresh(connection, discovery_id, first.number, now)
                request.remember(connection, {"proposal": first.number}, now)
                audit.record(connection, now, first.name)
            return proposal_rows.get(connection, discovery_id, numbers[0])

    def split(
        self, discovery_id: str, number: int, photos: Sequence[int], *, request_id: str = ""
    ) -> tuple[Proposal, Proposal]:
        """Takes photos out of a proposal and makes another of them; what stays, and what was taken out.

        Raises:
            InvalidArgumentError: If there are none, a photo is not of the proposal, or they are all that it has.
        """
        if not photos:
            raise InvalidArgumentError("photos must name those to take out", field="photos")
        content = {"proposal": proposal_name(discovery_id, number), "photos": sorted(photos)}
        request = Request.of("SplitProposal", request_id, content)
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is None:
                now = datetime.now(UTC)
                found = proposal_rows.open_one(connection, discovery_id, number)
                chosen = [photo.number for photo in _chosen(found, photos)]
                if len(chosen) == found.photo_count:
                    raise InvalidArgumentError(
                        f"photos are all that {found.name} has; leave one, or discard the proposal", field="photos"
                    )
                answer = {"split": proposal_rows.next_number(connection, discovery_id)}
                photo_rows.move(connection, discovery_id, chosen, answer["split"])
                proposal_rows.insert(connection, discovery_id, answer["split"], "", now)
                proposal_rows.refresh(connection, discovery_id, number, now)
                request.remember(connection, answer, now)
                audit.record(connection, now, found.name)
            return (
                proposal_rows.get(connection, discovery_id, number),
                proposal_rows.get(connection, discovery_id, answer["split"]),
            )

    def discard(self, discovery_id: str, number: int, *, request_id: str = "") -> Proposal:
        """Says that a proposal is no landmark."""
        request = Request.of("DiscardProposal", request_id, {"proposal": proposal_name(discovery_id, number)})
        with self._database.write() as connection:
            if request.answer(connection) is None:
                now = datetime.now(UTC)
                found = proposal_rows.open_one(connection, discovery_id, number)
                proposal_rows.update(connection, discovery_id, number, now, state=str(ProposalState.DISCARDED))
                request.remember(connection, {"proposal": number}, now)
                audit.record(connection, now, found.name)
            return proposal_rows.get(connection, discovery_id, number)

    def restore(self, discovery_id: str, number: int, *, request_id: str = "") -> Proposal:
        """Takes :meth:`discard` back.

        Raises:
            FailedPreconditionError: If the proposal is not discarded.
        """
        request = Request.of("RestoreProposal", request_id, {"proposal": proposal_name(discovery_id, number)})
        with self._database.write() as connection:
            if request.answer(connection) is None:
                now = datetime.now(UTC)
                found = proposal_rows.discarded_one(connection, discovery_id, number)
                proposal_rows.update(connection, discovery_id, number, now, state=str(ProposalState.PROPOSED))
                request.remember(connection, {"proposal": number}, now)
                audit.record(connection, now, found.name)
            return proposal_rows.get(connection, discovery_id, number)

    def _check_model(self, connection: Connection, discovery_id: str) -> None:
        query = select(tables.discovery.c.model).where(tables.discovery.c.id == discovery_id)
        model = connection.execute(query).scalar_one()
        served = served_releases.releases(connection).served
        default = served[0].name if served else self._default()
        if model != default:
            raise ModelMismatchError(
                f"the features of this discovery are of models/{model}, and this server serves models/{default}; "
                "discover again",
                model=f"models/{model}",
                served=f"models/{default}",
            )


def _chosen(proposal: Proposal, numbers: Sequence[int]) -> list[DiscoveryPhoto]:
    photos = {photo.number: photo for photo in proposal.photos}
    for number in numbers:
        if number not in photos:
            name = photo_name(proposal.discovery_id, number)
            raise InvalidArgumentError(f"photos must be of {proposal.name}, which {name} is not", field="photos")
    return [photos[number] for number in sorted(set(numbers))]


def _add_images(
    connection: Connection, discovery_id: str, landmark_id: str, photos: Sequence[DiscoveryPhoto], now: datetime
) -> list[str]:
    """Ids of the reference images that were added to a landmark."""
    parent = landmarks.to_change(connection, landmark_id)
    features = photo_rows.features(connection, discovery_id, [photo.number for photo in photos])
    added = []
    for photo in photos:
        if reference_images.of_photo_in(connection, parent, photo.sha256) is not None:
            continue
        draft = ImageDraft(
            features[photo.number],
            photo.sha256,
            photo.size_bytes,
            photo.media_type,
            quality=photo.quality,
            capture=photo.capture,
        )
        limits.check_image_draft(draft)
        image = reference_images.create(connection, parent, draft, wire.pack(draft.features), image_id="", now=now)
        photo_rows.became(connection, discovery_id, photo.number, image.id)
        added.append(image.id)
    return added
