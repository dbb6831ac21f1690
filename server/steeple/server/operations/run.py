"""What a job sees of the operation that it carries out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from steeple.errors import CancelledError, SteepleError, UnavailableError
from steeple.server.catalogue import audit
from steeple.server.durable import sha256_of
from steeple.server.files import FileStore, kept_name
from steeple.server.files.folder import FolderFiles
from steeple.server.operations.records import Operation
from steeple.server.operations.rows import LeaseLostError
from steeple.server.operations.store import OperationStore

_SAVE_SECONDS: Final = 0.5


class Job(Protocol):
    """The work of an operation.

    It does its work in steps that can be repeated without harm, tells :class:`Run` how far it is, and keeps a
    checkpoint. After an interruption (a cancellation that is taken back, a failure that is mended, the end of the
    server however sudden) it is called again, with the last checkpoint that it saved.
    """

    def __call__(self, run: Run) -> Mapping[str, str]:
        """Does the work.

        Returns:
            What came of it, for people and programs to read.

        Raises:
            CancelledError: From :meth:`Run.check`: it is not to be caught.
            SteepleError: If it failed.
        """
        ...


class Run:
    """One run of an operation. Thread safe, but for :meth:`save`, which one thread at a time may call.

    Args:
        operation: As it was claimed, with its owner.
        store: Where progress is kept, fenced: once another run has been given the operation, nothing is.
        folder: For files of the operation; made when first asked for, deleted with the operation.
        stopping: Whether the server stops.
        files: Those of operations, for every server; by default, of folders beside this one.
    """

    def __init__(
        self,
        operation: Operation,
        store: OperationStore,
        folder: Path,
        stopping: Callable[[], bool],
        files: FileStore | None = None,
    ) -> None:
        self.operation = operation
        self._store = store
        self._folder = folder
        self._files = FolderFiles(folder.parent) if files is None else files
        self._stopping = stopping
        self._lock = threading.Lock()
        self._cancelled = operation.cancel_requested
        self._lost = False
        self._progress = (operation.step, operation.done, operation.total)
        self._saved_at = 0.0

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.operation.arguments

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """What the run before saved last; empty in the first run."""
        return self.operation.checkpoint

    @property
    def folder(self) -> Path:
        """A folder of the operation's own, on the server's disk: a run of another server has another."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def keep(self, path: Path, sha256: str = "") -> str:
        """Puts a file of the folder, which is whole, where every server finds it; it goes with the operation.

        Args:
            path: Of the file. Where files are shared, it is not there any more afterwards.
            sha256: Of it, hex, if that is known; else it is read.

        Returns:
            What it is called there; see :func:`steeple.server.files.kept_name`.

        Raises:
            OSError: If it cannot be read, or not be put there.
        """
        if self._files.shared and not sha256:
            sha256 = sha256_of(path)
        name = kept_name(self._files, path.name, sha256)
        self._files.put_file(f"{self._folder.name}/{name}", path, sha256=sha256)
        return name

    def stopped(self) -> bool:
        """Whether the operation is to end now."""
        return self._cancelled or self._lost or self._stopping()

    def check(self) -> None:
        """Raises if the operation is to end now. To be called often: at least about once a second.

        Raises:
            CancelledError: If it was cancelled, or the server stops, or another has been given it.
        """
        if self.stopped():
            raise CancelledError("the operation was told to stop")

    def progress(self, done: int, total: int = 0, step: str = "") -> None:
        """Tells how far the operation is; stored now and then.

        Args:
            done: Items of the step that are done.
            total: Items of the step; 0: not known.
            step: What is being done, in words; empty: the same as before.

        Raises:
            CancelledError: As :meth:`check`.
        """
        with self._lock:
            step = step or self._progress[0]
            due = time.monotonic() - self._saved_at >= _SAVE_SECONDS or step != self._progress[0]
            self._progress = (step, done, total)
            if due:
                # Others may be busy with the catalogue for longer than anybody waits: it is told the next time.
                with suppress(UnavailableError):
                    self._save(None)
        self.check()

    def save(self, checkpoint: Mapping[str, Any]) -> None:
        """Keeps where the next run goes on, and the progress.

        Args:
            checkpoint: Fit for JSON; it replaces the one before.

        Raises:
            CancelledError: As :meth:`check`; the checkpoint is kept.
        """
        with self._lock:
            self._save(checkpoint)
        self.check()

    def save_in(
        self,
        connection: Connection,
        checkpoint: Mapping[str, Any],
        done: int,
        problems: Iterable[tuple[str, SteepleError]] = (),
    ) -> None:
        """Keeps a checkpoint in the transaction of the work that it tells of, so that both are there or neither.

        No other thread may tell of progress meanwhile: it would wait for the transaction, and this for it.

        Args:
            connection: Of a write transaction of the catalogue.
            checkpoint: As for :meth:`save`.
            done: Items of the step that are done then.
            problems: Items that failed, and why; as for :meth:`problem`.
        """
        with self._lock:
            step, _, total = self._progress
            self._progress = (step, done, total)
            self._saved_at = time.monotonic()
            for item, error in problems:
                self._store.add_problem_in(connection, self.operation.id, item, error.status, error.message)
            with self._fenced():
                if self._store.save_in(
                    connection,
                    self.operation.id,
                    self.operation.owner,
                    step=step,
                    done=done,
                    total=total,
                    checkpoint=checkpoint,
                ):
                    self._cancelled = True

    def problem(self, item: str, error: SteepleError) -> None:
        """Keeps that an item failed; the operation goes on. A later problem of the same item replaces it.

        Args:
            item: What it is about, such as a file's name within what is imported.
            error: What is wrong with it.
        """
        self._store.add_problem(self.operation.id, item, error.status, error.message)

    def check_in(self, connection: Connection) -> None:
        """Sees to it that a change is this run's to make, in the transaction of the change.

        Args:
            connection: Of a write transaction of the catalogue.

        Raises:
            CancelledError: If another run has been given the operation.
        """
        with self._fenced():
            self._store.check_owner_in(connection, self.operation.id, self.operation.owner)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Waits for a lock, for operations of which one at a time may run, on whatever server.

        Args:
            name: Of the lock.

        Raises:
            CancelledError: As :meth:`check`, while it waits.
        """
        with self._store.locks.alone(name, stopped=self.check):
            yield

    @contextmanager
    def change(self, method: str = "") -> Iterator[None]:
        """Changes of the catalogue that are made inside, on this thread, are in the audit log as the caller's.

        Args:
            method: That would make the change by itself, such as ``steeple.v1.CatalogService/CreateLandmark``; empty:
                the operation's.
        """
        with audit.attempting(audit.Attempt(self.operation.actor, method or self.operation.method)):
            yield

    def _save(self, checkpoint: Mapping[str, Any] | None) -> None:
        step, done, total = self._progress
        self._saved_at = time.monotonic()
        operation = self.operation
        with self._fenced():
            if self._store.save(
                operation.id, operation.owner, step=step, done=done, total=total, checkpoint=checkpoint
            ):
                self._cancelled = True

    @contextmanager
    def _fenced(self) -> Iterator[None]:
        try:
            yield
        except LeaseLostError:
            self._lost = True
            raise

    def flush(self) -> None:
        """Stores the progress as it is now.

        Raises:
            SteepleError: If that fails.
        """
        with self._lock:
            self._save(None)

    def cancel(self) -> None:
        """Makes :meth:`check` raise."""
        self._cancelled = True

    def lose(self) -> None:
        """Makes :meth:`check` raise, as another run has been given the operation."""
        self._lost = True

    @property
    def lost(self) -> bool:
        """Whether another run has been given the operation, or may have been."""
        return self._lost

    @property
    def cancelled(self) -> bool:
        """Whether it was the operation that was told to stop, not the server."""
        return self._cancelled
