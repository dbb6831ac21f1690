from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import grpc

from steeple.errors import ImageError
from steeple.server.operations import Run
from steeple.v1.operation_service_pb2 import (
    CancelOperationRequest,
    DeleteOperationRequest,
    GetOperationRequest,
    ListOperationProblemsRequest,
    ListOperationsRequest,
    Operation,
    ResumeOperationRequest,
)
from steeple.v1.operation_service_pb2_grpc import OperationServiceStub

from .conftest import Refused, Running

METHOD = "steeple.v1.CatalogService/Something"


async def test_an_operation_is_followed_cancelled_resumed_and_deleted(running: Running, refused: Refused) -> None:
    engine = await running.server.ready()
    began, let_go = threading.Event(), threading.Event()

    def job(run: Run) -> Mapping[str, str]:
        run.problem("a.jpg", ImageError("not a photo"))
        run.progress(1, 2, "counting")
        began.set()
        while not let_go.wait(0.01):
            run.check()
        run.progress(2, 2)
        return {"photos": "1"}

    engine.operations.register(METHOD, job)
    name = engine.operations.begin(METHOD, {}).name
    assert began.wait(20.0)
    stub: Any = OperationServiceStub(running.channel)
    operation = (await stub.GetOperation(GetOperationRequest(name=name))).operation
    assert (operation.state, operation.step, operation.done_count, operation.total_count) == (
        Operation.STATE_RUNNING,
        "counting",
        1,
        2,
    )
    problems = await stub.ListOperationProblems(ListOperationProblemsRequest(parent=name))
    assert [(each.item, each.status, each.message) for each in problems.operation_problems] == [
        ("a.jpg", "INVALID_ARGUMENT", "not a photo")
    ]
    refusal = await refused(stub.DeleteOperation(DeleteOperationRequest(name=name)))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert (await stub.CancelOperation(CancelOperationRequest(name=name))).operation.cancel_requested
    engine.operations.wait(name.removeprefix("operations/"), 20.0)
    cancelled = (await stub.ListOperations(ListOperationsRequest(states=[Operation.STATE_CANCELLED]))).operations
    assert [each.name for each in cancelled] == [name]
    let_go.set()
    await stub.ResumeOperation(ResumeOperationRequest(name=name))
    engine.operations.wait(name.removeprefix("operations/"), 20.0)
    done = (await stub.GetOperation(GetOperationRequest(name=name))).operation
    assert (done.state, dict(done.results), done.problem_count) == (Operation.STATE_SUCCEEDED, {"photos": "1"}, 1)
    await stub.DeleteOperation(DeleteOperationRequest(name=name))
    refusal = await refused(stub.GetOperation(GetOperationRequest(name=name)))
    assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_bad_requests_name_the_field(running: Running, refused: Refused) -> None:
    stub: Any = OperationServiceStub(running.channel)
    calls = {
        "name": stub.GetOperation(GetOperationRequest(name="operation/x")),
        "parent": stub.ListOperationProblems(ListOperationProblemsRequest(parent="")),
        "states": stub.ListOperations(ListOperationsRequest(states=[99])),  # type: ignore[list-item]
        "page_token": stub.ListOperations(ListOperationsRequest(page_token="x")),  # noqa: S106
    }
    for field, call in calls.items():
        refusal = await refused(call)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
