"""Client-streaming and server-streaming calls: keys, errors, audit log and metrics hold for them as for others."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import pytest

from steeple.server.access import Limits, NewKey, Scope
from steeple.server.catalogue import audit
from steeple.server.operations import Run, result_files
from steeple.v1.operation_service_pb2 import DownloadOperationFileRequest
from steeple.v1.operation_service_pb2_grpc import OperationServiceStub
from steeple.v1.upload_service_pb2 import (
    CreateUploadRequest,
    DeleteUploadRequest,
    GetUploadRequest,
    ListUploadsRequest,
    Upload,
    WriteUploadRequest,
)
from steeple.v1.upload_service_pb2_grpc import UploadServiceStub

from .conftest import Refused, Running, Start

METHOD = "steeple.v1.CatalogService/Something"


def stub_of(running: Running) -> Any:
    return UploadServiceStub(running.channel)


async def create(running: Running, size: int, metadata: Any = None) -> str:
    request = CreateUploadRequest(file_name="a.zip", size_bytes=size)
    return str((await stub_of(running).CreateUpload(request, metadata=metadata)).upload.name)


async def events(running: Running) -> list[tuple[str, str, str, str]]:
    database = (await running.server.ready()).catalogue.database
    found = audit.events(database).items
    return [(event.actor, event.method.rpartition("/")[2], event.resource, event.outcome) for event in found[::-1]]


def bearer(key: NewKey) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key.secret}"),)


async def make_key(running: Running, scope: Scope, **more: Any) -> NewKey:
    keyring = (await running.server.ready()).keyring
    made = keyring.store.create(f"The {scope}'s", scope, **more)
    keyring.reload()
    return made


async def test_a_file_is_sent_and_the_log_says_so_once(running: Running) -> None:
    stub, name = stub_of(running), await create(running, 10)
    part = (await stub.WriteUpload(iter([WriteUploadRequest(name=name, offset=0, data=b"01234")]))).upload
    assert (part.committed_size, part.complete, part.sha256) == (5, False, "")
    rest = [WriteUploadRequest(name=name, offset=5, data=b"56"), WriteUploadRequest(offset=7, data=b"789")]
    done = (await stub.WriteUpload(iter(rest))).upload
    assert (done.committed_size, done.complete) == (10, True)
    assert done.sha256 == hashlib.sha256(b"0123456789").hexdigest()
    assert (await stub.GetUpload(GetUploadRequest(name=name))).upload == done
    assert list((await stub.ListUploads(ListUploadsRequest())).uploads) == [done]
    await stub.DeleteUpload(DeleteUploadRequest(name=name))
    assert await events(running) == [
        ("open", "CreateUpload", name, "OK"),
        ("open", "WriteUpload", name, "OK"),
        ("open", "DeleteUpload", name, "OK"),
    ]
    sample = running.server.metrics.registry.get_sample_value
    calls = {"method": "UploadService/WriteUpload", "status": "OK"}
    assert sample("steeple_requests_total", calls) == 2
    assert sample("steeple_requests_in_flight", {"method": "UploadService/WriteUpload"}) == 0


async def test_refusals_come_as_of_other_calls(running: Running, refused: Refused) -> None:
    stub, name = stub_of(running), await create(running, 10)
    wrong = await refused(stub.WriteUpload(iter([WriteUploadRequest(name=name, offset=3, data=b"x")])))
    assert wrong.code is grpc.StatusCode.FAILED_PRECONDITION
    assert wrong.details["ErrorInfo"].metadata["committed_bytes"] == "0"
    assert wrong.details["ResourceInfo"].resource_name == name
    assert wrong.details["ResourceInfo"].resource_type == "steeple.v1.Upload"
    unknown = await refused(stub.WriteUpload(iter([WriteUploadRequest(name="uploads/nothing")])))
    assert unknown.code is grpc.StatusCode.NOT_FOUND
    for requests in ([], [WriteUploadRequest(name="x")], [WriteUploadRequest(name=name), WriteUploadRequest(name="y")]):
        bad = await refused(stub.WriteUpload(iter(requests)))
        assert bad.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in bad.details["BadRequest"].field_violations] == ["name"]
    raw: Any = running.channel.stream_unary("/steeple.v1.UploadService/WriteUpload")
    assert (await refused(raw(iter([b"\xff\xff"])))).code is grpc.StatusCode.INVALID_ARGUMENT
    assert await events(running) == [
        ("open", "CreateUpload", name, "OK"),
        ("open", "WriteUpload", name, "FAILED_PRECONDITION"),
        ("open", "WriteUpload", "uploads/nothing", "NOT_FOUND"),
        ("open", "WriteUpload", "", "INVALID_ARGUMENT"),
        ("open", "WriteUpload", "x", "INVALID_ARGUMENT"),
        ("open", "WriteUpload", name, "INVALID_ARGUMENT"),
        ("open", "WriteUpload", "", "INVALID_ARGUMENT"),
    ]


async def test_what_came_before_an_error_and_before_a_hangup_is_kept(running: Running, refused: Refused) -> None:
    stub, name = stub_of(running), await create(running, 10)
    requests = [WriteUploadRequest(name=name, data=b"012"), WriteUploadRequest(offset=7, data=b"x")]
    await refused(stub.WriteUpload(iter(requests)))
    assert (await stub.GetUpload(GetUploadRequest(name=name))).upload.committed_size == 3
    content = running.settings.data_dir / name / "content"
    call = stub.WriteUpload()
    await call.write(WriteUploadRequest(name=name, offset=3, data=b"345"))
    await until(running, name, lambda _: content.stat().st_size == 6)
    later = stub.WriteUpload()  # takes over, though the one before still lasts, and what that did not commit is gone
    await later.write(WriteUploadRequest(name=name, offset=3, data=b"345"))
    await later.done_writing()
    assert (await later).upload.committed_size == 6
    await call.write(WriteUploadRequest(offset=6, data=b"6"))
    assert (await refused(call)).code is grpc.StatusCode.ABORTED
    call = stub.WriteUpload()
    await call.write(WriteUploadRequest(name=name, offset=6, data=b"67"))
    await until(running, name, lambda _: content.stat().st_size == 8)
    call.cancel()
    await until(running, name, lambda upload: upload.committed_size == 8)


async def until(running: Running, name: str, reached: Callable[[Upload], bool], metadata: Any = None) -> None:
    """Returns when the server is so far with an upload."""
    request = GetUploadRequest(name=name)
    async with asyncio.timeout(20):
        while not reached((await stub_of(running).GetUpload(request, metadata=metadata)).upload):
            pass


async def test_scopes_rates_and_revocations_hold(start: Start, refused: Refused) -> None:
    async with start(access="keys") as running:
        stub, keyring = stub_of(running), (await running.server.ready()).keyring
        editor, reader = await make_key(running, Scope.EDITOR), await make_key(running, Scope.READER)
        name = await create(running, 10, bearer(editor))
        first = WriteUploadRequest(name=name, data=b"012")
        assert (await refused(stub.WriteUpload(iter([first])))).code is grpc.StatusCode.UNAUTHENTICATED
        forbidden = await refused(stub.WriteUpload(iter([first]), metadata=bearer(reader)))
        assert forbidden.code is grpc.StatusCode.PERMISSION_DENIED
        slow = await make_key(running, Scope.EDITOR, limits=Limits(requests_per_second=0.01, burst=1))
        await stub.WriteUpload(iter([first]), metadata=bearer(slow))
        limited = await refused(stub.WriteUpload(iter([first]), metadata=bearer(slow)))
        assert limited.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        call = stub.WriteUpload(metadata=bearer(editor))
        await call.write(WriteUploadRequest(name=name, offset=3, data=b"3"))
        content = running.settings.data_dir / name / "content"
        await until(running, name, lambda _: content.stat().st_size == 4, bearer(reader))
        keyring.store.revoke(editor.key.id)
        keyring.reload()
        await call.write(WriteUploadRequest(offset=4, data=b"4"))
        assert (await refused(call)).code is grpc.StatusCode.UNAUTHENTICATED
        recorded = await events(running)
        assert recorded[-1] == (editor.key.name, "WriteUpload", name, "UNAUTHENTICATED")


@pytest.fixture
async def made(running: Running) -> str:
    """Name of an operation that has made a file of 3 MB."""
    operations = (await running.server.ready()).operations

    def job(run: Run) -> Mapping[str, str]:
        (run.folder / "secret.bin").write_bytes(b"not for anybody")
        (run.folder / "made.bin").write_bytes(bytes(range(250)) * 12_000)
        return result_files.results(run, run.folder / "made.bin")

    operations.register(METHOD, job)
    operation = operations.begin(METHOD, {})
    operations.wait(operation.id, 20.0)
    return operation.name


async def test_a_file_of_an_operation_is_sent_from_where_it_is_asked_for(
    running: Running, made: str, refused: Refused
) -> None:
    stub: Any = OperationServiceStub(running.channel)
    whole = bytes(range(250)) * 12_000
    for offset in (0, 1, len(whole) - 1, len(whole)):
        request = DownloadOperationFileRequest(name=made, file="made.bin", offset=offset)
        assert b"".join([part.data async for part in stub.DownloadOperationFile(request)]) == whole[offset:]
    for offset, file, code in (
        (-1, "made.bin", grpc.StatusCode.INVALID_ARGUMENT),
        (len(whole) + 1, "made.bin", grpc.StatusCode.INVALID_ARGUMENT),
        (0, "secret.bin", grpc.StatusCode.NOT_FOUND),
        (0, "../../catalogue.db", grpc.StatusCode.NOT_FOUND),
        (0, "", grpc.StatusCode.NOT_FOUND),
    ):
        call = stub.DownloadOperationFile(DownloadOperationFileRequest(name=made, file=file, offset=offset))
        assert (await refused(call.read())).code is code
    sample = running.server.metrics.registry.get_sample_value
    calls = {"method": "OperationService/DownloadOperationFile", "status": "OK"}
    assert sample("steeple_requests_total", calls) == 4


async def test_a_file_that_is_not_what_was_made_is_told(running: Running, made: str, refused: Refused) -> None:
    folder = (await running.server.ready()).operations.folder(made.removeprefix("operations/"))
    stub: Any = OperationServiceStub(running.channel)
    request = DownloadOperationFileRequest(name=made, file="made.bin")
    (folder / "made.bin").write_bytes(b"short")
    assert (await refused(stub.DownloadOperationFile(request).read())).code is grpc.StatusCode.DATA_LOSS
    (folder / "made.bin").unlink()
    assert (await refused(stub.DownloadOperationFile(request).read())).code is grpc.StatusCode.DATA_LOSS
