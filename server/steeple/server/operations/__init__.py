"""Long-running operations: begun by a call, done in the background, resumed after a crash."""

from steeple.server.operations.failures import ends_operation
from steeple.server.operations.records import Operation, OperationState, Problem
from steeple.server.operations.run import Job, Run
from steeple.server.operations.runner import OperationRunner
from steeple.server.operations.store import OperationStore

__all__ = [
    "Job",
    "Operation",
    "OperationRunner",
    "OperationState",
    "OperationStore",
    "Problem",
    "Run",
    "ends_operation",
]
