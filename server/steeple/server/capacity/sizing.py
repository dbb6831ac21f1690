"""The fewest machines that do: by how busy they are, and by waiting times in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from steeple.server.capacity.nodes import NodeType
from steeple.server.capacity.queueing import mean_wait, slowest_percentile, wait_percentile
from steeple.server.capacity.workload import BUSY, SPREAD

_SHARE: Final = 0.99
_MOST: Final = 1_000_000  # machines
_WIDER: Final = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0)


@dataclass(frozen=True)
class Pool:
    """Machines of one role.

    Attributes:
        role: Such as ``replicas``.
        node: Their kind.
        groups: A query goes to one of them.
        fan_out: Machines of a group, all of which it is sent to.
        servers: Cores or GPUs of a machine that work on queries.
        pieces: That a query's work on a machine is cut into, at most.
        spare: Machines beyond those that are needed, of all groups together.
        assumed: Whether the number is a rule of thumb, and not counted.
    """

    role: str
    node: NodeType
    groups: int
    fan_out: int = 1
    servers: int = 1
    pieces: int = 1
    spare: int = 0
    assumed: bool = False

    @property
    def count(self) -> int:
        """All machines."""
        return self.groups * self.fan_out + self.spare


def fewest(fits: Callable[[int], bool], least: int = 1) -> int | None:
    """The smallest number from ``least`` on that fits, of what fits all larger ones too; None if none does."""
    low = high = least
    while not fits(high):
        if high > _MOST:
            return None
        low, high = high + 1, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def replicas(
    rate: float,
    seconds: float,
    once: float,
    node: NodeType,
    allowed: float,
    *,
    visits: int,
    whole: bool,
    burst: float = 1.0,
    added: float = 0.0,
) -> int | None:
    """How many machines answer queries that each of them can answer alone.

    Args:
        rate: Queries a second.
        seconds: Of one core, of a query.
        once: Seconds that a query takes if nobody is there, its work spread over cores where it can be.
        node: Their kind.
        allowed: Seconds that 99 of 100 queries may take here.
        visits: Times that a query queues for the cores.
        whole: Whether a query takes all cores at once, so that a machine is as one fast server.
        burst: Mean of how many come at once.
        added: Cores that are busy with other work, on all machines together.
    """

    def fits(count: int) -> bool:
        cores = node.cores - added / count / node.speed
        if cores < 1 or rate * seconds / count > BUSY * cores:
            return False
        if once > allowed:  # more machines would not help
            return True
        servers, service = (1, seconds / cores) if whole else (int(cores), seconds)
        gust = 1 + (burst - 1) / count
        wait = wait_percentile(_SHARE, rate / count, service, servers=servers, spread=SPREAD, burst=gust)
        mean = mean_wait(rate / count, service, servers=servers, spread=SPREAD, burst=gust)
        return once + wait + (visits - 1) * mean <= allowed

    return fewest(fits, max(1, math.ceil((rate * seconds / BUSY + added / node.speed) / node.cores)))


def fan(
    rate: float, work: float, parts: int, least: int, servers: int, allowed: float, *, burst: float = 1.0
) -> tuple[int, int] | None:
    """Groups, and machines of each, for queries that all machines of a group are asked about.

    Args:
        rate: Queries a second.
        work: Seconds of one server, of a query in all parts.
        parts: That are spread over the machines of a group.
        least: Machines of a group, for the memory.
        servers: Of a machine.
        allowed: Seconds that 99 of 100 queries may take here.
        burst: Mean of how many come at once.
    """
    best: tuple[int, int] | None = None
    for wider in _WIDER:
        machines = math.ceil(least * wider)
        if machines > max(least, parts):
            break
        pieces = max(1, min(servers, parts // machines))
        seconds = work / machines / pieces
        lanes = max(1, servers // pieces)
        once = slowest_percentile(_SHARE, machines, seconds, SPREAD)

        def fits(groups: int, *, seconds: float = seconds, lanes: int = lanes, once: float = once) -> bool:
            if rate / groups * seconds > BUSY * lanes:
                return False
            if once > allowed:
                return True
            wait = wait_percentile(
                _SHARE, rate / groups, seconds, servers=lanes, spread=SPREAD, burst=1 + (burst - 1) / groups
            )
            return once + wait <= allowed

        groups = fewest(fits, max(1, math.ceil(rate * seconds / BUSY / lanes)))
        if groups is None:
            continue
        slow = once > allowed
        if best is None or (slow, groups * machines) < (_slow(work, best[1], parts, servers, allowed), math.prod(best)):
            best = (groups, machines)
    return best


def _slow(work: float, machines: int, parts: int, servers: int, allowed: float) -> bool:
    pieces = max(1, min(servers, parts // machines))
    return slowest_percentile(_SHARE, machines, work / machines / pieces, SPREAD) > allowed
