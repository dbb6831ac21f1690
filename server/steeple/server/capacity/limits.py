"""What is used of each resource, and which one ends first when load or catalogue grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from steeple.server.capacity.demands import Demands
from steeple.server.capacity.fleet import (
    DATABASE,
    QUERY_NODES,
    Fleet,
    memory_bytes,
    once_seconds,
    query_node_seconds,
    query_node_work,
)
from steeple.server.capacity.queueing import slowest_percentile
from steeple.server.capacity.sizing import Pool
from steeple.server.capacity.workload import (
    BUSY,
    CONNECTIONS,
    DATABASE_BYTES,
    FULL,
    PROCESS_BYTES,
    REPLICA_CONNECTIONS,
    SEGMENTS,
    SPREAD,
    Workload,
)

_STEP: Final = 1.05
_MOST: Final = 1e6
_DAY: Final = 86_400.0
_WRITES_BUSY: Final = 0.5  # of the time: imports come in gusts


@dataclass(frozen=True)
class Resource:
    """Something that there is only so much of.

    Attributes:
        name: What it is.
        used: In its unit.
        limit: In the same; beyond it, things go wrong.
        unit: Of both.
        fixed: Whether more machines do not bring more of it.
        remedy: What to do when it ends.
    """

    name: str
    used: float
    limit: float
    unit: str
    fixed: bool
    remedy: str

    @property
    def utilisation(self) -> float:
        """Share of the limit."""
        return self.used / self.limit


@dataclass(frozen=True)
class Break:
    """Where growth ends.

    Attributes:
        resource: That is at its limit first; empty: none within a million times as much.
        at: Queries a second, or images.
        days: Until then at the growth of the workload; None: it does not grow, or this is about queries.
        remedy: What to do about it.
    """

    resource: str
    at: float
    days: float | None
    remedy: str


def resources(fleet: Fleet, work: Workload, demands: Demands) -> list[Resource]:
    """All resources of machines that stay as they are, under a workload.

    Args:
        fleet: The machines.
        work: The workload, which may be another than they were counted for.
        demands: Of that workload.
    """
    front, database, query_nodes = fleet.front, fleet.pool(DATABASE), fleet.pool(QUERY_NODES)
    layout = demands.layout
    cores = front.groups * front.node.cores * front.node.speed
    found = [
        Resource(
            f"processors of {_role(front)}",
            work.qps * demands.replica + demands.adding,
            BUSY * cores,
            "cores",
            False,
            "more replicas, shorter queries (--query-bytes 4096), imports at night",
        ),
        Resource(
            f"memory of {_role(front)}",
            memory_bytes(demands, front.node) / 1e9,
            FULL * front.node.memory_gb,
            "GB",
            layout.embedded,
            "machines with more memory, fewer descriptors an image, or Milvus, whose machines share the index",
        ),
        Resource(
            f"network of {_role(front)}",
            8e-9 * work.qps * (work.query_bytes + demands.database_bytes),
            BUSY * front.groups * front.node.network_gbit,
            "Gbit/s",
            False,
            "more replicas, shorter queries",
        ),
    ]
    if demands.gpu and layout.embedded:
        busy = work.qps * demands.gpu / front.node.gpu_speed
        found.append(Resource("GPUs", busy, BUSY * front.groups, "GPUs", False, "more replicas"))
    if layout.gpu_bytes:
        holder = query_nodes or front
        held, room = layout.gpu_bytes / 1e9, holder.fan_out * holder.node.gpus * holder.node.gpu_memory_gb
        remedy = "GPUs with more memory" if layout.embedded else "more machines in each group"
        found.append(Resource("memory of GPUs", held, FULL * room, "GB", layout.embedded, remedy))
    if query_nodes is not None:
        found += _query_nodes(query_nodes, work, demands)
    if database is not None:
        found += _database(database, front, work, demands)
    found.append(
        Resource(
            "writes, one at a time",
            work.growth / _DAY * demands.write,
            _WRITES_BUSY,
            "s/s",
            True,
            "import in batches, which share a transaction; a catalogue for each region of the world",
        )
    )
    found.append(
        Resource(
            "time of a query alone",
            1e3 * alone_seconds(fleet, demands),
            work.p99_ms,
            "ms",
            False,
            "more cores a machine or, with Milvus, more machines in a group; shorter queries; GPUs; regions",
        )
    )
    return found


def alone_seconds(fleet: Fleet, demands: Demands) -> float:
    """What 99 of 100 queries take if nobody else asks anything."""
    database, query_nodes = fleet.pool(DATABASE), fleet.pool(QUERY_NODES)
    seconds = once_seconds(demands, fleet.front.node, None if database is None else database.node)
    if query_nodes is None:
        return seconds
    return seconds + slowest_percentile(0.99, query_nodes.fan_out, query_node_seconds(demands, query_nodes), SPREAD)


def _role(pool: Pool) -> str:
    return f"the {pool.role}" if pool.groups * pool.fan_out == 1 else pool.role


def _query_nodes(pool: Pool, work: Workload, demands: Demands) -> list[Resource]:
    layout, node = demands.layout, pool.node
    kind = "GPUs" if layout.on_gpu else "processors"
    return [
        Resource(
            f"{kind} of query nodes",
            work.qps * query_node_work(demands, node),
            BUSY * pool.groups * pool.fan_out * pool.servers,
            "GPUs" if layout.on_gpu else "cores",
            False,
            "more groups (in-memory replicas of Milvus); regions, shorter queries, larger segments",
        ),
        Resource(
            "memory of query nodes",
            layout.memory_bytes / 1e9,
            pool.fan_out * (FULL * node.memory_gb - PROCESS_BYTES / 1e9),
            "GB",
            False,
            "more machines in each group",
        ),
        Resource(
            "segments",
            float(layout.parts),
            float(SEGMENTS),
            "segments",
            True,
            "larger segments (dataCoord.segment.maxSize), or a collection for each part of the world",
        ),
    ]


def _database(pool: Pool, front: Pool, work: Workload, demands: Demands) -> list[Resource]:
    return [
        Resource(
            "processors of the database",
            work.qps * demands.database,
            BUSY * pool.node.cores * pool.node.speed,
            "cores",
            True,
            "a larger machine; then read replicas or a cache of features, which Steeple does not use yet",
        ),
        Resource(
            "network of the database",
            8e-9 * work.qps * demands.database_bytes,
            BUSY * pool.node.network_gbit,
            "Gbit/s",
            True,
            "a larger machine; then features of verified images in object storage or in a cache, or read replicas, "
            "none of which Steeple has yet",
        ),
        Resource(
            "disk of the database",
            work.images * demands.row_bytes / 1e12,
            DATABASE_BYTES / 1e12,
            "TB",
            True,
            "features to object storage or to partitions of their own, neither of which Steeple does yet",
        ),
        Resource(
            "connections of the database",
            float((front.groups + front.spare) * REPLICA_CONNECTIONS),
            float(CONNECTIONS),
            "connections",
            False,
            "fewer, larger replicas; PgBouncer, which was not tried: LISTEN and locks of a session need session mode",
        ),
    ]


def first_break(
    scaled: Callable[[float], tuple[Fleet, Workload, Demands]],
    start: float,
    *,
    only: Callable[[Resource], bool] = lambda resource: True,
) -> Break:
    """The resource that is used up first when something grows.

    Args:
        scaled: Machines, workload and demands when it has grown by a factor.
        start: What grows, as it is now.
        only: Resources that count.
    """

    def over(factor: float) -> Resource | None:
        counted = [each for each in resources(*scaled(factor)) if only(each)]
        most = max(counted, key=lambda each: each.utilisation)
        return most if most.utilisation > 1 else None

    factor, before = 1.0, 1.0
    while over(factor) is None:
        before, factor = factor, factor * _STEP
        if factor > _MOST:
            return Break("", start * _MOST, None, "")
    while factor / before > 1 + 1e-4:
        middle = (factor * before) ** 0.5
        before, factor = (before, middle) if over(middle) is not None else (middle, factor)
    ended = over(factor)
    name, remedy = ("", "") if ended is None else (ended.name, ended.remedy)
    return Break(name, start * factor, None, remedy)


def with_days(found: Break, work: Workload) -> Break:
    """The same, with the days until so many images at the growth of the workload."""
    if not work.growth or not found.resource:
        return found
    return replace(found, days=(found.at - work.images) / work.growth)
