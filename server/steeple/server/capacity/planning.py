"""A plan: machines, money, latency, what ends first, and what would be cheaper."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.capacity import fleet as fleets
from steeple.server.capacity.costs import Costs
from steeple.server.capacity.demands import Demands, demands_of, sent_to_clients
from steeple.server.capacity.fleet import DATABASE, Fleet
from steeple.server.capacity.layout import EMBEDDED, ENGINES, ReleaseFacts
from steeple.server.capacity.limits import Break, Resource, alone_seconds, first_break, resources, with_days
from steeple.server.capacity.nodes import NodeType, NodeTypes
from steeple.server.capacity.rehearsal import rehearse
from steeple.server.capacity.simulation import Simulated
from steeple.server.capacity.workload import MONTH_SECONDS, Workload

_FEWER: Final = 300  # descriptors of an image, to be tried instead
_SHORT: Final = (4096, 1024)  # bytes of a query, to be tried instead
_REGION: Final = 0.05  # share of the catalogue, to be tried instead of all
_WORTH: Final = 0.9  # of the price: what saves less is not worth a word


@dataclass(frozen=True)
class Money:
    """Prices of a month.

    Attributes:
        machines: On all the time.
        disks: Of databases and indexes.
        objects: Photos in object storage.
        egress: Answers to clients.
    """

    machines: float
    disks: float
    objects: float
    egress: float

    @property
    def month(self) -> float:
        """Of all."""
        return self.machines + self.disks + self.objects + self.egress


@dataclass(frozen=True)
class Alternative:
    """Another way.

    Attributes:
        what: Is different.
        month: Its price; None: it cannot be done.
        met: Whether a query alone is answered in time.
    """

    what: str
    month: float | None
    met: bool


@dataclass(frozen=True)
class Plan:
    """What a workload needs.

    Attributes:
        work: The workload.
        fleet: Its machines.
        resources: What is used of them.
        simulated: Its queries.
        money: Of a month.
        load: What ends first when more queries come and the machines stay.
        catalogue: What ends first when more images come and the machines stay.
        most_load: What ends first when more queries come and machines with them.
        most_catalogue: What ends first when more images come and machines with them.
        alternatives: Other ways, the cheapest first.
    """

    work: Workload
    fleet: Fleet
    resources: tuple[Resource, ...]
    simulated: Simulated
    money: Money
    load: Break
    catalogue: Break
    most_load: Break
    most_catalogue: Break
    alternatives: tuple[Alternative, ...]

    @property
    def met(self) -> bool:
        """Whether the simulated queries are answered in time."""
        return self.simulated.p99_ms <= self.work.p99_ms

    @property
    def possible(self) -> bool:
        """Whether Steeple can do it today: it reads from one database."""
        return all(resource.utilisation <= 1 for resource in self.resources if resource.fixed)

    @property
    def per_million(self) -> float:
        """Price of a million queries, if as many came all the time."""
        return self.money.month / (self.work.qps * MONTH_SECONDS / 1e6)


class Planner:
    """Makes plans of what was measured.

    Args:
        costs: Fitted to it.
        types: Machines that may be chosen.
        facts: Of the model release.
        node: Name of the only kind of machine that the index may be on; empty: any.

    Raises:
        InvalidArgumentError: If there is no kind of that name.
    """

    def __init__(self, costs: Costs, types: NodeTypes, facts: ReleaseFacts, node: str = "") -> None:
        self._costs = costs
        self._types = types
        self._facts = facts
        self._nodes: Sequence[NodeType] = (types.named(node),) if node else types.nodes

    def plan(self, work: Workload, engine: str = "", *, seed: int = 1, queries: int | None = None) -> Plan:
        """The cheapest machines, and what can be said of them.

        Args:
            work: The workload.
            engine: One of :data:`ENGINES`; empty: the cheapest of those that were measured.
            seed: Of the simulation.
            queries: Simulated; None: enough.

        Raises:
            FailedPreconditionError: If the engine was not measured.
            InvalidArgumentError: If no kind of machine will do.
        """
        chosen = self._fleet(work, engine)
        if chosen is None:
            which = f"on engine {engine}" if engine else "on any engine that was measured"
            raise InvalidArgumentError(
                f"no kind of machine holds {work.descriptors:,.0f} descriptors for {work.qps:,g} queries a second "
                f"{which}: allow others with --engine, --node or --nodes"
            )
        grown = self._grown_machines(work, chosen)
        more_queries, more_images = partial(_more_queries, work), partial(_more_images, work)
        return Plan(
            work=work,
            fleet=chosen,
            resources=tuple(resources(chosen, work, chosen.demands)),
            simulated=rehearse(chosen, work, seed, queries),
            money=self._money(work, chosen),
            load=first_break(self._scaled(chosen, more_queries), work.qps),
            catalogue=with_days(first_break(self._scaled(chosen, more_images), work.images), work),
            most_load=first_break(self._scaled(grown, more_queries, grows=True), work.qps, only=_is_fixed),
            most_catalogue=with_days(
                first_break(self._scaled(grown, more_images, grows=True), work.images, only=_is_fixed), work
            ),
            alternatives=tuple(self._alternatives(work, chosen, engine)),
        )

    def _grown_machines(self, work: Workload, chosen: Fleet) -> Fleet:
        """The largest machines of a fleet of several: where a single one ends, others go on."""
        several: Fleet | None = chosen
        if chosen.alone and self._costs.measured.catalogue("postgresql") is not None:
            several = fleets.together(work, chosen.engine, self._costs, self._facts, self._types, self._nodes)
        return fleets.largest(several or chosen, self._types)

    def _scaled(
        self, machines: Fleet, scaled: Callable[[float], Workload], *, grows: bool = False
    ) -> Callable[[float], tuple[Fleet, Workload, Demands]]:
        """Machines, workload and demands by a factor of growth.

        Args:
            machines: As they are now.
            scaled: The workload by the factor.
            grows: Whether the number of replicas grows with what they have to do.
        """
        now = scaled(1.0)

        def at(factor: float) -> tuple[Fleet, Workload, Demands]:
            work = scaled(factor)
            demands = demands_of(work, machines.engine, self._costs, self._facts, alone=machines.alone)
            if not grows:
                return machines, work, demands
            times = work.qps * demands.replica / (now.qps * machines.demands.replica)
            pools = tuple(
                replace(pool, groups=math.ceil(times * pool.groups)) if pool is machines.front else pool
                for pool in machines.pools
            )
            return replace(machines, pools=pools), work, demands

        return at

    def _fleet(self, work: Workload, engine: str) -> Fleet | None:
        if engine:
            self._costs.processor(engine.removeprefix("milvus-") if engine.endswith("gpu") else engine)
        engines = [engine] if engine else [each for each in ENGINES if self._known(each)]
        singles = [
            found
            for each in engines
            if each in EMBEDDED
            and (found := fleets.alone(work, each, self._costs, self._facts, self._nodes)) is not None
            and alone_seconds(found, found.demands) <= 1e-3 * work.p99_ms
        ]
        if singles:
            return min(singles, key=lambda found: found.month)
        if self._costs.measured.catalogue("postgresql") is None:
            demands_of(work, engines[0], self._costs, self._facts)  # says what is missing
        several = [
            found
            for each in engines
            if (found := fleets.together(work, each, self._costs, self._facts, self._types, self._nodes)) is not None
        ]
        slow = 1e-3 * work.p99_ms
        return min(several, key=lambda found: (alone_seconds(found, found.demands) > slow, found.month), default=None)

    def _known(self, engine: str) -> bool:
        if engine == "milvus-gpu":
            return self._costs.knows("gpu")
        return self._costs.knows(engine)

    def _money(self, work: Workload, chosen: Fleet) -> Money:
        types, demands, front = self._types, chosen.demands, chosen.front
        database = chosen.pool(DATABASE)
        databases = 1 if database is None else database.count
        disks = 1e-9 * (
            databases * work.images * demands.row_bytes + (front.groups + front.spare) * demands.layout.disk_bytes
        )
        # A single machine has its photos in a folder.
        photos = 1e-9 * work.images * work.photo_bytes
        return Money(
            machines=chosen.month,
            disks=types.disk_gb_month * (disks + (photos if chosen.alone else 0.0)),
            objects=0.0 if chosen.alone else types.object_gb_month * (photos + _segments_gb(demands)),
            egress=types.egress_gb * 1e-9 * sent_to_clients(work, MONTH_SECONDS),
        )

    def _alternatives(self, work: Workload, chosen: Fleet, engine: str) -> Iterator[Alternative]:
        """Other ways: engines as they are, and changes that make it a tenth cheaper at least."""
        price = self._money(work, chosen).month
        found = []
        for other in ENGINES:
            if other != chosen.engine and self._known(other):
                found.append(self._tried(f"engine {other}", work, other))
        tries = [
            (f"queries of {size:,} bytes", replace(work, query_bytes=size))
            for size in _SHORT
            if size < work.query_bytes
        ]
        if work.descriptors_per_image > _FEWER:
            tries.append((f"{_FEWER} descriptors an image", replace(work, descriptors_per_image=_FEWER)))
        for what, changed in tries:
            found.append(self._tried(what, changed, engine))
        if work.share > _REGION and self._costs.knows("milvus"):
            regional = replace(work, share=_REGION)
            found.append(self._tried(f"engine milvus, queries limited to {_REGION:.0%} by region", regional, "milvus"))
        for each in sorted(found, key=lambda each: float("inf") if each.month is None else each.month):
            if each.what.startswith("engine") or (each.month is not None and each.month < _WORTH * price):
                yield each

    def _tried(self, what: str, work: Workload, engine: str) -> Alternative:
        try:
            chosen = self._fleet(work, engine)
        except FailedPreconditionError:
            chosen = None
        if chosen is None:
            return Alternative(what, None, False)
        met = alone_seconds(chosen, chosen.demands) <= 1e-3 * work.p99_ms
        return Alternative(what, self._money(work, chosen).month, met)


def _segments_gb(demands: Demands) -> float:
    """Of what Milvus keeps in object storage: what was sent, and its index."""
    layout = demands.layout
    if layout.embedded:
        return 0.0
    return 1e-9 * (layout.descriptors * 160 + layout.memory_bytes + layout.gpu_bytes)


def _more_queries(work: Workload, factor: float) -> Workload:
    return replace(work, qps=work.qps * factor)


def _more_images(work: Workload, factor: float) -> Workload:
    return replace(work, images=round(work.images * factor))


def _is_fixed(resource: Resource) -> bool:
    return resource.fixed
