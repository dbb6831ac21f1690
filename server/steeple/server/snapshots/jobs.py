"""Snapshots as long-running operations of a server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from steeple.errors import FailedPreconditionError, NotFoundError, ResourceExhaustedError, SnapshotError
from steeple.server.catalogue import audit
from steeple.server.logs import facts
from steeple.server.operations import Operation, OperationRunner, Run
from steeple.server.snapshots.making import Source, make
from steeple.server.snapshots.manifest import Snapshot, snapshot_name
from steeple.server.snapshots.places import SnapshotPlace
from steeple.server.snapshots.restoring import damage_error, verify

log = logging.getLogger(__name__)

_LOCK: Final = "snapshots"

CREATE: Final = "steeple.v1.SnapshotService/CreateSnapshot"
VERIFY: Final = "steeple.v1.SnapshotService/VerifySnapshot"
DELETE: Final = "steeple.v1.SnapshotService/DeleteSnapshot"


class Snapshots:
    """Makes, verifies and deletes snapshots. Thread safe.

    A snapshot has the id of the operation that makes it.

    Args:
        source: What they are of.
        store: Where they are.
        operations: Carry them out; not started yet.
        keep: Snapshots that are kept when one is made and the caller does not say; 0: all.
    """

    def __init__(self, source: Source, store: SnapshotPlace, operations: OperationRunner, *, keep: int) -> None:
        self.store = store
        self._source = source
        self._operations = operations
        self._keep = keep
        operations.register(CREATE, self._create)
        operations.register(VERIFY, self._verify)
        operations.register(DELETE, self._sweep)

    def create(
        self, *, copy_photos: bool = False, without_index: bool = False, keep: int = 0, request_id: str = ""
    ) -> Operation:
        """Begins to make a snapshot.

        Args:
            copy_photos: Whether photos are copied also where they could be linked.
            without_index: Whether the index is left out.
            keep: Snapshots that are kept once it is made, it among them; 0: as the setting says.
            request_id: A repeat gets the same operation.
        """
        arguments = {"copy_photos": copy_photos, "without_index": without_index, "keep": keep}
        return self._operations.begin(CREATE, arguments, request_id=request_id)

    def verify(self, snapshot_id: str) -> Operation:
        """Begins to read a snapshot and to compare it with its checksums.

        Raises:
            NotFoundError: If there is none of that id.
        """
        self.store.get(snapshot_id)
        return self._operations.begin(VERIFY, {"snapshot": snapshot_id})

    def delete(self, snapshot_id: str) -> None:
        """Deletes a snapshot. In object storage, an operation then removes the files that no other one has.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If the folder's permissions forbid it.
            UnavailableError: If object storage failed.
        """
        try:
            self.store.delete(snapshot_id)
        except PermissionError as error:
            raise FailedPreconditionError(f"{error.filename} cannot be deleted: {error.strerror}") from error
        if self.store.swept:
            self._operations.begin(DELETE, {"snapshot": snapshot_id})

    def _create(self, run: Run) -> Mapping[str, str]:
        snapshot_id, asked = run.operation.id, run.arguments
        with run.alone(_LOCK):
            try:
                snapshot = self.store.get(snapshot_id)  # by a run whose end was not noted down any more
            except NotFoundError:
                snapshot = self._made(run, snapshot_id)
            removed = self.store.prune(asked["keep"] or self._keep)
        if removed and self.store.swept:
            self._operations.begin(DELETE, {"snapshot": removed[0]})
        for old in removed:
            attempt = audit.Attempt(run.operation.actor, DELETE, snapshot_name(old))
            audit.record_outcome(self._source.database, attempt, "OK")
        log.info("a snapshot was made", extra=facts(snapshot=snapshot_id, photos=snapshot.photo_count, removed=removed))
        return {
            "snapshot": snapshot.name,
            "photos": str(snapshot.photo_count),
            "missing_photos": str(snapshot.missing_photo_count),
            "size_bytes": str(snapshot.size_bytes),
            "copied_bytes": str(snapshot.copied_bytes),
            "removed": " ".join(snapshot_name(old) for old in removed),
        }

    def _made(self, run: Run, snapshot_id: str) -> Snapshot:
        asked = run.arguments
        try:
            return make(
                self._source,
                self.store,
                snapshot_id,
                run,
                copy_photos=asked["copy_photos"],
                with_index=not asked["without_index"],
            )
        except PermissionError as error:
            raise FailedPreconditionError(
                f"{error.filename} cannot be written: {error.strerror}; check the setting snapshots_dir"
            ) from error
        except OSError as error:
            raise ResourceExhaustedError(
                f"the snapshot was not made: {error.strerror or error} ({error.filename or self.store.where})"
            ) from error

    def _verify(self, run: Run) -> Mapping[str, str]:
        snapshot_id = run.arguments["snapshot"]
        self.store.get(snapshot_id)
        kept = self.store.kept(snapshot_id)
        snapshot, wrong = verify(kept, lambda step, done, total: run.progress(done, total, step))
        for name, what in wrong:
            run.problem(name, SnapshotError(what))
        if wrong:
            raise damage_error(kept, wrong)
        return {"snapshot": snapshot.name, "files": str(snapshot.files), "size_bytes": str(snapshot.size_bytes)}

    def _sweep(self, run: Run) -> Mapping[str, str]:
        def told(looked_at: int) -> None:
            run.progress(looked_at, 0, "files of deleted snapshots")

        with run.alone(_LOCK):
            removed = self.store.sweep(told, token=run.operation.id)
        return {"snapshot": snapshot_name(run.arguments["snapshot"]), "removed_files": str(removed)}
