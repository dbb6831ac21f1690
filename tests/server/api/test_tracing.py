"""Spans across client and server, over a real socket."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from steeple.client import AsyncClient
from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, NotFoundError
from steeple.server.api.tracing import Tracing
from steeple.v1.visual_search_service_pb2 import IdentifyStreamRequest, ListModelsRequest, Query

MakeFeatures = Callable[..., FeatureSet]


class Traced:
    """A provider, and the spans that ended on it."""

    def __init__(self) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def id_of(span: ReadableSpan) -> int:
    return context_of(span).span_id


async def test_a_query_is_one_trace_from_the_client_to_the_stages(start: Any, make_photo: Callable[..., bytes]) -> None:
    here, there = Traced(), Traced()
    async with (
        start(tracing=Tracing(there.provider)) as running,
        AsyncClient(f"127.0.0.1:{running.port}", tracer_provider=here.provider) as client,
    ):
        await client.identify(make_photo(0), upload=True)
    client_spans, server_spans = here.spans(), there.spans()
    root, call = client_spans["identify"], client_spans["steeple.client/Identify"]
    assert root.parent is None
    assert {parent_of(call), parent_of(client_spans["prepare"])} == {id_of(root)}
    assert call.kind is SpanKind.CLIENT
    served = server_spans["steeple.v1.VisualSearchService/Identify"]
    assert served.kind is SpanKind.SERVER
    assert parent_of(served) == id_of(call)
    assert (
        dict(served.attributes or {}).items()
        >= {
            "rpc.service": "steeple.v1.VisualSearchService",
            "rpc.method": "Identify",
            "rpc.response.status_code": "OK",
        }.items()
    )
    stages = ("decode", "extract", "search", "verify")
    assert set(server_spans) == {served.name, *stages}
    assert {parent_of(server_spans[name]) for name in stages} == {id_of(served)}
    ends = [(server_spans[name].start_time or 0, server_spans[name].end_time or 0) for name in stages]
    assert ends == sorted(ends)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(ends))
    assert len({context_of(span).trace_id for span in (*client_spans.values(), *server_spans.values())}) == 1


async def test_an_error_is_the_status_of_its_span(start: Any) -> None:
    here, there = Traced(), Traced()
    async with (
        start(tracing=Tracing(there.provider)) as running,
        AsyncClient(f"127.0.0.1:{running.port}", tracer_provider=here.provider) as client,
    ):
        with pytest.raises(NotFoundError) as caught:
            await client.get_landmark("nowhere")
    served = there.spans()["steeple.v1.CatalogService/GetLandmark"]
    assert (served.status.status_code, served.status.description) == (StatusCode.ERROR, "NOT_FOUND")
    assert dict(served.attributes or {})["steeple.request_id"] == caught.value.metadata["request_id"]
    assert not served.events
    assert here.spans()["steeple.client/GetLandmark"].status.status_code is StatusCode.ERROR


async def test_frames_of_a_camera_are_stages_of_one_span(start: Any, make_features: MakeFeatures) -> None:
    there = Traced()
    async with start(tracing=Tracing(there.provider)) as running:
        request = IdentifyStreamRequest(frame_id=1, query=Query(features=wire.pack(make_features(0))))
        assert [answer.frame_id async for answer in running.search.IdentifyStream(iter([request]))] == [1]
    spans = there.spans()
    served = spans["steeple.v1.VisualSearchService/IdentifyStream"]
    assert served.parent is None
    assert parent_of(spans["search"]) == parent_of(spans["verify"]) == id_of(served)


async def test_calls_at_once_do_not_mix(start: Any, make_features: MakeFeatures) -> None:
    there = Traced()
    async with start(tracing=Tracing(there.provider), workers=4) as running:
        await asyncio.gather(*(running.ask(make_features(number)) for number in range(8)))
    spans = there.exporter.get_finished_spans()
    served = {id_of(span): span for span in spans if span.name.endswith("/Identify")}
    assert len(served) == 8
    searched = [parent_of(span) for span in spans if span.name == "search"]
    assert sorted(filter(None, searched)) == sorted(served)


async def test_spans_reach_a_collector_when_the_server_stops(start: Any) -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    collector = HTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=collector.serve_forever)
    thread.start()
    try:
        async with start(trace_endpoint=f"http://127.0.0.1:{collector.server_port}") as running:
            await running.search.ListModels(ListModelsRequest())
    finally:
        await asyncio.to_thread(collector.shutdown)
        collector.server_close()
        thread.join()
    ((path, _),) = received
    assert path == "/v1/traces"


def test_nothing_of_opentelemetry_is_imported_unless_asked_for(tmp_path: Path) -> None:
    program = (
        "import sys, steeple.client, steeple.server.api.lifecycle as lifecycle\n"
        "steeple.client.Client('127.0.0.1:1').close()\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(FailedPreconditionError, match=r"pip install 'steeple\[tracing\]'"):
        Tracing.to("http://localhost:4318")
