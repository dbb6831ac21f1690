# Made from _async/operations.py by tools/generate_sync_client.py; do not edit.
"""Calls of the OperationService."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from steeple.client._concurrency import sleep
from steeple.client._convert_operations import operation_name, state_value, to_operation, to_problem
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client.operations import Operation, OperationProblem, OperationState
from steeple.errors import DeadlineExceededError, UnavailableError, error_class
from steeple.v1 import operation_service_pb2 as api

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_AWAY_SECONDS: Final = 600.0


class OperationCalls:
    """The part of the client that follows long-running operations.

    Operations are given by id, by name (``operations/{id}``) or as what another call returned.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_operation(self, operation: str | Operation, *, timeout: float | None = None) -> Operation:
        """An operation as it is now.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.GetOperationRequest(name=operation_name(operation))
        response = self._connection.call(self._connection.link.operations.GetOperation, request, timeout=timeout)
        return to_operation(response.operation)

    def wait_operation(
        self,
        operation: str | Operation,
        *,
        timeout: float | None = None,
        progress: Callable[[Operation], object] | None = None,
    ) -> Operation:
        """The operation once it has succeeded. A server that restarts meanwhile is waited for, for ten minutes.

        Args:
            operation: Which.
            timeout: Seconds; None: however long it takes.
            progress: Told of the operation now and then, and last when it is finished.

        Raises:
            NotFoundError: If there is none.
            DeadlineExceededError: If it is not finished in time; it goes on.
            CancelledError: If it was cancelled.
            UnavailableError: If the server cannot be reached any more.
            SteepleError: What the operation failed with.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        pause, reached = _FIRST_PAUSE, time.monotonic()
        while True:
            try:
                found = self.get_operation(operation)
            except UnavailableError:
                now = time.monotonic()
                if now - reached > _AWAY_SECONDS or (ends is not None and now + pause > ends):
                    raise
            else:
                reached = time.monotonic()
                if progress is not None:
                    progress(found)
                if found.finished:
                    return _succeeded(found)
                if ends is not None and time.monotonic() + pause > ends:
                    raise DeadlineExceededError(f"{found.name} is not finished after {timeout} s; it goes on")
            sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def list_operations(
        self,
        *,
        states: Iterable[OperationState | str] = (),
        page_size: int = 50,
        timeout: float | None = None,
    ) -> Listing[Operation]:
        """Operations, the latest first.

        Args:
            states: Only those in one of these; none: all.
            page_size: Operations fetched at a time, as the iterator needs them.
            timeout: Seconds for each page; None: the client's.
        """
        wanted = [state_value(state) for state in states]
        request = api.ListOperationsRequest(page_size=page_size, states=wanted)
        return self._connection.listing(
            self._connection.link.operations.ListOperations,
            request,
            lambda page: map(to_operation, page.operations),
            timeout=timeout,
        )

    def list_operation_problems(
        self, operation: str | Operation, *, page_size: int = 50, timeout: float | None = None
    ) -> Listing[OperationProblem]:
        """What failed of an operation, in the order in which it was met.

        Raises:
            NotFoundError: If there is no such operation.
        """
        request = api.ListOperationProblemsRequest(parent=operation_name(operation), page_size=page_size)
        return self._connection.listing(
            self._connection.link.operations.ListOperationProblems,
            request,
            lambda page: map(to_problem, page.operation_problems),
            timeout=timeout,
        )

    def cancel_operation(self, operation: str | Operation, *, timeout: float | None = None) -> Operation:
        """Tells an operation to stop, soon. What it has done so far stays done; a finished one stays as it is.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.CancelOperationRequest(name=operation_name(operation))
        response = self._connection.call(self._connection.link.operations.CancelOperation, request, timeout=timeout)
        return to_operation(response.operation)

    def resume_operation(self, operation: str | Operation, *, timeout: float | None = None) -> Operation:
        """Goes on with an operation that failed or was cancelled, where it was.

        Raises:
            NotFoundError: If there is none.
            FailedPreconditionError: If it is neither.
        """
        request = api.ResumeOperationRequest(name=operation_name(operation))
        response = self._connection.call(self._connection.link.operations.ResumeOperation, request, timeout=timeout)
        return to_operation(response.operation)

    def delete_operation(self, operation: str | Operation, *, timeout: float | None = None) -> None:
        """Forgets a finished operation and deletes its files.

        Raises:
            NotFoundError: If there is none.
            FailedPreconditionError: If it is not finished.
        """
        request = api.DeleteOperationRequest(name=operation_name(operation))
        self._connection.call(self._connection.link.operations.DeleteOperation, request, timeout=timeout)


def _succeeded(operation: Operation) -> Operation:
    if operation.state is OperationState.CANCELLED:
        raise error_class("CANCELLED")(f"{operation.name} was cancelled", resource=operation.name)
    if operation.error_status:
        raise error_class(operation.error_status)(operation.error_message, resource=operation.name)
    return operation
