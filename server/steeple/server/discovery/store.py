"""Discoveries and their proposals in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy
from sqlalchemy import Connection, RowMapping, func, insert, select

from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, NotFoundError
from steeple.server.catalogue import Page, audit, pages
from steeple.server.catalogue import discovery_tables as tables
from steeple.server.catalogue.database import Database
from steeple.server.discovery import photo_rows, proposal_rows
from steeple.server.discovery.grouping import Grouping
from steeple.server.discovery.matches import Match, Pair
from steeple.server.discovery.records import (
    Discovery,
    DiscoveryOptions,
    DiscoveryPhoto,
    PhotoDraft,
    Proposal,
    ProposalState,
    discovery_name,
)

_TABLE = tables.discovery
_PHOTO = tables.discovery_photo
_PROPOSAL = tables.proposal
_BATCH = 64  # photos with features at a time: about 3 MB


class DiscoveryStore:
    """Discoveries in the catalogue's database. Thread safe; every change is durable when its call returns.

    Args:
        database: The catalogue's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # For the job

    def open(self, discovery_id: str, source: str, model: str, options: DiscoveryOptions) -> Discovery:
        """A discovery, which is made if it is not there.

        Raises:
            FailedPreconditionError: If it was begun with another model release.
        """
        with self._database.write() as connection:
            if connection.execute(select(_TABLE.c.id).where(_TABLE.c.id == discovery_id)).first() is None:
                connection.execute(
                    insert(_TABLE).values(
                        id=discovery_id,
                        source=source,
                        model=model,
                        options=options.to_json(),
                        create_time=datetime.now(UTC),
                    )
                )
            found = _get(connection, discovery_id)
        if found.model != model:
            raise FailedPreconditionError(
                f"{found.name} was begun with models/{found.model}, and this server serves models/{model}: their "
                "features cannot be compared; delete it and discover again",
                resource=found.name,
            )
        return found

    def add_photo(self, discovery_id: str, draft: PhotoDraft, features: FeatureSet) -> None:
        """Adds a photo, which must be in the image store, with its features."""
        with self._database.write() as connection:
            photo_rows.add(connection, discovery_id, draft, features)

    def photos(self, discovery_id: str) -> list[DiscoveryPhoto]:
        """All photos, by number."""
        with self._database.read() as connection:
            return photo_rows.of_discovery(connection, discovery_id)

    def features(self, discovery_id: str, numbers: Sequence[int]) -> dict[int, FeatureSet]:
        """Features of photos by number; those that are not there are left out."""
        with self._database.read() as connection:
            return photo_rows.features(connection, discovery_id, numbers)

    def iterate_features(self, discovery_id: str) -> Iterable[tuple[int, FeatureSet]]:
        """Number and features of every photo, by number."""
        number = 0
        while True:
            with self._database.read() as connection:
                batch = photo_rows.features_after(connection, discovery_id, number, _BATCH)
            yield from batch
            if len(batch) < _BATCH:
                return
            number = batch[-1][0]

    def searched(
        self, discovery_id: str, number: int, matches: Iterable[Match], landmark_id: str, confidence: float
    ) -> None:
        """Keeps what a photo was found to match, and what it was identified as."""
        with self._database.write() as connection:
            photo_rows.searched(connection, discovery_id, number, matches, landmark_id, confidence)

    def pairs(self, discovery_id: str) -> list[Pair]:
        """All pairs of photos that match."""
        with self._database.read() as connection:
            return photo_rows.pairs(connection, discovery_id)

    def propose(self, discovery_id: str, grouping: Grouping) -> Discovery:
        """Makes proposals of groups, the largest first, and ends the discovery.

        Args:
            discovery_id: The discovery.
            grouping: Of its photos, by number.
        """
        now = datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(sqlalchemy.delete(_PROPOSAL).where(_PROPOSAL.c.discovery_id == discovery_id))
            for number, group in enumerate(grouping.groups, start=1):
                for view, members in group.views.items():
                    photo_rows.assign(connection, discovery_id, members, proposal=number, view=view)
                proposal_rows.insert(connection, discovery_id, number, group.landmark_id, now)
            for reason, numbers in grouping.leftovers.items():
                photo_rows.assign(connection, discovery_id, numbers, proposal=None, reason=reason)
            connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.id == discovery_id).values(finish_time=now))
            return _get(connection, discovery_id)

    # For callers

    def get(self, discovery_id: str) -> Discovery:
        """A discovery.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.read() as connection:
            return _get(connection, discovery_id)

    def list(self, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = "") -> Page[Discovery]:
        """A page of discoveries, the latest first. A size of 0 stands for 50, more than 1000 for 1000.

        Raises:
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        size, last = pages.check_page_size(page_size), pages.last_id("discoveries", page_token)
        query = select(_TABLE).order_by(_TABLE.c.id.desc()).limit(size + 1)
        if last:
            query = query.where(_TABLE.c.id < last)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            found = _discoveries(connection, rows)
            total = connection.execute(select(func.count()).select_from(_TABLE)).scalar_one()
        return pages.page_by_id(found, size, "discoveries", int(total))

    def delete(self, discovery_id: str) -> set[str]:
        """Forgets a discovery; the SHA-256, hex, of its photos.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.write() as connection:
            _get(connection, discovery_id)
            connection.execute(sqlalchemy.delete(_PROPOSAL).where(_PROPOSAL.c.discovery_id == discovery_id))
            digests = photo_rows.delete(connection, discovery_id)
            connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.id == discovery_id))
            audit.record(connection, datetime.now(UTC), discovery_name(discovery_id))
            return digests

    def photo(self, discovery_id: str, number: int) -> DiscoveryPhoto:
        """A photo.

        Raises:
            NotFoundError: If there is none of that number.
        """
        with self._database.read() as connection:
            return photo_rows.get(connection, discovery_id, number)

    def proposal(self, discovery_id: str, number: int) -> Proposal:
        """A proposal, with photos, pairs and the landmarks near it.

        Raises:
            NotFoundError: If there is none of that number.
        """
        with self._database.read() as connection:
            return proposal_rows.get(connection, discovery_id, number)

    def proposals(
        self,
        discovery_id: str,
        page_size: int = pages.DEFAULT_PAGE_SIZE,
        page_token: str = "",
        *,
        states: Iterable[ProposalState] = (),
    ) -> Page[Proposal]:
        """A page of proposals by number, without photos and pairs. Sizes as for :meth:`list`.

        Raises:
            NotFoundError: If there is no such discovery.
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        size, wanted = pages.check_page_size(page_size), sorted({str(state) for state in states})
        collection = f"{discovery_name(discovery_id)}/proposals:{','.join(wanted)}"
        last = int(pages.last_id(collection, page_token) or 0)
        with self._database.read() as connection:
            _get(connection, discovery_id)
            found, total = proposal_rows.listed(connection, discovery_id, last, size + 1, wanted)
        return pages.page_by_id(found, size, collection, total)

    def leftovers(
        self, discovery_id: str, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = ""
    ) -> Page[DiscoveryPhoto]:
        """A page of the photos that are part of no proposal, by number. Sizes as for :meth:`list`.

        Raises:
            NotFoundError: If there is no such discovery.
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        size, collection = pages.check_page_size(page_size), f"{discovery_name(discovery_id)}/leftovers"
        last = int(pages.last_id(collection, page_token) or 0)
        with self._database.read() as connection:
            _get(connection, discovery_id)
            found, total = photo_rows.leftovers(connection, discovery_id, last, size + 1)
        return pages.page_by_id(found, size, collection, total)


def _get(connection: Connection, discovery_id: str) -> Discovery:
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == discovery_id)).mappings().one_or_none()
    if row is None:
        name = discovery_name(discovery_id)
        raise NotFoundError(f"there is no {name}", resource=name)
    return _discoveries(connection, [row])[0]


def _discoveries(connection: Connection, rows: Sequence[RowMapping]) -> list[Discovery]:
    """Rows with what is counted of them, in two queries for all."""
    ids = [row["id"] for row in rows]
    counting = select(_PHOTO.c.discovery_id, func.count(), func.count(_PHOTO.c.proposal))
    counting = counting.where(_PHOTO.c.discovery_id.in_(ids)).group_by(_PHOTO.c.discovery_id)
    photos = {discovery_id: (every, proposed) for discovery_id, every, proposed in connection.execute(counting)}
    grouped = select(_PROPOSAL.c.discovery_id, _PROPOSAL.c.state, func.count())
    grouped = grouped.where(_PROPOSAL.c.discovery_id.in_(ids)).group_by(_PROPOSAL.c.discovery_id, _PROPOSAL.c.state)
    states: dict[str, dict[str, int]] = {discovery_id: {} for discovery_id in ids}
    for discovery_id, state, count in connection.execute(grouped):
        states[discovery_id][state] = count
    return [_discovery(row, *photos.get(row["id"], (0, 0)), states[row["id"]]) for row in rows]


def _discovery(row: RowMapping, photos: int, proposed: int, states: Mapping[str, int]) -> Discovery:
    return Discovery(
        id=row["id"],
        source=row["source"],
        model=row["model"],
        options=DiscoveryOptions(**row["options"]),
        photo_count=photos,
        open_proposal_count=states.get(ProposalState.PROPOSED, 0),
        proposal_count=sum(states.values()),
        leftover_count=photos - proposed,
        create_time=row["create_time"],
        finish_time=row["finish_time"],
    )
