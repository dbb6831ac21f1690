"""The landmarks of an import: missing ones are created, the others are used as they are, updated or refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from steeple.errors import AlreadyExistsError, NotFoundError
from steeple.server.catalogue import Catalogue, Landmark
from steeple.server.importing.options import OnExisting
from steeple.server.importing.plan import PlannedLandmark
from steeple.server.importing.progress import Progress
from steeple.server.ingest import Ingest
from steeple.server.operations import Run

_BATCH: Final = 100
_ATTEMPTS: Final = 3
_CREATE: Final = "steeple.v1.CatalogService/BatchCreateLandmarks"
_UPDATE: Final = "steeple.v1.CatalogService/UpdateLandmark"


class LandmarkImport:
    """Makes the landmarks of a plan be there.

    Args:
        catalogue: Where they are created.
        ingest: By which they are updated.
        run: Of the operation.
        progress: How far it is.
    """

    def __init__(self, catalogue: Catalogue, ingest: Ingest, run: Run, progress: Progress) -> None:
        self._catalogue = catalogue
        self._ingest = ingest
        self._run = run
        self._progress = progress

    def refuse_existing(self, planned: Sequence[PlannedLandmark]) -> None:
        """Refuses an import that must find nothing there.

        Raises:
            AlreadyExistsError: If a landmark is there; it names the first.
        """
        there = [one.id for one in planned if self._find(one) is not None]
        if there:
            others = f" and {len(there) - 1} others are" if len(there) > 1 else " is"
            raise AlreadyExistsError(
                f"landmarks/{there[0]}{others} there already, and the import is to fail then; nothing was changed",
                resource=f"landmarks/{there[0]}",
            )

    def validate(self, planned: Sequence[PlannedLandmark], on_existing: OnExisting) -> None:
        """Counts what would be done."""
        for one in planned:
            self._run.check()
            there = self._find(one)
            if there is None:
                self._progress.count("landmarks_to_create")
            elif on_existing is OnExisting.UPDATE and _changes(there, one):
                self._progress.count("landmarks_to_update")
            else:
                self._progress.count("landmarks_there_already")

    def carry_out(self, planned: Sequence[PlannedLandmark], on_existing: OnExisting) -> None:
        """Creates and updates, from where the run before ended.

        Raises:
            CancelledError: If the operation is to end.
            AlreadyExistsError: If one appeared meanwhile, and the import is to fail then.
        """
        while self._progress.landmarks < len(planned):
            self._run.progress(self._progress.landmarks, len(planned), "creating landmarks")
            batch = planned[self._progress.landmarks : self._progress.landmarks + _BATCH]
            for attempt in range(_ATTEMPTS):
                try:
                    self._batch(batch, on_existing)
                    break
                except AlreadyExistsError:  # somebody was faster
                    if on_existing is OnExisting.FAIL or attempt == _ATTEMPTS - 1:
                        raise

    def _batch(self, batch: Sequence[PlannedLandmark], on_existing: OnExisting) -> None:
        found = {one.id: self._find(one) for one in batch}
        missing = [one for one in batch if found[one.id] is None]
        updated = 0
        for one in batch:
            there = found[one.id]
            # A deleted one stays so; each of its photos says why it is not added.
            if there is None or on_existing is not OnExisting.UPDATE or there.delete_time is not None:
                continue
            if changes := _changes(there, one):
                with self._run.change(_UPDATE):
                    self._ingest.update_landmark(one.id, **changes)
                updated += 1
        progress = self._progress.copy()
        progress.landmarks += len(batch)
        progress.count("landmarks_created", len(missing))
        progress.count("landmarks_updated", updated)
        progress.count("landmarks_there_already", len(batch) - len(missing) - updated)
        if missing:
            drafts = [(one.fields.draft(one.name or one.id), one.id) for one in missing]
            with self._run.change(_CREATE):
                self._catalogue.create_landmarks(
                    drafts,
                    also=lambda connection: self._run.save_in(connection, progress.to_json(), progress.landmarks),
                )
        else:
            self._run.save(progress.to_json())
        self._progress.take(progress)

    def _find(self, one: PlannedLandmark) -> Landmark | None:
        try:
            return self._catalogue.get_landmark(one.id)
        except NotFoundError:
            return None


def _changes(there: Landmark, planned: PlannedLandmark) -> dict[str, Any]:
    """Fields to set."""
    given = planned.fields.given()
    now = {name: getattr(there, name) for name in given}
    return {name: value for name, value in given.items() if _plain(value) != _plain(now[name])}


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any field
    """Lists and tuples alike."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return list(value) if isinstance(value, tuple) else value
