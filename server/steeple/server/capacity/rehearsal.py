"""A fleet as a system of queues, and its queries simulated."""

from __future__ import annotations

from typing import Final

from steeple.server.capacity.demands import Demands
from steeple.server.capacity.fleet import DATABASE, QUERY_NODES, REPLICAS, Fleet, query_node_work
from steeple.server.capacity.limits import alone_seconds
from steeple.server.capacity.simulation import Machines, Simulated, Step, System, simulate
from steeple.server.capacity.sizing import Pool
from steeple.server.capacity.workload import NETWORK_SECONDS, SPREAD, Workload

_GPUS: Final = "GPUs"
_NETWORK: Final = "network of the database"
_FEWEST: Final = 10_000
_MOST: Final = 100_000
_ANSWERS: Final = 40  # times as long as a query takes alone: by then, queues are as long as they get
_MOST_DRAWN: Final = 2e7


def system_of(fleet: Fleet) -> System:
    """The queues of a fleet without its spare machines; seconds are of its kinds of machines."""
    front, demands = fleet.front, fleet.demands
    cores, speed = front.node.cores, front.node.speed
    machines = [Machines(REPLICAS, front.groups, cores)]
    steps = [Step("call and decoding", demands.front / speed, REPLICAS, SPREAD)]
    query_nodes, database = fleet.pool(QUERY_NODES), fleet.pool(DATABASE)
    if demands.layout.embedded:
        if demands.gpu:
            machines.append(Machines(_GPUS, front.groups, 1, beside=REPLICAS))
            steps.append(Step("search, GPU", demands.gpu / front.node.gpu_speed, _GPUS, SPREAD))
        pieces = int(max(1, min(cores, demands.layout.search.descriptors)))
        steps.append(Step("search", demands.search / speed, REPLICAS, SPREAD, pieces))
    elif query_nodes is not None:
        machines.append(Machines(QUERY_NODES, query_nodes.groups, query_nodes.servers, query_nodes.fan_out))
        steps.append(Step("network to Milvus", NETWORK_SECONDS))
        steps.append(_searching(query_nodes, demands))
    if database is not None:
        machines.append(Machines(DATABASE, database.groups, database.servers))
        machines.append(Machines(_NETWORK, database.groups, 1, beside=DATABASE))
        steps.append(Step("network to the database", NETWORK_SECONDS))
        steps.append(Step("database", demands.database / database.node.speed, DATABASE, SPREAD))
        sending = 8e-9 * demands.database_bytes / database.node.network_gbit
        steps.append(Step("features on the network", sending, _NETWORK))
    steps.append(Step("verification", (demands.fetch + demands.verify) / speed, REPLICAS, SPREAD))
    return System(machines, steps, home=REPLICAS, threads=fleet.workers)


def _searching(pool: Pool, demands: Demands) -> Step:
    seconds = query_node_work(demands, pool.node) / pool.fan_out
    return Step("search", seconds, QUERY_NODES, SPREAD, pool.pieces)


def rehearse(fleet: Fleet, work: Workload, seed: int, queries: int | None = None) -> Simulated:
    """Simulates the queries of a workload.

    Args:
        fleet: The machines.
        work: Its rate and its bursts.
        seed: Of all that is random.
        queries: How many; None: enough for queues to settle, 10,000 to 100,000.
    """
    if queries is None:
        wanted = int(_ANSWERS * work.qps * alone_seconds(fleet, fleet.demands))
        pool = fleet.pool(QUERY_NODES)
        most = _MOST if pool is None else int(_MOST_DRAWN / pool.fan_out)
        queries = max(min(_FEWEST, most), min(_MOST, wanted, most))
    return simulate(system_of(fleet), work.qps, queries, burst=work.burst, seed=seed)
