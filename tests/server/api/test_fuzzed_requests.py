"""Ten thousand requests that nobody should send: no INTERNAL, no crash, no leak."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.access import Scope
from steeple.server.api.pools import Pool
from steeple.v1.catalog_service_pb2 import ListLandmarksRequest, ListReferenceImagesRequest
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, IdentifyRequest, Query
from tests.fuzz.catalogue import features as scattered
from tests.fuzz.job_requests import LANDMARK
from tests.fuzz.requests import IMAGE, UUID, FuzzedRequest, fuzzed_requests, methods

from .conftest import Running, Start
from .known_things import make_known, settle, write_import_folder
from .test_access import bearer, make_key

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]

REQUESTS = int(os.environ.get("STEEPLE_FUZZ_REQUESTS", "10000"))
AT_ONCE = 8
SEED = int(os.environ.get("STEEPLE_FUZZ_SEED", "1"))
MAY_BE = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)
NO_MESSAGE = "not the Protocol Buffers message"
METHODS = methods()
PATIENCE = 60.0
MIB = 2**20

Metadata = tuple[tuple[str, str | bytes], ...]


async def test_ten_thousand_fuzzed_requests(
    start: Start,
    make_features: MakeFeatures,
    make_photo: MakePhoto,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    print(f"STEEPLE_FUZZ_SEED={SEED} makes the same requests again")  # noqa: T201 - shown if it fails
    caplog.set_level("ERROR")  # a line a call would be most of the memory that grows
    async with start(
        access="keys",
        max_concurrent_queries=4 * AT_ONCE,
        keep_queries="unknown",
        import_dir=write_import_folder(tmp_path / "import"),
    ) as running:
        key = bearer((await make_key(running, Scope.ADMIN)).secret)
        await running.add("tower", make_features(0), metadata=key)
        await running.add("mill", make_photo(1), metadata=key)
        await wake(running, make_photo(3))
        known = await make_known(running, make_photo(2), metadata=key)
        texts = [*(await meaningful_texts(running, key)), *known.texts()]
        requests = fuzzed_requests(random.Random(SEED), texts, known)  # noqa: S311 - the same seed, the same requests
        ended: Counter[grpc.StatusCode] = Counter()
        used = []
        for _ in range(4):
            ended += await send_all(running, islice(requests, REQUESTS // 4), key)
            begun = await settle(running)
            used.append(resources())
        print(dict(ended), *used, sep="\n")  # noqa: T201 - shown if it fails
        assert ended.total() == REQUESTS
        # What was begun ended too, and none of it by a defect.
        assert [one for one in begun if one.error_status in ("INTERNAL", "UNKNOWN")] == []
        assert len(begun) > 10
        # They were not all refused at the door, nor all by the same word.
        assert ended[grpc.StatusCode.OK] > REQUESTS / 20
        assert ended[grpc.StatusCode.INVALID_ARGUMENT] > REQUESTS / 4
        assert len(ended) >= 6
        await running.add("steeple", make_features(9), metadata=key)
        query = IdentifyRequest(query=Query(features=wire.pack(make_features(9))))
        answer = (await running.search.Identify(query, metadata=key)).answer
        assert answer.outcome == OUTCOME_IDENTIFIED
        assert answer.candidates[0].landmark.name == "landmarks/steeple"
        # No name became a path: all that was stored goes by its hash, and nothing lies beside it.
        stored = [path.name for path in Path(running.settings.photos_url).rglob("*") if path.is_file()]
        assert stored
        assert [name for name in stored if not re.fullmatch("[0-9a-f]{64}", name)] == []
        assert {path.name for path in running.settings.data_dir.parent.iterdir()} == {"data", "import"}
    (_, warm, _, last) = used
    assert last.threads <= warm.threads + AT_ONCE  # those of the blocking client
    assert last.files <= warm.files + 2
    assert last.memory - warm.memory < 32 * MIB


@dataclass(frozen=True)
class Resources:
    """Of this process, which is server and client.

    Attributes:
        memory: Bytes resident.
        threads: That run.
        files: Descriptors that are open.
    """

    memory: int
    threads: int
    files: int


def resources() -> Resources:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back; what is left is in use
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return Resources(pages * os.sysconf("SC_PAGESIZE"), threading.active_count(), files)


async def wake(running: Running, photo: bytes) -> None:
    """Has every thread of the server, and every idle connection of its database, do what it takes memory for once."""
    engine = await running.server.ready()

    def all_at_once(threads: int, work: Callable[[], object]) -> Callable[[], None]:
        barrier = threading.Barrier(threads)

        def one() -> None:
            barrier.wait(60.0)  # so that no thread does it twice, and another never
            work()
            barrier.wait(60.0)

        return one

    def extract() -> None:
        engine.serving.default.extractors.extract(photo)

    async def by(pool: Pool, threads: int, work: Callable[[], object]) -> None:
        one = all_at_once(threads, work)
        await asyncio.gather(*(pool.run(one) for _ in range(threads)))

    await by(running.server._queries, running.settings.workers, extract)
    job = all_at_once(2, extract)
    engine.operations.register("steeple.v1.Nothing/Wake", lambda run: job() or {})
    for operation in [engine.operations.begin("steeple.v1.Nothing/Wake", {}) for _ in range(2)]:
        await asyncio.to_thread(engine.operations.wait, operation.id, 60.0)
        await asyncio.to_thread(engine.operations.delete, operation.id)
    read = all_at_once(8, lambda: None)

    def in_transaction() -> None:
        with engine.catalogue.database.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM landmark")
            read()

    with ThreadPoolExecutor(8) as threads:
        await asyncio.gather(*(asyncio.wrap_future(threads.submit(in_transaction)) for _ in range(8)))


async def meaningful_texts(running: Running, key: Metadata) -> list[str]:
    """Names, tokens, filters, orders and fields that mean something to this server."""
    landmarks = await running.catalog.ListLandmarks(ListLandmarksRequest(page_size=1), metadata=key)
    for number in range(2, 4):
        await running.add_image("tower", scattered(number), f"image-{number}", metadata=key)
    images = await running.catalog.ListReferenceImages(
        ListReferenceImagesRequest(parent=LANDMARK, page_size=1), metadata=key
    )
    return [
        landmarks.next_page_token,
        images.next_page_token,
        landmarks.landmarks[0].etag,
        *(LANDMARK, IMAGE, "landmarks/mill/images/one", "landmarks/mill", "landmarks/none", "models/delf-lite2-v1"),
        *(
            "id = tower",
            "labels:tower",
            "create_time < 2030-01-01",
            "quality_grade >= 2",
            'metadata."a" = b',
            "NOT tour",
        ),
        *(
            "create_time desc",
            "display_name,id",
            "reference_image_count",
            "display_name",
            "limits",
            "active",
            "location",
        ),
        *("tower", "new-id", "fr", "zh-Hant", "2026-01-01", UUID.format(77)),
    ]


async def send_all(running: Running, requests: Iterable[FuzzedRequest], key: Metadata) -> Counter[grpc.StatusCode]:
    """How often they ended how; some at once.

    Raises:
        AssertionError: If one ended as none may, or does not say what is wrong with it.
    """
    ended: Counter[grpc.StatusCode] = Counter()
    defects: list[str] = []
    waiting = iter(requests)

    async def work() -> None:
        for request in waiting:
            code, message, trailers = await send(running.channel, streams, request, key)
            ended[code] += 1
            defect = "" if code in MAY_BE else f"it ended with {code.name}"
            if code is grpc.StatusCode.INVALID_ARGUMENT and NO_MESSAGE not in message and not fields_of(trailers):
                defect = "no field is named"
            sent = [one.hex()[:2000] for one in request.messages]
            if defect:
                defects.append(f"{request.method}: {defect}: {message}; sent {request.metadata} {sent}")

    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as streams:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
    assert not defects, "\n".join(defects)
    return ended


async def send(
    channel: grpc.aio.Channel, streams: grpc.Channel, request: FuzzedRequest, key: Metadata
) -> tuple[grpc.StatusCode, str, Metadata]:
    """How a request ended: status, message, trailing metadata.

    Streams go by the blocking client: the other one calls it INTERNAL, by itself, if a stream ends while it writes.
    """
    path = f"/{request.method}"
    told = any(name == "authorization" for name, _ in request.metadata)
    metadata = request.metadata if told else (*key, *request.metadata)
    try:
        method = METHODS[request.method]
        if method.client_streaming or method.server_streaming:
            await asyncio.to_thread(_stream, streams, method, request.messages, metadata)
        else:
            unary: Any = channel.unary_unary(path)
            await unary(request.messages[0], metadata=metadata, timeout=PATIENCE)
    except grpc.RpcError as error:
        call: Any = error
        return call.code(), call.details() or "", tuple(call.trailing_metadata() or ())
    return grpc.StatusCode.OK, "", ()


def _stream(channel: grpc.Channel, method: MethodDescriptor, messages: Sequence[bytes], metadata: Metadata) -> None:
    kind = {
        (True, True): channel.stream_stream,
        (True, False): channel.stream_unary,
        (False, True): channel.unary_stream,
    }[method.client_streaming, method.server_streaming]
    call: Any = kind(f"/{method.containing_service.full_name}/{method.name}")
    answers = call(iter(messages) if method.client_streaming else messages[0], metadata=metadata, timeout=PATIENCE)
    for _ in answers if method.server_streaming else ():
        pass


def fields_of(trailers: Metadata) -> list[str]:
    """The fields that a status names."""
    for name, value in trailers:
        if name == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                bad = error_details_pb2.BadRequest()
                if packed.Unpack(bad):
                    return [violation.field for violation in bad.field_violations]
    return []
