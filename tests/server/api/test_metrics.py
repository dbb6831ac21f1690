"""Metrics: what Prometheus reads of a server over HTTP."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, ResourceExhaustedError
from steeple.server.api.lifecycle import Server
from steeple.server.api.pools import Pool
from steeple.server.index.batching import Batcher
from steeple.v1.catalog_service_pb2 import GetLandmarkRequest

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]

DOCS = Path(__file__).parents[3] / "docs" / "server"


def scrape(running: Any) -> dict[str, float]:
    """Every sample by its name and labels, as ``name{a="b"}``."""
    url = f"http://127.0.0.1:{running.server.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as response:
        text = response.read().decode()
    return {
        sample.name
        + (
            "{" + ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items())) + "}" if sample.labels else ""
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scraped(running: Any) -> dict[str, float]:
    return await asyncio.to_thread(scrape, running)


async def test_calls_answers_and_stages_are_counted(
    start: Any, make_features: MakeFeatures, make_photo: MakePhoto
) -> None:
    async with start(metrics_address=":0") as running:
        before = await scraped(running)
        assert before['steeple_answers_total{outcome="identified"}'] == 0
        await running.add("a", make_features(0))
        assert (await running.ask(make_features(0))).outcome == 1
        assert (await running.ask(make_features(9))).outcome == 2
        await running.ask(make_photo(3))
        with pytest.raises(grpc.aio.AioRpcError):
            await running.catalog.GetLandmark(GetLandmarkRequest(name="landmarks/nowhere"))
        found = await scraped(running)
    identify = 'method="VisualSearchService/Identify"'
    assert found[f'steeple_requests_total{{{identify},status="OK"}}'] == 3
    assert found['steeple_requests_total{method="CatalogService/GetLandmark",status="NOT_FOUND"}'] == 1
    assert found[f"steeple_requests_in_flight{{{identify}}}"] == 0
    assert found[f"steeple_request_duration_seconds_count{{{identify}}}"] == 3
    assert found['steeple_answers_total{outcome="identified"}'] == 1
    assert found['steeple_answers_total{outcome="unknown"}'] == 2
    assert found['steeple_stage_duration_seconds_count{stage="extract"}'] == 1
    assert found['steeple_pool_wait_seconds_count{pool="queries"}'] == 3
    assert found['steeple_pool_refusals_total{pool="queries",reason="delay"}'] == 0
    assert found['steeple_pool_drops_total{pool="queries",reason="cancelled"}'] == 0
    for stage in ("search", "verify"):
        assert found[f'steeple_stage_duration_seconds_count{{stage="{stage}"}}'] == 3
        assert 0 < found[f'steeple_stage_duration_seconds_sum{{stage="{stage}"}}'] < 60


async def test_the_index_and_the_pools_are_told(start: Any, make_features: MakeFeatures) -> None:
    async with start(metrics_address=":0", workers=3, max_concurrent_queries=7) as running:
        await running.add("a", make_features(0))
        await running.add("b", make_features(1))
        engine = await running.server.ready()
        engine.ingest.delete_image("a", "one")
        engine.index_keeper._sequence -= 2  # as if it had fallen behind
        found = await scraped(running)
        engine.index_keeper._sequence += 2
    assert found["steeple_ready"] == 1
    assert (found["steeple_index_images"], found["steeple_index_descriptors"]) == (1, 200)
    assert (found["steeple_index_live_descriptors"], found["steeple_index_dead_descriptors"]) == (400, 200)
    assert found["steeple_index_bytes_per_descriptor"] == 28
    assert (found["steeple_index_sequence"], found["steeple_index_catalogue_sequence"]) == (1, 3)
    assert found["steeple_index_changes_behind"] == 2
    assert found['steeple_index_info{device="CPU",factory="IVF1024,PQ20"}'] == 1
    assert found['steeple_upkeep_activity{activity="idle"}'] == 1
    assert found['steeple_upkeep_activity{activity="saving"}'] == 0
    assert found['steeple_pool_capacity{pool="queries"}'] == 7
    assert found['steeple_pool_running{pool="queries"}'] == 0
    assert "steeple_index_batch_searches_count" not in found, "queries do not share calls unless told to"
    (build,) = (name for name in found if name.startswith("steeple_build_info"))
    assert f'version="{importlib.metadata.version("steeple")}"' in build
    assert 'model="delf-lite2-v1"' in build
    assert found["process_resident_memory_bytes"] > 1e7


async def test_shared_calls_are_told(start: Any, make_features: MakeFeatures) -> None:
    async with start(metrics_address=":0", batching="on") as running:
        await running.add("a", make_features(0))
        for _ in range(3):
            await running.ask(make_features(0))
        found = await scraped(running)
    # Three questions, and one for duplicates of what was added.
    assert found['steeple_index_batch_searches_bucket{le="1.0"}'] == 4
    assert found["steeple_index_batch_searches_sum"] == 4


def test_batches_are_counted_by_their_size() -> None:
    batcher: Batcher[int, int] = Batcher(lambda jobs: jobs, 0.0, 4)
    for job in range(3):
        with batcher.announced() as bring:
            assert bring(job, 1) == job
    assert batcher.sizes == {1: 3}


async def test_a_pool_tells_what_runs_waits_and_was_refused() -> None:
    pool = Pool("pieces", threads=1, capacity=2)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(30)

    both = [asyncio.create_task(pool.run(wait)) for _ in range(2)]
    await asyncio.sleep(0)
    assert (pool.running, pool.waiting) == (1, 1)
    with pytest.raises(ResourceExhaustedError):
        await pool.run(wait)
    assert pool.refused == {"full": 1}
    gate.set()
    await asyncio.gather(*both)
    pool.close()


async def test_servers_in_one_process_count_for_themselves(
    start: Any, tmp_path: Path, make_features: MakeFeatures
) -> None:
    async with start(metrics_address=":0") as one, start(metrics_address=":0", data_dir=tmp_path / "other") as other:
        await one.add("a", make_features(0))
        assert (await scraped(one))["steeple_index_images"] == 1
        assert (await scraped(other))["steeple_index_images"] == 0
        created = 'steeple_requests_total{method="CatalogService/CreateLandmark",status="OK"}'
        assert (await scraped(one))[created] == 1
        assert created not in await scraped(other)


async def test_no_port_is_open_unless_asked_for_or_when_stopped(start: Any) -> None:
    async with start() as running:
        assert running.server.metrics_port == 0
    async with start(metrics_address=":0") as running:
        await scraped(running)
    with pytest.raises(OSError, match="refused"):
        await scraped(running)


async def test_an_address_in_use_is_told(start: Any, tmp_path: Path) -> None:
    async with start(metrics_address=":0") as running:
        flags = {"address": "127.0.0.1:0", "data_dir": tmp_path / "other"}
        taken = running.settings.model_copy(
            update={**flags, "metrics_address": f"127.0.0.1:{running.server.metrics_port}"}
        )
        with pytest.raises(FailedPreconditionError, match="set another metrics_address"):
            await Server(taken).start()


async def test_a_server_that_cannot_tell_its_metrics_lets_go_of_its_address(start: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with start(metrics_address=":0") as running:
        taken = running.settings.model_copy(
            update={
                "address": f"127.0.0.1:{port}",
                "data_dir": tmp_path / "other",
                "metrics_address": f"127.0.0.1:{running.server.metrics_port}",
            }
        )
        server = Server(taken)
        with pytest.raises(FailedPreconditionError, match="set another metrics_address"):
            await server.start()
        with socket.socket() as again:
            again.bind(("127.0.0.1", port))  # would raise


async def test_a_server_that_loads_is_not_ready_and_still_tells(start: Any) -> None:
    async with start(metrics_address=":0") as running:
        running.server._readiness._engine = None
        found = await scraped(running)
        running.server._readiness.start(await running.server.ready())
    assert found["steeple_ready"] == 0
    assert 'steeple_pool_waiting{pool="queries"}' in found
    assert "steeple_index_images" not in found


async def all_names(start: Any, make_features: MakeFeatures) -> set[str]:
    """Names of all families that a server can tell, as Prometheus stores their samples."""
    async with start(metrics_address=":0", batching="on") as running:
        await running.add("a", make_features(0))
        await running.ask(make_features(0))
        return {name.partition("{")[0] for name in await scraped(running)}


def in_expression(expression: str) -> set[str]:
    """Metric names in a PromQL expression: identifiers that are no function, keyword, label or range."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on)\s*\([^)]*\)', " ", expression)
    return set(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w*\s*\()", bare)) - {"and", "or", "unless"}


def test_names_are_found_in_expressions() -> None:
    expression = 'histogram_quantile(0.5, sum by (le, method) (rate(a_bucket{x="y_z"}[5m]))) / on (x) b_total or c > 2'
    assert in_expression(expression) == {"a_bucket", "b_total", "c"}


async def test_the_dashboard_and_the_document_use_what_there_is(start: Any, make_features: MakeFeatures) -> None:
    names = await all_names(start, make_features)
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text("utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    used = set().union(*(in_expression(expression) for expression in expressions))
    assert len(expressions) >= 12
    assert used - names == set(), "these are in the dashboard and nowhere else"
    document = set(re.findall(r"^\| `(steeple_\w+)`", (DOCS / "observability.md").read_text("utf-8"), re.MULTILINE))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names if not name.endswith("_created")}
    assert document == {name for name in families if name.startswith("steeple_")}
