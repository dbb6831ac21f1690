"""A real server in a process of its own: killed, stopped, started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest

from steeple.delf import wire
from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1.catalog_service_pb2_grpc import CatalogServiceStub
from steeple.v1.landmark_pb2 import Landmark
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, Answer, IdentifyRequest, Query
from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceStub
from tests.scenes import encoded, scene


@dataclass(frozen=True)
class Served:
    """A server's process, and stubs that are connected to it."""

    process: subprocess.Popen[str]
    port: int
    catalog: CatalogServiceStub
    search: VisualSearchServiceStub

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


def command(data_dir: Path, port: int = 0) -> list[str]:
    flags = ["--json", "--address", f"127.0.0.1:{port}", "--data-dir", str(data_dir), "--log-format", "json"]
    patience = ["--max-queue-delay-ms", "60000"]  # who waits how long is tested elsewhere
    return [sys.executable, "-m", "steeple.cli", "serve", *flags, *patience]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("STEEPLE_")}


@contextmanager
def serving(data_dir: Path) -> Iterator[Served]:
    with (data_dir.parent / "server.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(command(data_dir), stdout=subprocess.PIPE, stderr=log, env=environment(), text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (data_dir.parent / "server.log").read_text(encoding="utf-8")
            port = int(json.loads(line)["port"])
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                yield Served(process, port, CatalogServiceStub(channel), VisualSearchServiceStub(channel))
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def features(number: int) -> FeatureSet:
    random = np.random.default_rng(number)
    vectors = random.standard_normal((200, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FeatureSet(
        model="delf-lite2-v1",
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors),
        keypoints=(random.random((200, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(200, np.float32),
        scores=np.linspace(1.0, 0.1, 200, dtype=np.float32),
    )


def photo(number: int) -> bytes:
    return encoded(scene(number, 320, 240))


def add(server: Served, landmark_id: str, source: bytes | FeatureSet) -> None:
    """Adds a landmark with one reference image; returns when that is acknowledged."""
    landmark = Landmark(display_name=landmark_id)
    server.catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=landmark, landmark_id=landmark_id))
    request = messages.CreateReferenceImageRequest(parent=f"landmarks/{landmark_id}", reference_image_id="one")
    if isinstance(source, bytes):
        request.image = source
    else:
        request.features.CopyFrom(wire.pack(source))
    server.catalog.CreateReferenceImage(request)


def ask(server: Served, source: bytes | FeatureSet) -> Answer:
    query = Query(image=source) if isinstance(source, bytes) else Query(features=wire.pack(source))
    query.include_matches = True
    answer = server.search.Identify(IdentifyRequest(query=query)).answer
    answer.ClearField("timings")
    return answer


def source_of(number: int) -> bytes | FeatureSet:
    return photo(number) if number % 4 == 0 else features(number)


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    data_dir, acknowledged, enough = tmp_path / "data", list[int](), threading.Event()

    with serving(data_dir) as server:

        def keep_adding() -> None:
            number = 0
            try:
                while True:
                    add(server, f"landmark-{number}", source_of(number))
                    acknowledged.append(number)
                    number += 1
                    if number == 10:
                        enough.set()
            except grpc.RpcError:
                enough.set()

        writer = threading.Thread(target=keep_adding)
        writer.start()
        assert enough.wait(60)
        assert server.end(signal.SIGKILL) == -signal.SIGKILL  # in the middle of one call or another
        writer.join(60)
    assert len(acknowledged) >= 10

    for _ in range(2):  # the second time after a kill without any change in between
        with serving(data_dir) as server:
            listed = server.catalog.ListLandmarks(messages.ListLandmarksRequest(page_size=1000)).landmarks
            complete = {one.name for one in listed if one.reference_image_count == 1}
            assert len(listed) <= len(acknowledged) + 1
            for number in acknowledged:
                name, source = f"landmarks/landmark-{number}", source_of(number)
                assert name in complete
                answer = ask(server, source)
                assert (answer.outcome, answer.candidates[0].landmark.name) == (OUTCOME_IDENTIFIED, name)
                if isinstance(source, bytes):
                    request = messages.DownloadReferenceImageRequest(name=f"{name}/images/one")
                    assert server.catalog.DownloadReferenceImage(request).image == source
            server.end(signal.SIGKILL)


def test_sigterm_ends_with_0_and_the_next_server_answers_the_same(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    queries: list[bytes | FeatureSet] = [photo(0), features(1), features(7)]
    with serving(data_dir) as server:
        for landmark_id, source in zip("ab", queries[:2], strict=True):
            add(server, landmark_id, source)
        first = [ask(server, query) for query in queries]
        assert [ask(server, query) for query in queries] == first
        assert server.end(signal.SIGTERM) == 0
    assert [answer.outcome == OUTCOME_IDENTIFIED for answer in first] == [True, True, False]
    with serving(data_dir) as server:
        assert [ask(server, query) for query in queries] == first
        assert server.end(signal.SIGINT) == 0
    lines = (tmp_path / "server.log").read_text(encoding="utf-8").splitlines()
    log = [json.loads(line) for line in lines if line.startswith("{")]  # LiteRT writes a line of its own
    events = [record["message"] for record in log if record["message"] != "call"]
    assert events.count("the index was saved") == 2
    assert events.count("the saved index was restored") == 1
    assert events[-1] == "stopped"


def test_sigterm_lets_a_call_in_progress_end(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        add(server, "a", photo(0))
        calls = [
            server.search.Identify.future(IdentifyRequest(query=Query(image=photo(number)))) for number in range(8)
        ]
        calls[0].result(60)  # they have arrived, and there are more of them than threads
        assert server.end(signal.SIGTERM) == 0
        answered = [call for call in calls if call.exception(60) is None]
        refused = {call.code() for call in calls if call.exception(60) is not None}
        assert answered
        assert refused <= {grpc.StatusCode.UNAVAILABLE}


@pytest.mark.parametrize("taken", ["data folder", "address"])
def test_a_second_server_in_the_same_place_is_refused_in_one_line(tmp_path: Path, taken: str) -> None:
    with serving(tmp_path / "data") as server:
        second = command(tmp_path / "data") if taken == "data folder" else command(tmp_path / "other", server.port)
        ended = subprocess.run(second, capture_output=True, env=environment(), text=True, timeout=60, check=False)
        assert ended.returncode == 6
        said = {"data folder": "in use by another server", "address": f"cannot listen on 127.0.0.1:{server.port}"}
        assert said[taken] in ended.stderr
        assert "Traceback" not in ended.stderr
        assert ended.stdout == ""
        assert ask(server, features(0)).feature_count == 200
