"""Threads that carry out operations, one after the other."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from steeple.delf.priority import lower_priority
from steeple.errors import CancelledError, FailedPreconditionError, InternalError, SteepleError
from steeple.server.files import FileStore
from steeple.server.files.folder import FolderFiles
from steeple.server.logs import facts
from steeple.server.operations.records import Operation, OperationState
from steeple.server.operations.rows import LeaseLostError
from steeple.server.operations.run import Job, Run
from steeple.server.operations.store import OperationStore
from steeple.server.operations.tidying import Tidying
from steeple.server.replica import Replica

log = logging.getLogger(__name__)

_THREADS: Final = 2  # so that a small export does not wait for a long import
_POLL_SECONDS: Final = 2.0  # after a failure of the database; otherwise the threads are woken
_LOOK_SECONDS: Final = 5.0  # for what servers left that are gone, where there are several
_WAIT_SECONDS: Final = 1.0  # for the end of what another server runs
_RENEWALS: Final = 5  # in the time of a lease
_KEPT: Final = timedelta(days=90)

LEASE: Final = timedelta(seconds=30)
"""Of what a server runs, where there are several: who is dead for so long is replaced."""


class OperationRunner:
    """Carries operations out, from :meth:`start` to :meth:`close`; thread safe.

    Operations that a server did not finish, because it stopped or died, go on: where there is one server, at its next
    start; where there are several, on another, once the lease has run out that their server has on them. Leases are
    renewed on a thread, however long a step takes. A run that has lost its lease, as its server stood still for longer,
    is stopped, and cannot keep anything that it did since.

    Args:
        store: The operations.
        folder: Where operations have folders of their own, by id.
        files: Those that operations have made, for every server; by default, in the same folders.
        replica: Which server this is.
        lease: Of a run, where there may be several servers; None: :data:`LEASE`.

    Attributes:
        files: As given.
    """

    def __init__(
        self,
        store: OperationStore,
        folder: Path,
        files: FileStore | None = None,
        *,
        replica: Replica | None = None,
        lease: timedelta | None = None,
    ) -> None:
        self.store = store
        self.files: FileStore = FolderFiles(folder) if files is None else files
        self._tidying = Tidying(store, folder, self.files)
        self._folder = folder
        self._replica = replica or Replica.here()
        self._lease = (lease or LEASE) if store.shared else None
        self._numbers = itertools.count(1)
        self._jobs: dict[str, Job] = {}
        self._runs: dict[str, Run] = {}
        self._changed = threading.Condition()
        self._wakes = 0  # how often something was queued, or may have been
        self._ends = 0  # how often something has ended here
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def register(self, method: str, job: Job) -> None:
        """What is to be done for operations that ``method`` begins; before :meth:`start`."""
        self._jobs[method] = job

    def start(self) -> None:
        """Begins, with what was not finished.

        Raises:
            SteepleError: If the database cannot be reached.
        """
        again = self.store.requeue() if self._lease is None else 0
        if again:
            log.info("operations go on that were interrupted", extra=facts(operations=again))
        self._threads = [
            threading.Thread(target=self._work, name=f"operations-{number}", daemon=True) for number in range(_THREADS)
        ]
        if self._lease is not None:
            self._threads.append(threading.Thread(target=self._renew, name="operation leases", daemon=True))
        for thread in self._threads:
            thread.start()

    def begin(self, method: str, arguments: Mapping[str, Any], *, request_id: str = "") -> Operation:
        """Queues an operation; as :meth:`OperationStore.create`.

        Raises:
            InternalError: If nothing is registered for the method.
        """
        if method not in self._jobs:
            raise InternalError(f"no job is registered for {method}")
        operation = self.store.create(method, arguments, request_id=request_id)
        self._wake()
        return operation

    def cancel(self, operation_id: str) -> Operation:
        """Tells an operation to stop; as :meth:`OperationStore.cancel`."""
        operation = self.store.cancel(operation_id)
        with self._changed:
            if (run := self._runs.get(operation_id)) is not None:
                run.cancel()
        return operation

    def resume(self, operation_id: str) -> Operation:
        """Queues an operation again; as :meth:`OperationStore.resume`."""
        operation = self.store.resume(operation_id)
        self._wake()
        return operation

    def delete(self, operation_id: str) -> None:
        """Forgets a finished operation and deletes its files; as :meth:`OperationStore.delete`."""
        self.store.delete(operation_id)
        self._tidying.delete(operation_id)

    def folder(self, operation_id: str) -> Path:
        """Where an operation's files are, if it has any."""
        return self._folder / operation_id

    def purge(self, now: datetime | None = None) -> None:
        """Forgets what was finished 90 days ago, with its files."""
        for operation_id in self.store.purge((now or datetime.now(UTC)) - _KEPT):
            self._tidying.delete(operation_id)
        self._tidying.tidy()

    def wait(self, operation_id: str, timeout: float | None = None) -> Operation:
        """The operation once it is finished, or after ``timeout`` seconds as it is then.

        Raises:
            NotFoundError: If there is none of that id.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._changed:
                seen = self._wakes, self._ends
            operation = self.store.get(operation_id)
            left = None if deadline is None else deadline - time.monotonic()
            if operation.finished or self._stopping or (left is not None and left <= 0):
                return operation
            if self._lease is not None:  # another server may end it, and word of that be lost
                left = _WAIT_SECONDS if left is None else min(left, _WAIT_SECONDS)
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopping or (self._wakes, self._ends) != seen,  # noqa: B023 - now
                    left,
                )

    def follow(self) -> None:
        """Goes by what other servers have queued, ended, or told to stop.

        Raises:
            SteepleError: If the database cannot be reached.
        """
        with self._changed:
            runs = dict(self._runs)
        for operation_id in self.store.told_to_stop(runs) if runs else ():
            runs[operation_id].cancel()
        self._wake()

    def close(self) -> None:
        """Interrupts what is being done, to go on at the next start, and waits for its end. May be called again."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _wake(self) -> None:
        with self._changed:
            self._wakes += 1
            self._changed.notify_all()

    def _work(self) -> None:
        lower_priority()
        while not self._stopping:
            seen, pause = self._wakes, None if self._lease is None else _LOOK_SECONDS
            try:
                operation = self.store.claim(f"{self._replica.name}/{next(self._numbers)}", self._lease)
            except SteepleError:
                log.exception("operations cannot be read")
                operation, pause = None, _POLL_SECONDS
            if operation is not None:
                self._carry_out(operation)
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._wakes != seen, pause)  # noqa: B023 - now

    def _carry_out(self, operation: Operation) -> None:
        run = Run(operation, self.store, self.folder(operation.id), lambda: self._stopping, self.files)
        with self._changed:
            self._runs[operation.id] = run
            self._changed.notify_all()
        log.info("operation began", extra=facts(operation=operation.id, method=operation.method, owner=operation.owner))
        store_outcome = self._done(run)
        while not self._stored(run, store_outcome):
            with self._changed:
                if self._stopping:  # the next start of the server takes it up again
                    break
                self._changed.wait(_POLL_SECONDS)
        with self._changed:
            if self._runs.get(operation.id) is run:
                del self._runs[operation.id]
            self._ends += 1
            self._changed.notify_all()

    def _renew(self) -> None:
        """Renews the leases of what runs here, and stops what has lost its own."""
        lease = self._lease or timedelta(0)
        every = lease.total_seconds() / _RENEWALS
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._runs or self._stopping)
                if not self._runs:
                    return
                self._changed.wait_for(lambda: not self._runs, every)
                runs = list(self._runs.values())
            for run in runs:
                self._renew_one(run, lease)

    def _renew_one(self, run: Run, lease: timedelta) -> None:
        operation = run.operation
        try:
            if not run.lost and not self.store.renew(operation.id, operation.owner, lease):
                run.lose()
        except SteepleError as error:  # it is tried again; until the lease is over, nobody takes it
            log.warning("a lease was not renewed", extra=facts(operation=operation.id, error=error))

    def _stored(self, run: Run, store_outcome: Callable[[], None]) -> bool:
        try:
            run.flush()
            store_outcome()
        except LeaseLostError:
            log.warning("an operation goes on elsewhere", extra=facts(operation=run.operation.id))
        except SteepleError:
            log.exception("the outcome of an operation is not stored yet", extra=facts(operation=run.operation.id))
            return False
        return True

    def _done(self, run: Run) -> Callable[[], None]:
        """Does the work; what then stores its outcome is returned."""
        operation_id, state, results, failure = run.operation.id, OperationState.SUCCEEDED, {}, None
        owner = run.operation.owner
        try:
            job = self._jobs.get(run.operation.method)
            if job is None:
                raise FailedPreconditionError(f"this version of Steeple cannot carry out {run.operation.method}")
            results = dict(job(run))
        except CancelledError:
            if not run.cancelled:
                log.info("operation is to go on", extra=facts(operation=operation_id))
                return partial(self.store.unclaim, operation_id, owner)
            state = OperationState.CANCELLED
        except SteepleError as error:
            state, failure = OperationState.FAILED, error
        except Exception as error:
            log.exception("an operation failed", extra=facts(operation=operation_id))
            state, failure = OperationState.FAILED, InternalError(f"a defect: {type(error).__name__}: {error}")
        log.info("operation ended", extra=facts(operation=operation_id, state=str(state)))
        return partial(
            self.store.finish,
            operation_id,
            state,
            owner,
            results=results,
            error_status=failure.status if failure else "",
            error_message=failure.message if failure else "",
        )
