from __future__ import annotations

from typing import Any
from uuid import uuid4

import grpc

from steeple.v1.operation_service_pb2 import DownloadOperationFileRequest, Operation
from steeple.v1.operation_service_pb2_grpc import OperationServiceStub
from steeple.v1.transfer_service_pb2 import ExportCatalogueRequest, ImportCatalogueRequest
from steeple.v1.transfer_service_pb2_grpc import TransferServiceStub
from steeple.v1.upload_service_pb2 import CreateUploadRequest, WriteUploadRequest
from steeple.v1.upload_service_pb2_grpc import UploadServiceStub
from tests.server.conftest import MakeFeatures

from .conftest import Refused, Running


async def test_an_export_is_imported_by_calls_alone(running: Running, make_features: MakeFeatures) -> None:
    transfer: Any = TransferServiceStub(running.channel)
    operations: Any = OperationServiceStub(running.channel)
    uploads: Any = UploadServiceStub(running.channel)
    runner = (await running.server.ready()).operations
    await running.add("a", make_features(1))
    request = ExportCatalogueRequest(request_id=str(uuid4()))
    begun = (await transfer.ExportCatalogue(request)).operation
    assert (await transfer.ExportCatalogue(request)).operation.name == begun.name
    done = runner.wait(begun.name.removeprefix("operations/"), 20.0)
    assert done.results["images"] == "1"
    wanted = DownloadOperationFileRequest(name=begun.name, file=done.results["file"])
    data = b"".join([part.data async for part in operations.DownloadOperationFile(wanted)])
    upload = (await uploads.CreateUpload(CreateUploadRequest(file_name="a.zip", size_bytes=len(data)))).upload
    await uploads.WriteUpload(iter([WriteUploadRequest(name=upload.name, data=data)]))
    begun = (await transfer.ImportCatalogue(ImportCatalogueRequest(upload=upload.name))).operation
    assert begun.method == "steeple.v1.TransferService/ImportCatalogue"
    done = runner.wait(begun.name.removeprefix("operations/"), 20.0)
    assert (str(done.state), done.results["images"]) == ("SUCCEEDED", "1")
    assert begun.state in (Operation.STATE_QUEUED, Operation.STATE_RUNNING, Operation.STATE_SUCCEEDED)


async def test_what_cannot_be_imported_is_told_at_once(running: Running, refused: Refused) -> None:
    transfer: Any = TransferServiceStub(running.channel)
    for request, code, field in (
        (ImportCatalogueRequest(), grpc.StatusCode.INVALID_ARGUMENT, "upload"),
        (ImportCatalogueRequest(upload="operations/a"), grpc.StatusCode.INVALID_ARGUMENT, "upload"),
        (ImportCatalogueRequest(upload="uploads/a"), grpc.StatusCode.NOT_FOUND, None),
        (
            ImportCatalogueRequest(upload="uploads/a", existing_policy=99),  # type: ignore[arg-type]
            grpc.StatusCode.INVALID_ARGUMENT,
            "existing_policy",
        ),
        (ImportCatalogueRequest(upload="uploads/a", request_id="7"), grpc.StatusCode.NOT_FOUND, None),
    ):
        refusal = await refused(transfer.ImportCatalogue(request))
        assert refusal.code is code
        if field:
            assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
