"""Long-running operations: begun by a call, done in the background, resumed after a crash."""

from steeple.server.operations.failures import ends_operation
from steeple.server.operations.records import Operation, OperationState, Problem
from steeple.server.operations.rows import LeaseLostError
from steeple.server.operations.run import Job, Run
from steeple.server.operations.runner import LEASE, OperationRunner
from steeple.server.operations.store import OperationStore

__all__ = [
    "LEASE",
    "Job",
    "LeaseLostError",
    "Operation",
    "OperationRunner",
    "OperationState",
    "OperationStore",
    "Problem",
    "Run",
    "ends_operation",
]
