"""What a server counts and measures of itself, for Prometheus; docs/server/observability.md promises the names."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from steeple.errors import FailedPreconditionError, SteepleError
from steeple.server.api.fair_queue import Reason
from steeple.server.api.pools import DROPS, Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.traffic import Traffic
from steeple.server.identification import Identification
from steeple.server.keeper import Activity, IndexInfo
from steeple.server.logs import facts
from steeple.server.server_info import ServerInfo

log = logging.getLogger(__name__)

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH_BOUNDS: Final = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The metrics of one server, in a registry of their own: several servers in one process do not mix.

    Args:
        readiness: Where the engine is.
        pools: Thread pools by the value of their label.

    Attributes:
        registry: For Prometheus.
        traffic: The same of the last hours by minute.
    """

    def __init__(self, readiness: Readiness, pools: Mapping[str, Pool]) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.traffic = Traffic()
        self._requests = Counter(
            "steeple_requests", "Calls that have ended.", ("method", "status"), registry=self.registry
        )
        self._in_flight = Gauge("steeple_requests_in_flight", "Calls in progress.", ("method",), registry=self.registry)
        self._durations = Histogram(
            "steeple_request_duration_seconds",
            "From a call's arrival to its end.",
            ("method",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "steeple_stage_duration_seconds",
            "Stages of a query.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._answers = Counter("steeple_answers", "Answers to queries.", ("outcome",), registry=self.registry)
        for stage in ("extract", "search", "verify"):
            self._stages.labels(stage)
        for outcome in ("identified", "unknown"):
            self._answers.labels(outcome)
        waits = Histogram(
            "steeple_pool_wait_seconds",
            "That pieces of work waited for a thread which got one.",
            ("pool",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        for name, pool in pools.items():
            pool.observe_wait = waits.labels(name).observe
        ProcessCollector(registry=self.registry)
        self.registry.register(_State(readiness, pools))

    def began(self, method: str) -> None:
        """A call came, of ``Service/Method``."""
        self._in_flight.labels(method).inc()

    def ended(self, method: str, status: str, seconds: float) -> None:
        """A call that :meth:`began` ended after so long, with that gRPC status."""
        self._in_flight.labels(method).dec()
        self._requests.labels(method, status).inc()
        self._durations.labels(method).observe(seconds)
        self.traffic.ended(method, status, seconds)

    def answered(self, *, identified: bool) -> None:
        """A query has had its last answer."""
        self._answers.labels("identified" if identified else "unknown").inc()
        self.traffic.answered(identified=identified)

    def worked(self, found: Identification) -> None:
        """A query, or a part of one, was searched."""
        seconds = {"extract": found.extract_seconds, "search": found.search_seconds, "verify": found.verify_seconds}
        for stage, taken in seconds.items():
            if taken is not None:
                self._stages.labels(stage).observe(taken)
                self.traffic.worked(stage, taken)


def expose(registry: CollectorRegistry, host: str, port: int) -> tuple[int, Callable[[], None]]:
    """Serves a registry over HTTP on a thread of its own.

    Args:
        registry: What to serve, at ``/metrics``.
        host: To listen on.
        port: 0: any free one.

    Returns:
        The port, and what ends it.

    Raises:
        FailedPreconditionError: If the address cannot be bound.
    """
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise FailedPreconditionError(
            f"cannot serve metrics on {host}:{port}: {error.strerror or error}; set another metrics_address, or none"
        ) from error

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    bound = int(server.server_port)
    log.info("metrics are served", extra=facts(url=f"http://{f'[{host}]' if ':' in host else host}:{bound}/metrics"))
    return bound, close


class _State(Collector):
    """What is read when somebody asks: pools, index, upkeep."""

    def __init__(self, readiness: Readiness, pools: Mapping[str, Pool]) -> None:
        self._readiness = readiness
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        yield from self._collect_pools()
        try:
            engine = self._readiness.engine
            info, batches = engine.server_info(), engine.index_keeper.batch_sizes
        except SteepleError as error:  # still starting, or its database fails: what else there is, is told
            log.debug("there are no metrics of the index", extra=facts(reason=error.message))
            yield _gauge("steeple_ready", "Whether calls are taken.", 0)
            return
        yield _gauge("steeple_ready", "Whether calls are taken.", not self._readiness.stopping.is_set())
        yield from _of_server(info)
        yield from _of_index(info.index)
        kept = CounterMetricFamily("steeple_kept_queries", "Queries to be kept for review.", labels=["result"])
        for result, count in engine.review.keeper.counts.items():
            kept.add_metric([result], count)
        yield kept
        if batches is not None:
            yield _of_batches(batches)

    def _collect_pools(self) -> Iterator[Metric]:
        running = GaugeMetricFamily("steeple_pool_running", "Pieces of work on a thread.", labels=["pool"])
        waiting = GaugeMetricFamily("steeple_pool_waiting", "Pieces of work that wait for one.", labels=["pool"])
        capacity = GaugeMetricFamily("steeple_pool_capacity", "Of both, at most.", labels=["pool"])
        refusals = CounterMetricFamily("steeple_pool_refusals", "Pieces of work refused.", labels=["pool", "reason"])
        drops = CounterMetricFamily("steeple_pool_drops", "Pieces of work given up.", labels=["pool", "reason"])
        for name, pool in self._pools.items():
            running.add_metric([name], pool.running)
            waiting.add_metric([name], pool.waiting)
            capacity.add_metric([name], pool.capacity)
            for reason in Reason:
                refusals.add_metric([name, reason], pool.refused[reason])
            for gone in DROPS:
                drops.add_metric([name, gone], pool.dropped[gone])
        yield from (running, waiting, capacity, refusals, drops)


def _of_server(info: ServerInfo) -> Iterator[Metric]:
    build = GaugeMetricFamily(
        "steeple_build_info", "1; what serves is in the labels.", labels=["version", "model", "faiss", "python"]
    )
    build.add_metric([info.version, info.models[0], info.index.faiss_version, platform.python_version()], 1)
    yield build
    yield _gauge("steeple_start_time_seconds", "When the server was started.", time.time() - info.uptime_seconds)
    activities = GaugeMetricFamily("steeple_upkeep_activity", "1 for what upkeep does now.", labels=["activity"])
    for activity in Activity:
        activities.add_metric([activity.value], activity is info.upkeep.activity)
    yield activities
    yield _gauge("steeple_upkeep_images_done", "Images in an index that is made anew.", info.upkeep.images_done)
    yield _gauge("steeple_upkeep_images_total", "Images that it will have.", info.upkeep.images_total)


def _of_index(index: IndexInfo) -> Iterator[Metric]:
    kind = GaugeMetricFamily("steeple_index_info", "1; its kind is in the labels.", labels=["factory", "device"])
    kind.add_metric([index.factory, index.device], 1)
    yield kind
    behind = max(0, index.catalogue_sequence - index.sequence)
    for name, told, value in (
        ("images", "Reference images.", index.images),
        ("descriptors", "Of these images.", index.descriptors),
        ("live_descriptors", "Descriptors in memory that no file has yet.", index.live_descriptors),
        ("dead_descriptors", "Descriptors of removed images that lists still hold.", index.dead_descriptors),
        ("bytes_per_descriptor", "Of a code and its number.", index.bytes_per_descriptor),
        ("sequence", "Number of the catalogue's last change that it has.", index.sequence),
        ("catalogue_sequence", "Number of the catalogue's last change.", index.catalogue_sequence),
        ("changes_behind", "Changes of the catalogue that are not searchable yet.", behind),
    ):
        yield _gauge(f"steeple_index_{name}", told, value)


def _of_batches(sizes: Mapping[int, int]) -> Metric:
    counts = [0] * (len(_BATCH_BOUNDS) + 1)
    for size, count in sizes.items():
        counts[next((at for at, bound in enumerate(_BATCH_BOUNDS) if size <= bound), -1)] += count
    bounds = [*(f"{bound:.1f}" for bound in _BATCH_BOUNDS), "+Inf"]
    family = HistogramMetricFamily("steeple_index_batch_searches", "Searches that shared a call of FAISS.")
    family.add_metric(
        [], list(zip(bounds, accumulate(counts), strict=True)), sum(size * count for size, count in sizes.items())
    )
    return family


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value)
