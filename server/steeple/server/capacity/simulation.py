"""Queries on their way through machines, event by event."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

_WARMING: Final = 0.2  # of the queries: they find the machines idle, and do not count

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Machines:
    """Machines of one kind.

    Attributes:
        name: Of the kind.
        groups: A query is sent to one of them at random.
        fan_out: Machines of a group, all of which a query is sent to; the slowest decides.
        servers: What works at once on each: cores, GPUs, 1 for a network's link. They share one queue.
        beside: Kind of machines that these are part of, and go by the same group: the GPU of a replica.
    """

    name: str
    groups: int
    servers: int
    fan_out: int = 1
    beside: str = ""


@dataclass(frozen=True)
class Step:
    """Something that is done for each query, after the step before.

    Attributes:
        name: Of the step.
        seconds: Mean, of one server, on each machine of a group.
        machines: Name of those that do it; empty: time that passes without any.
        spread: Standard deviation over the mean; 0: always the same, 1: exponential. Of a gamma distribution.
        pieces: Of equal size that the work on a machine is cut into, for several servers to do at once.
    """

    name: str
    seconds: float
    machines: str = ""
    spread: float = 0.0
    pieces: int = 1


@dataclass(frozen=True)
class System:
    """What queries go through.

    Attributes:
        machines: All kinds.
        steps: In their order.
        home: Kind of machines whose group a query belongs to from its arrival to its answer.
        threads: Queries that a group of ``home`` has in its steps at once; others wait. 0: all.
    """

    machines: Sequence[Machines]
    steps: Sequence[Step]
    home: str = ""
    threads: int = 0


@dataclass(frozen=True)
class Simulated:
    """What became of the queries.

    Attributes:
        queries: That counted.
        mean_ms: From arrival to answer.
        p50_ms: Half of them took no longer.
        p90_ms: Nine of ten.
        p99_ms: All but one in a hundred.
        step_ms: Mean of each step by its name, waiting included.
        thread_wait_ms: Mean, for a thread.
        utilisation: Share of the time that servers work, by kind of machines.
    """

    queries: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    step_ms: Mapping[str, float]
    thread_wait_ms: float
    utilisation: Mapping[str, float]


def simulate(system: System, rate: float, queries: int, *, burst: float = 1.0, seed: int = 1) -> Simulated:
    """Sends queries through a system; the same seed gives the same figures.

    Servers of a machine take what comes first, and nothing is refused: with more load than they can do, times grow
    with the number of queries.

    Args:
        system: The machines and the steps.
        rate: Queries a second.
        queries: How many; the first fifth is not counted.
        burst: Mean of how many come at once, a geometric number; 1: they come one by one (Poisson).
        seed: Of all that is random.
    """
    rng = np.random.default_rng(seed)
    arrivals = _arrivals(rng, rate, queries, burst)
    return _Run(system, arrivals, rng).result()


def _arrivals(rng: np.random.Generator, rate: float, count: int, burst: float) -> Float:
    sizes = rng.geometric(1 / burst, count)
    times = np.cumsum(rng.exponential(burst / rate, count))
    return np.asarray(np.repeat(times, sizes)[:count], np.float64)


def _drawn(rng: np.random.Generator, step: Step, shape: tuple[int, ...]) -> Float:
    if step.spread == 0 or step.seconds == 0:
        return np.full(shape, step.seconds)
    shape_parameter = 1 / (step.spread * step.spread)
    return rng.gamma(shape_parameter, step.seconds / shape_parameter, shape)


class _Servers(Protocol):
    """The machines of one group."""

    busy: float

    def done(self, now: float, work: Float, pieces: int) -> float:
        """When what is brought now will be done; never called with an earlier time than before."""
        ...


class _Machine:
    """One machine."""

    def __init__(self, servers: int) -> None:
        self._free = [0.0] * servers
        self.busy = 0.0

    def done(self, now: float, work: Float, pieces: int) -> float:
        seconds = float(work[0]) / pieces
        self.busy += float(work[0])
        end = now
        for _ in range(pieces):
            began = max(now, self._free[0])
            end = max(end, began + seconds)
            heapq.heapreplace(self._free, began + seconds)
        return end


class _Fan:
    """Several machines that are all asked. The pieces of a query's work begin together on each of them."""

    def __init__(self, machines: int, servers: int, pieces: int) -> None:
        self._rows = np.arange(machines)
        self._free = np.zeros((machines, max(1, servers // pieces)))
        self.busy = 0.0

    def done(self, now: float, work: Float, pieces: int) -> float:
        lanes = self._free.argmin(axis=1)
        ends = np.maximum(self._free[self._rows, lanes], now) + work / pieces
        self._free[self._rows, lanes] = ends
        self.busy += float(work.sum())
        return float(ends.max())


class _Run:
    def __init__(self, system: System, arrivals: Float, rng: np.random.Generator) -> None:
        self._system = system
        self._arrivals = arrivals
        count = len(arrivals)
        kinds = {kind.name: kind for kind in system.machines}
        self._groups = {name: rng.integers(0, kind.groups, count) for name, kind in kinds.items()}
        for name, kind in kinds.items():
            if kind.beside:
                self._groups[name] = self._groups[kind.beside]
        self._servers = {name: [self._made(kind) for _ in range(kind.groups)] for name, kind in kinds.items()}
        self._rng = rng
        self._fan_out = [kinds[step.machines].fan_out if step.machines else 1 for step in system.steps]
        # What many machines take is drawn when it is needed: all of it together would be large.
        self._work = [
            _drawn(rng, step, (count, 1)) if fan_out == 1 else None
            for step, fan_out in zip(system.steps, self._fan_out, strict=True)
        ]
        self._began = np.zeros((len(system.steps) + 1, count))

    def _made(self, kind: Machines) -> _Servers:
        if kind.fan_out == 1:
            return _Machine(kind.servers)
        pieces = max((step.pieces for step in self._system.steps if step.machines == kind.name), default=1)
        return _Fan(kind.fan_out, kind.servers, min(pieces, kind.servers))

    def result(self) -> Simulated:
        end = self._all_done()
        warm = int(_WARMING * len(self._arrivals))
        whole = 1e3 * (self._began[-1] - self._arrivals)[warm:]
        parts = 1e3 * np.diff(self._began, axis=0)[:, warm:]
        p50, p90, p99 = (float(each) for each in np.percentile(whole, (50, 90, 99)))
        span = end - float(self._arrivals[0])
        return Simulated(
            queries=len(whole),
            mean_ms=float(whole.mean()),
            p50_ms=p50,
            p90_ms=p90,
            p99_ms=p99,
            step_ms={step.name: float(part.mean()) for step, part in zip(self._system.steps, parts, strict=True)},
            thread_wait_ms=float(1e3 * (self._began[0] - self._arrivals)[warm:].mean()),
            utilisation={
                kind.name: sum(each.busy for each in self._servers[kind.name])
                / (span * kind.groups * kind.fan_out * kind.servers)
                for kind in self._system.machines
            },
        )

    def _all_done(self) -> float:
        """Fills in when each query began each step, and ended the last; when all had."""
        system, steps, began = self._system, self._system.steps, self._began
        home = self._groups.get(system.home)
        idle: dict[int, int] = {}
        waiting: dict[int, deque[int]] = {}
        events = [(float(time), query, -1) for query, time in enumerate(self._arrivals)]  # sorted, so a heap
        now = 0.0
        while events:
            now, query, step = heapq.heappop(events)
            group = 0 if home is None else int(home[query])
            if step < 0 and system.threads:
                if idle.setdefault(group, system.threads) == 0:
                    waiting.setdefault(group, deque()).append(query)
                    continue
                idle[group] -= 1
            step += 1
            began[step, query] = now
            if step < len(steps):
                heapq.heappush(events, (self._end(step, query, now), query, step))
            elif system.threads:
                idle[group] += 1
                if waiting.get(group):
                    idle[group] -= 1
                    following = waiting[group].popleft()
                    began[0, following] = now
                    heapq.heappush(events, (self._end(0, following, now), following, 0))
        return now

    def _end(self, step: int, query: int, now: float) -> float:
        what, drawn = self._system.steps[step], self._work[step]
        work = _drawn(self._rng, what, (self._fan_out[step],)) if drawn is None else drawn[query]
        if not what.machines:
            return now + float(work[0])
        group = int(self._groups[what.machines][query])
        return self._servers[what.machines][group].done(now, work, what.pieces)
