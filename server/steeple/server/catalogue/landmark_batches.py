"""The calls of the catalogue that change many landmarks alike, all or none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import landmarks, limits, lookups, reference_images
from steeple.server.catalogue.batches import check_different_ids, numbered
from steeple.server.catalogue.records import Landmark
from steeple.server.catalogue.requests import Request
from steeple.server.catalogue.transactions import Transactions


@dataclass(frozen=True)
class CommonChanges:
    """What is to be done to each of several landmarks.

    Attributes:
        add_labels: That each has afterwards, beside those that it had.
        remove_labels: That none has afterwards.
        set_metadata: Entries to add or to set anew.
        remove_metadata: Keys to remove where they are.
        active: Whether searches find them; None: as it is.
        description: None: as it is.
    """

    add_labels: Collection[str] = ()
    remove_labels: Collection[str] = ()
    set_metadata: Mapping[str, str] = field(default_factory=dict)
    remove_metadata: Collection[str] = ()
    active: bool | None = None
    description: str | None = None

    def check(self) -> None:
        """Checks all that does not depend on the landmarks.

        Raises:
            InvalidArgumentError: If a value is out of bounds, there is nothing to do, or the same is to be added and
                removed; its metadata ``field`` says which.
        """
        _within("add_labels", lambda: limits.check_labels(self.add_labels))
        _within("remove_labels", lambda: limits.check_labels(self.remove_labels))
        _within("set_metadata", lambda: limits.check_metadata(self.set_metadata))
        _within("remove_metadata", lambda: limits.check_metadata(dict.fromkeys(self.remove_metadata, "")))
        if self.description is not None:
            limits.check_description(self.description)
        if both := set(self.add_labels) & set(self.remove_labels):
            raise InvalidArgumentError(f"label {min(both)} is to be added and removed", field="remove_labels")
        if keys := set(self.set_metadata) & set(self.remove_metadata):
            raise InvalidArgumentError(f"metadata {min(keys)!r} is to be set and removed", field="remove_metadata")
        if self == CommonChanges(active=None):
            raise InvalidArgumentError(
                "nothing to change: give add_labels, remove_labels, set_metadata, remove_metadata, active, description"
            )

    def columns_of(self, landmark: Landmark) -> dict[str, Any]:
        """The columns of a landmark that become others.

        Raises:
            InvalidArgumentError: If it would have too many labels or entries.
        """
        labels = limits.check_labels((set(landmark.labels) | set(self.add_labels)) - set(self.remove_labels))
        removed = set(self.remove_metadata)
        metadata = {**landmark.metadata, **self.set_metadata}
        metadata = {key: value for key, value in metadata.items() if key not in removed}
        limits.check_metadata(metadata)
        wanted: dict[str, Any] = {"labels": labels, "metadata": metadata}
        if self.active is not None:
            wanted["active"] = self.active
        if self.description is not None:
            wanted["description"] = self.description
        before = {**vars(landmark), "labels": list(landmark.labels)}
        return {name: value for name, value in wanted.items() if value != before[name]}

    def to_json(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {
            "add_labels": sorted(set(self.add_labels)),
            "remove_labels": sorted(set(self.remove_labels)),
            "set_metadata": dict(self.set_metadata),
            "remove_metadata": sorted(set(self.remove_metadata)),
            "active": self.active,
            "description": self.description,
        }


class LandmarkBatchCalls(Transactions):
    """The part of the catalogue that changes many landmarks alike."""

    def update_landmarks(
        self, landmark_ids: Sequence[str], changes: CommonChanges, *, request_id: str = ""
    ) -> tuple[str, ...]:
        """Changes landmarks alike, all or none. The audit log gets an entry for each that becomes another.

        Args:
            landmark_ids: 1 to 1000, none twice.
            changes: What is to be done to each.
            request_id: A repeat gets the first answer.

        Returns:
            Ids of those that became others, in their order; the rest was so already, and keeps its etag.

        Raises:
            InvalidArgumentError: If the ids or the changes break the contract, or a landmark would.
            NotFoundError: If one is not there.
            FailedPreconditionError: If one is deleted.
        """
        check_different_ids(landmark_ids, "names")
        changes.check()

        def update(connection: Connection, landmark_id: str, now: datetime) -> Landmark | None:
            stored = landmarks.to_change(connection, landmark_id)
            columns = changes.columns_of(stored.landmark)
            return landmarks.update(connection, stored, columns, now) if columns else None

        request = Request.of(
            "BatchUpdateLandmarks", request_id, {"ids": list(landmark_ids), "changes": changes.to_json()}
        )
        return self._each(request, landmark_ids, update)

    def delete_landmarks(self, landmark_ids: Sequence[str], *, force: bool = False, request_id: str = "") -> None:
        """Deletes landmarks as :meth:`delete_landmark` does, all or none. The audit log gets an entry for each.

        Args:
            landmark_ids: 1 to 1000, none twice.
            force: Whether their reference images go too.
            request_id: A repeat does nothing.

        Raises:
            InvalidArgumentError: If the ids break the contract.
            NotFoundError: If one is not there, or deleted already.
            FailedPreconditionError: If one has reference images and ``force`` is not set.
        """
        check_different_ids(landmark_ids, "names")

        def delete(connection: Connection, landmark_id: str, now: datetime) -> Landmark:
            stored = landmarks.to_delete(connection, landmark_id)
            landmarks.delete(connection, stored, force=force, now=now, expire=now + self._retention)
            return stored.landmark

        request = Request.of("BatchDeleteLandmarks", request_id, {"ids": list(landmark_ids), "force": force})
        self._each(request, landmark_ids, delete)

    def photos_of_landmarks(self, landmark_ids: Sequence[str]) -> set[str]:
        """SHA-256, hex, of the photos of all reference images of landmarks, deleted or not."""
        found = lookups.by_key(self._database, landmark_ids, reference_images.photos_of)
        return set().union(*found.values())

    def _each(
        self,
        request: Request,
        landmark_ids: Sequence[str],
        action: Callable[[Connection, str, datetime], Landmark | None],
    ) -> tuple[str, ...]:
        changed: list[str] = []
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return tuple(answer["changed"])
            now = datetime.now(UTC)
            for number, landmark_id in enumerate(landmark_ids):
                with numbered("names", number):
                    landmark = action(connection, landmark_id, now)
                if landmark is not None:
                    changed.append(landmark_id)
            request.remember(connection, {"changed": changed}, now)
        return tuple(changed)


def _within(name: str, check: Callable[[], object]) -> None:
    """What an error calls a field is, in a request of many, called otherwise."""
    try:
        check()
    except InvalidArgumentError as error:
        raise InvalidArgumentError(error.message, **{**error.metadata, "field": name}) from error
