from __future__ import annotations

from typing import Any

import grpc

from steeple.v1.model_service_pb2 import RetireModelRequest, UpgradeModelRequest
from steeple.v1.model_service_pb2_grpc import ModelServiceStub
from steeple.v1.visual_search_service_pb2 import ListModelsRequest
from tests.server.conftest import MakeFeatures, MakePhoto

from .conftest import Refused, Running

OLD, NEW = "delf-lite2-v1", "delf-lite0-v1"
UUID = "0b7a4ab6-1b9c-4f0e-9d5b-1f4bb2a6c002"


async def served(running: Running) -> list[tuple[str, bool]]:
    response = await running.search.ListModels(ListModelsRequest())
    return [(model.name, model.default) for model in response.models]


async def test_a_server_is_taken_to_another_release(
    running: Running, make_photo: MakePhoto, make_features: MakeFeatures, refused: Refused
) -> None:
    engine = await running.server.ready()
    stub: Any = ModelServiceStub(running.channel)
    await running.add("a", make_photo(1))
    request = UpgradeModelRequest(release=NEW, request_id=UUID)
    began = (await stub.UpgradeModel(request)).operation
    assert (await stub.UpgradeModel(request)).operation.name == began.name
    done = engine.operations.wait(began.name.removeprefix("operations/"), 60.0)
    assert dict(done.results) == {"model": f"models/{NEW}", "images": "1", "missing": "0"}
    assert await served(running) == [(f"models/{NEW}", True), (f"models/{OLD}", False)]
    answer = await running.ask(make_photo(1))
    assert (answer.model, answer.candidates[0].landmark.name) == (f"models/{NEW}", "landmarks/a")
    retired = (await stub.RetireModel(RetireModelRequest(name=f"models/{OLD}"))).operation
    assert engine.operations.wait(retired.name.removeprefix("operations/"), 60.0).error_message == ""
    assert await served(running) == [(f"models/{NEW}", True)]
    refusal = await refused(running.ask(make_features(1)))
    assert (refusal.code, refusal.details["ErrorInfo"].reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "MODEL_MISMATCH",
    )
    assert refusal.details["ErrorInfo"].metadata["served"] == f"models/{NEW}"


async def test_what_cannot_be_done_is_told_at_once(running: Running, refused: Refused) -> None:
    stub: Any = ModelServiceStub(running.channel)
    codes = {
        grpc.StatusCode.INVALID_ARGUMENT: [
            stub.UpgradeModel(UpgradeModelRequest()),
            stub.RetireModel(RetireModelRequest(name=OLD)),
        ],
        grpc.StatusCode.NOT_FOUND: [
            stub.UpgradeModel(UpgradeModelRequest(release="delf-none")),
            stub.RetireModel(RetireModelRequest(name=f"models/{NEW}")),
        ],
        grpc.StatusCode.FAILED_PRECONDITION: [stub.RetireModel(RetireModelRequest(name=f"models/{OLD}"))],
    }
    for code, calls in codes.items():
        for call in calls:
            assert (await refused(call)).code is code
