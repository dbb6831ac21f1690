"""The cheapest machines for a workload on one engine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from steeple.server.capacity.costs import Costs
from steeple.server.capacity.demands import Demands, demands_of
from steeple.server.capacity.layout import ReleaseFacts
from steeple.server.capacity.nodes import NodeType, NodeTypes
from steeple.server.capacity.sizing import Pool, fan, fewest, replicas
from steeple.server.capacity.workload import (
    BUSY,
    FULL,
    MONTH_HOURS,
    NETWORK_SECONDS,
    PROCESS_BYTES,
    SPREAD,
    THREAD_BYTES,
    Workload,
)

MACHINE: Final = "machine"
REPLICAS: Final = "replicas"
QUERY_NODES: Final = "query nodes"
DATABASE: Final = "database"

_ALIKE: Final = 1.1  # of prices
_Z: Final = 2.33  # deviations that 99 of 100 stay below, of a normal distribution
_SEARCHING: Final = 0.5  # of the time that a query may take, for Milvus
_ANSWERING: Final = 0.35  # of it, for a replica that asks Milvus; what is left is for the database
_THREADS: Final = 1.5  # by what threads of a replica exceed the queries that it has at once, on average

_COORDINATION: Final = (("Milvus's coordinators and etcd", "general-4", 3), ("Milvus's log", "general-8", 3))
_INDEXING: Final = ("Milvus's data and index nodes", "general-8")
_INDEXED_A_DAY: Final = 100e6  # descriptors, by one such node


@dataclass(frozen=True)
class Fleet:
    """Machines for a workload.

    Attributes:
        engine: Of the index.
        alone: Whether one machine does all, embedded engines included.
        demands: Of the workload.
        pools: Its machines by role.
        workers: Threads of a replica.
        month: Price of the machines.
    """

    engine: str
    alone: bool
    demands: Demands
    pools: tuple[Pool, ...]
    workers: int
    month: float

    def pool(self, role: str) -> Pool | None:
        """The machines of a role; None if there are none."""
        return next((pool for pool in self.pools if pool.role == role), None)

    @property
    def front(self) -> Pool:
        """The machines that answer queries."""
        return self.pool(MACHINE) or self.pool(REPLICAS) or self.pools[0]


def largest(fleet: Fleet, types: NodeTypes) -> Fleet:
    """The largest machines, as many replicas as have the same cores: what no larger machine brings more of."""
    on_gpu = fleet.demands.layout.on_gpu and fleet.demands.layout.embedded
    front = max(
        (node for node in types.nodes if bool(node.gpus) == on_gpu),
        key=lambda node: (node.gpu_memory_gb, node.memory_gb),
        default=fleet.front.node,
    )
    database = max(types.nodes, key=lambda node: (node.network_gbit, node.cores))
    now = fleet.front
    groups = math.ceil(now.groups * now.node.cores * now.node.speed / (front.cores * front.speed))
    grown = {
        now.role: replace(now, node=front, servers=front.cores, groups=groups),
        DATABASE: replace(fleet.pool(DATABASE) or now, node=database, servers=database.cores),
    }
    return replace(fleet, pools=tuple(grown.get(pool.role, pool) for pool in fleet.pools))


def once_seconds(demands: Demands, node: NodeType, database: NodeType | None) -> float:
    """What 99 of 100 queries take on a replica and the database if nobody else asks anything."""
    parts = [demands.front, demands.fetch, demands.verify]
    if demands.layout.embedded:
        parts.append(demands.search / max(1, min(node.cores, demands.layout.search.descriptors)))
    parts = [part / node.speed for part in parts]
    if demands.gpu and demands.layout.embedded:
        parts.append(demands.gpu / node.gpu_speed)
    if database is not None:
        parts += [demands.database / database.speed, 8e-9 * demands.database_bytes / database.network_gbit]
    waits = 0.0 if database is None else NETWORK_SECONDS
    return waits + sum(parts) + _Z * SPREAD * math.hypot(*parts)


def alone(work: Workload, engine: str, costs: Costs, facts: ReleaseFacts, nodes: Sequence[NodeType]) -> Fleet | None:
    """The cheapest single machine with the embedded engines; None if none is enough."""
    demands = demands_of(work, engine, costs, facts, alone=True)
    fits = [node for node in nodes if _holds(demands, node) and _embedded(work, demands, node, None) == 1]
    if work.spare > 1 or not fits:
        return None
    node = min(fits, key=lambda each: (each.price_hour, each.cores))
    pool = Pool(MACHINE, node, 1, servers=node.cores, pieces=node.cores)
    return Fleet(engine, True, demands, (pool,), max(2, node.cores), MONTH_HOURS * node.price_hour)


def together(
    work: Workload, engine: str, costs: Costs, facts: ReleaseFacts, types: NodeTypes, nodes: Sequence[NodeType]
) -> Fleet | None:
    """The cheapest replicas with PostgreSQL, and Milvus if that is the engine; None if no kind of machine will do."""
    demands = demands_of(work, engine, costs, facts)
    database = _database(work, demands, types)
    if database is None:
        return None
    if demands.layout.embedded:
        front = _cheapest(
            Pool(REPLICAS, node, count, servers=node.cores, pieces=node.cores, spare=work.spare)
            for node in nodes
            if _holds(demands, node) and (count := _embedded(work, demands, node, database.node)) is not None
        )
        behind: list[Pool] = []
    else:
        front = _cheapest(
            Pool(REPLICAS, node, count, servers=node.cores, spare=work.spare)
            for node in types.nodes
            if not node.gpus and (count := _asking(work, demands, node, database.node)) is not None
        )
        query_nodes = _cheapest(_query_nodes(work, demands, nodes))
        if query_nodes is None:
            return None
        indexing = math.ceil(work.growth * work.descriptors_per_image / _INDEXED_A_DAY)
        assumed = [*_COORDINATION, (*_INDEXING, max(1, indexing))]
        behind = [query_nodes] + [Pool(role, _like(types, name), count, assumed=True) for role, name, count in assumed]
    if front is None:
        return None
    pools = (front, *behind, database)
    workers = max(2, front.node.cores)
    if not demands.layout.embedded:
        # Threads only wait while Milvus searches: as many as there are queries at once, even if they are slow.
        slow = max(1e-3 * work.p99_ms, once_seconds(demands, front.node, database.node) + _searching(demands, pools))
        workers = max(workers, math.ceil(_THREADS * work.qps / front.groups * slow))
    month = MONTH_HOURS * sum(pool.count * pool.node.price_hour for pool in pools)
    return Fleet(engine, False, demands, pools, workers, month)


def _searching(demands: Demands, pools: Sequence[Pool]) -> float:
    pool = next((pool for pool in pools if pool.role == QUERY_NODES), None)
    return 0.0 if pool is None else query_node_seconds(demands, pool)


def query_node_seconds(demands: Demands, pool: Pool) -> float:
    """Mean seconds of a machine of Milvus for one query, its work spread over as many servers as it has pieces."""
    return query_node_work(demands, pool.node) / pool.fan_out / pool.pieces


def query_node_work(demands: Demands, node: NodeType) -> float:
    """Seconds of one server of such a kind, for one query in all parts."""
    return demands.gpu / node.gpu_speed if demands.layout.on_gpu else demands.search / node.speed


def _holds(demands: Demands, node: NodeType) -> bool:
    if demands.layout.on_gpu and (not node.gpus or demands.layout.gpu_bytes > FULL * 1e9 * node.gpu_memory_gb):
        return False  # FAISS uses the first GPU alone
    if not demands.layout.on_gpu and node.gpus:
        return False
    return memory_bytes(demands, node) <= FULL * 1e9 * node.memory_gb


def memory_bytes(demands: Demands, node: NodeType) -> float:
    """Of a replica on a kind of machine."""
    own = PROCESS_BYTES + THREAD_BYTES * node.cores
    return own + demands.layout.memory_bytes if demands.layout.embedded else own


def _embedded(work: Workload, demands: Demands, node: NodeType, database: NodeType | None) -> int | None:
    once = once_seconds(demands, node, database)
    count = replicas(
        work.qps,
        demands.replica / node.speed,
        once,
        node,
        1e-3 * work.p99_ms,
        visits=3,  # decoding, search, verification
        whole=True,
        burst=work.burst,
        added=demands.adding,
    )
    if count is None or not demands.gpu:
        return count
    busiest = work.qps * demands.gpu / node.gpu_speed / BUSY
    return max(count, math.ceil(busiest))


def _asking(work: Workload, demands: Demands, node: NodeType, database: NodeType) -> int | None:
    if memory_bytes(demands, node) > FULL * 1e9 * node.memory_gb:
        return None
    once = once_seconds(demands, node, database)
    allowed = _ANSWERING * 1e-3 * work.p99_ms
    return replicas(
        work.qps,
        demands.replica / node.speed,
        once,
        node,
        allowed,
        visits=2,  # before and after the search
        whole=False,
        burst=work.burst,
        added=demands.adding,
    )


def _query_nodes(work: Workload, demands: Demands, nodes: Sequence[NodeType]) -> Iterator[Pool]:
    layout = demands.layout
    for node in nodes:
        if bool(node.gpus) != layout.on_gpu:
            continue
        least = math.ceil(layout.memory_bytes / (FULL * 1e9 * node.memory_gb - PROCESS_BYTES))
        if layout.on_gpu:
            least = max(least, math.ceil(layout.gpu_bytes / (FULL * 1e9 * node.gpu_memory_gb * node.gpus)))
        servers = node.gpus if layout.on_gpu else node.cores
        found = fan(
            work.qps,
            query_node_work(demands, node),
            layout.searched,
            least,
            servers,
            _SEARCHING * 1e-3 * work.p99_ms,
            burst=work.burst,
        )
        if found is not None:
            groups, machines = found
            pieces = max(1, min(servers, layout.searched // machines))
            yield Pool(QUERY_NODES, node, groups, machines, servers, pieces, spare=work.spare * groups)


def _database(work: Workload, demands: Demands, types: NodeTypes) -> Pool | None:
    pools = []
    for node in types.nodes:
        if node.gpus:
            continue

        def fits(count: int, node: NodeType = node) -> bool:
            cores = work.qps * demands.database / node.speed / (count * node.cores)
            network = work.qps * 8e-9 * demands.database_bytes / (count * node.network_gbit)
            return max(cores, network) <= BUSY

        count = fewest(fits)
        if count is not None:
            pools.append(Pool(DATABASE, node, count, servers=node.cores, spare=work.spare))
    # One is all that Steeple reads from.
    return min(pools, key=lambda pool: (pool.groups, pool.count * pool.node.price_hour), default=None)


def _cheapest(pools: Iterator[Pool]) -> Pool | None:
    """Of those that cost about the same, the fewest: somebody has to look after them."""
    priced = [(pool.count * pool.node.price_hour, pool) for pool in pools]
    least = min((price for price, _ in priced), default=0.0)
    return min((pool for price, pool in priced if price <= _ALIKE * least), key=lambda pool: pool.count, default=None)


def _like(types: NodeTypes, name: str) -> NodeType:
    """The kind of that name or, among others, the cheapest with at least four cores."""
    named = [node for node in types.nodes if node.name == name]
    large = [node for node in types.nodes if node.cores >= 4]
    return (named or sorted(large or types.nodes, key=lambda node: node.price_hour))[0]
