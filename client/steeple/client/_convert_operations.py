"""Protocol messages of long-running operations to the SDK's types, and back."""

from __future__ import annotations

from typing import Final

from steeple.client._requests import number_of, prefixed
from steeple.client._times import to_time
from steeple.client.operations import Operation, OperationProblem, OperationState
from steeple.v1 import operation_service_pb2 as api

_STATES: Final = {
    OperationState.QUEUED: api.Operation.STATE_QUEUED,
    OperationState.RUNNING: api.Operation.STATE_RUNNING,
    OperationState.SUCCEEDED: api.Operation.STATE_SUCCEEDED,
    OperationState.FAILED: api.Operation.STATE_FAILED,
    OperationState.CANCELLED: api.Operation.STATE_CANCELLED,
}
_STATE_OF: Final = {number: state for state, number in _STATES.items()}


def operation_name(operation: str | Operation) -> str:
    """``operations/{id}`` of an id, a name or an operation."""
    return operation.name if isinstance(operation, Operation) else prefixed("operations/", operation)


def state_value(state: OperationState | str) -> api.Operation.State.ValueType:
    """The number of a state, or of its name.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    return number_of(state, _STATES, says="a state is one of", field="states")


def to_operation(message: api.Operation) -> Operation:
    """An operation."""
    return Operation(
        name=message.name,
        method=message.method,
        state=_STATE_OF.get(message.state, OperationState.OTHER),
        actor=message.actor,
        step=message.step,
        done_count=message.done_count,
        total_count=message.total_count,
        problem_count=message.problem_count,
        results=dict(message.results),
        error_status=message.error_status,
        error_message=message.error_message,
        cancel_requested=message.cancel_requested,
        create_time=to_time(message.create_time),
        start_time=to_time(message.start_time) if message.HasField("start_time") else None,
        update_time=to_time(message.update_time),
        end_time=to_time(message.end_time) if message.HasField("end_time") else None,
    )


def to_problem(message: api.OperationProblem) -> OperationProblem:
    """A problem of an operation."""
    return OperationProblem(message.item, message.status, message.message)
