"""``steeple.v1.OperationService``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any, Final

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import check_path, parse_operation
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import timestamp
from steeple.server.api.sending import pieces
from steeple.server.api.status import FIELD
from steeple.server.operations import Operation, OperationRunner, OperationState, result_files
from steeple.v1 import operation_service_pb2 as api
from steeple.v1 import operation_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


_STATES: Final = {
    OperationState.QUEUED: api.Operation.STATE_QUEUED,
    OperationState.RUNNING: api.Operation.STATE_RUNNING,
    OperationState.SUCCEEDED: api.Operation.STATE_SUCCEEDED,
    OperationState.FAILED: api.Operation.STATE_FAILED,
    OperationState.CANCELLED: api.Operation.STATE_CANCELLED,
}


class OperationService(operation_service_pb2_grpc.OperationServiceServicer):
    """Tells of long-running operations, and stops them.

    Args:
        readiness: Where the engine, and so the operations, are.
        calls: Threads for what only reads and writes the catalogue.
        files: Threads for what reads and writes large files.
    """

    def __init__(self, readiness: Readiness, calls: Pool, files: Pool) -> None:
        self._readiness = readiness
        self._calls = calls
        self._files = files

    async def GetOperation(  # noqa: N802
        self, request: api.GetOperationRequest, context: Context
    ) -> api.GetOperationResponse:
        """An operation by name."""
        operation = await self._calls.run(self._operations.store.get, parse_operation(request.name))
        return api.GetOperationResponse(operation=operation_message(operation))

    async def ListOperations(  # noqa: N802
        self, request: api.ListOperationsRequest, context: Context
    ) -> api.ListOperationsResponse:
        """Operations, the latest first, a page at a time."""
        page = await self._calls.run(
            self._operations.store.list, request.page_size, request.page_token, states=_read_states(request.states)
        )
        return api.ListOperationsResponse(
            operations=[operation_message(operation) for operation in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def ListOperationProblems(  # noqa: N802
        self, request: api.ListOperationProblemsRequest, context: Context
    ) -> api.ListOperationProblemsResponse:
        """What failed of an operation, a page at a time."""
        operation_id = parse_operation(request.parent, "parent")
        page = await self._calls.run(
            self._operations.store.problems, operation_id, request.page_size, request.page_token
        )
        return api.ListOperationProblemsResponse(
            operation_problems=[
                api.OperationProblem(item=problem.item, status=problem.status, message=problem.message)
                for problem in page.items
            ],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def CancelOperation(  # noqa: N802
        self, request: api.CancelOperationRequest, context: Context
    ) -> api.CancelOperationResponse:
        """Tells an operation to stop."""
        operation = await self._calls.run(self._operations.cancel, parse_operation(request.name))
        return api.CancelOperationResponse(operation=operation_message(operation))

    async def ResumeOperation(  # noqa: N802
        self, request: api.ResumeOperationRequest, context: Context
    ) -> api.ResumeOperationResponse:
        """Goes on with an operation."""
        operation = await self._calls.run(self._operations.resume, parse_operation(request.name))
        return api.ResumeOperationResponse(operation=operation_message(operation))

    async def DownloadOperationFile(  # noqa: N802
        self, request: api.DownloadOperationFileRequest, context: Context
    ) -> AsyncGenerator[api.DownloadOperationFileResponse, None]:
        """Sends a file that an operation has made."""
        file_name = check_path(request.file, "file")
        operation = await self._calls.run(self._operations.store.get, parse_operation(request.name))
        made = result_files.of(operation, file_name, self._operations.files)
        with await self._files.run(made.open, request.offset) as file:
            async for data in pieces(self._files, file):
                yield api.DownloadOperationFileResponse(data=data)

    async def DeleteOperation(  # noqa: N802
        self, request: api.DeleteOperationRequest, context: Context
    ) -> api.DeleteOperationResponse:
        """Forgets a finished operation."""
        await self._calls.run(self._operations.delete, parse_operation(request.name))
        return api.DeleteOperationResponse()

    @property
    def _operations(self) -> OperationRunner:
        return self._readiness.engine.operations


def operation_message(operation: Operation) -> api.Operation:
    """An operation as the API shows it."""
    return api.Operation(
        name=operation.name,
        method=operation.method,
        state=_STATES[operation.state],
        actor=operation.actor,
        step=operation.step,
        done_count=operation.done,
        total_count=operation.total,
        problem_count=operation.problem_count,
        results=dict(operation.results),
        error_status=operation.error_status,
        error_message=operation.error_message,
        cancel_requested=operation.cancel_requested,
        create_time=timestamp(operation.create_time),
        start_time=timestamp(operation.start_time),
        update_time=timestamp(operation.update_time),
        end_time=timestamp(operation.end_time),
    )


def _read_states(values: Iterable[int]) -> list[OperationState]:
    known = {int(value): state for state, value in _STATES.items()}
    states = []
    for value in values:
        if value not in known:
            names = ", ".join(api.Operation.State.Name(one) for one in _STATES.values())
            raise InvalidArgumentError(f"states takes {names}, not {value}", **{FIELD: "states"})
        states.append(known[value])
    return states
