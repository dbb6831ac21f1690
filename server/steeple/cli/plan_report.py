"""A plan as text, as JSON and as a chart."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Final

from steeple.cli.output import Cell, Column, Output
from steeple.lab.drawing.chart import Axis, Mark, Panel, Series, draw
from steeple.lab.drawing.svg import numeral
from steeple.server.capacity.limits import Break, Resource
from steeple.server.capacity.measured import Measured
from steeple.server.capacity.nodes import NodeTypes
from steeple.server.capacity.planning import Plan
from steeple.server.capacity.rehearsal import rehearse

_LOADS: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.1, 1.2, 1.3)  # of the load that a plan is for
_DRAWN: Final = 10_000  # queries of a point

_SIMPLE: Final = (
    "You do not need any of this: one machine with what `steeple serve` comes with (SQLite, FAISS, a folder) is enough."
)


def document(plan: Plan, types: NodeTypes, measured: Measured) -> dict[str, Any]:
    """For JSON."""
    fleet, layout = plan.fleet, plan.fleet.demands.layout
    return {
        "workload": {**asdict(plan.work), "descriptors": plan.work.descriptors},
        "engine": fleet.engine,
        "one_machine": fleet.alone,
        "met": plan.met,
        "possible": plan.possible,
        "machines": [
            {
                "role": pool.role,
                "node": pool.node.name,
                "count": pool.count,
                "groups": pool.groups,
                "in_a_group": pool.fan_out,
                "spare": pool.spare,
                "assumed": pool.assumed,
                "cores": pool.node.cores,
                "memory_gb": pool.node.memory_gb,
                "month": round(pool.count * pool.node.price_hour * 730, 2),
            }
            for pool in fleet.pools
        ],
        "workers": fleet.workers,
        "index": {
            "lists": layout.search.lists,
            "code_size": layout.search.code_size,
            "probes": layout.search.probes,
            "query_descriptors": round(layout.search.descriptors),
            "codes_per_descriptor": round(layout.search.codes * layout.searched),
            "segments": layout.parts,
            "segments_searched": layout.searched,
            "memory_gb": round(layout.memory_bytes / 1e9, 3),
            "gpu_memory_gb": round(layout.gpu_bytes / 1e9, 3),
        },
        "query": {
            "search_core_ms": round(1e3 * fleet.demands.search, 3),
            "search_gpu_ms": round(1e3 * fleet.demands.gpu, 3),
            "replica_core_ms": round(1e3 * fleet.demands.replica, 3),
            "database_core_ms": round(1e3 * fleet.demands.database, 3),
            "database_bytes": round(fleet.demands.database_bytes),
        },
        "database": {
            "queries_per_second": plan.work.qps,
            "gbit_per_second": round(8e-9 * plan.work.qps * fleet.demands.database_bytes, 4),
            "size_gb": round(1e-9 * plan.work.images * fleet.demands.row_bytes, 3),
        },
        "resources": [{**asdict(each), "utilisation": round(each.utilisation, 4)} for each in plan.resources],
        "latency": asdict(plan.simulated),
        "money": {
            **{name: round(value, 2) for name, value in asdict(plan.money).items()},
            "month": round(plan.money.month, 2),
            "per_million_queries": round(plan.per_million, 4),
            "currency": types.currency,
            "prices_of": types.date,
            "prices_assumed": types.assumed,
        },
        "breaks": {
            "load": asdict(plan.load),
            "catalogue": asdict(plan.catalogue),
            "load_with_more_machines": asdict(plan.most_load),
            "catalogue_with_more_machines": asdict(plan.most_catalogue),
        },
        "alternatives": [asdict(each) for each in plan.alternatives],
        "measured_on": [{"date": run.date, "machine": run.machine, "remark": run.remark} for run in measured.runs],
    }


def show(output: Output, plan: Plan, types: NodeTypes, measured: Measured) -> None:
    """Prints it as text."""
    fleet = plan.fleet
    if fleet.alone:
        output.say(_SIMPLE, "bold")
    _machines(output, plan, types)
    _resources(output, plan.resources)
    _latency(output, plan)
    _breaks(output, plan)
    _alternatives(output, plan, types)
    for run in measured.runs:
        output.say(f"measured {run.date}: {run.machine}" + (f"; {run.remark}" if run.remark else ""), "dim")
    guess = "prices are assumed" if types.assumed else "prices are yours"
    output.say(
        f"{guess}, of {types.date}; not in them: load balancers, backups, monitoring, people. Sizes beyond those "
        "measured are extrapolated: docs/server/capacity.md",
        "dim",
    )


def _machines(output: Output, plan: Plan, types: NodeTypes) -> None:
    fleet, layout, work = plan.fleet, plan.fleet.demands.layout, plan.work
    kinds = (Column("machines"), Column("kind"), Column("cores", "right"), Column("memory GB", "right"))
    output.table(
        (*kinds, Column(f"{types.currency} a month", "right"), Column("")),
        [
            (
                f"{pool.count} {pool.role}" if pool.count > 1 else f"1 {pool.role.removesuffix('s')}",
                pool.node.name,
                str(pool.node.cores),
                f"{pool.node.memory_gb:g}",
                f"{pool.count * pool.node.price_hour * 730:,.0f}",
                _of(pool.groups, pool.fan_out, pool.spare, assumed=pool.assumed),
            )
            for pool in fleet.pools
        ],
    )
    index = f"{layout.search.lists:,} lists, codes of {layout.search.code_size} bytes"
    if layout.parts > 1:
        index += f", {layout.parts:,} segments, of which a query searches {layout.searched:,}"
    output.facts(
        [
            ("catalogue", f"{work.images:,} images, {work.descriptors:,.0f} descriptors"),
            ("index", f"{fleet.engine}: {index}; {1e-9 * layout.memory_bytes:,.2f} GB"),
            ("GPU memory", f"{1e-9 * layout.gpu_bytes:,.2f} GB" if layout.gpu_bytes else ""),
            (
                "a query",
                f"{work.query_bytes:,.0f} bytes, {layout.search.descriptors:,.0f} descriptors; "
                f"{1e3 * (fleet.demands.replica + (0 if layout.embedded else fleet.demands.search)):,.1f} ms of cores",
            ),
            (
                "database",
                f"{work.qps:,g} queries a second for features, "
                f"{8e-9 * work.qps * fleet.demands.database_bytes:,.2f} Gbit/s; "
                f"{1e-9 * work.images * fleet.demands.row_bytes:,.1f} GB",
            ),
            ("workers", f"{fleet.workers} threads a replica (setting `workers`)"),
            (
                "money",
                f"{plan.money.month:,.0f} {types.currency} a month: machines {plan.money.machines:,.0f}, disks "
                f"{plan.money.disks:,.0f}, photos {plan.money.objects:,.0f}, answers {plan.money.egress:,.0f}; "
                f"{plan.per_million:,.2f} a million queries",
            ),
        ]
    )


def _of(groups: int, fan_out: int, spare: int, *, assumed: bool) -> str:
    parts = []
    if fan_out > 1:
        parts.append(f"{groups:,} group{'s' if groups > 1 else ''} of {fan_out:,}")
    if spare:
        parts.append(f"{spare:,} spare")
    if assumed:
        parts.append("assumed")
    return ", ".join(parts)


def _resources(output: Output, resources: tuple[Resource, ...]) -> None:
    output.table(
        (Column("resource"), Column("used", "right"), Column("limit", "right"), Column(""), Column("share", "right")),
        [
            (
                each.name,
                f"{each.used:,.3g}" if each.used < 1000 else f"{each.used:,.0f}",
                f"{each.limit:,.3g}" if each.limit < 1000 else f"{each.limit:,.0f}",
                each.unit,
                Cell(f"{each.utilisation:.0%}", "red" if each.utilisation > 1 else ""),
            )
            for each in sorted(resources, key=lambda each: -each.utilisation)
        ],
    )


def _latency(output: Output, plan: Plan) -> None:
    found = plan.simulated
    met = "in time" if plan.met else f"NOT in the {plan.work.p99_ms:g} ms wanted"
    output.say(
        f"simulated, {found.queries:,} queries: p50 {found.p50_ms:,.1f} ms, p90 {found.p90_ms:,.1f} ms, p99 "
        f"{found.p99_ms:,.1f} ms: {met}",
        "" if plan.met else "red",
    )
    if not plan.possible:
        over = [each.name for each in plan.resources if each.fixed and each.utilisation > 1]
        output.say(f"Steeple cannot do this yet: {', '.join(over)}, of which there is one", "red")


def _breaks(output: Output, plan: Plan) -> None:
    found = (
        ("more queries, these machines", plan.load, "queries a second"),
        ("more queries, more machines", plan.most_load, "queries a second"),
        ("more images, these machines", plan.catalogue, "images"),
        ("more images, more machines", plan.most_catalogue, "images"),
    )
    output.table(
        (Column("what breaks first"), Column("at", "right"), Column("resource")),
        [_break(what, each, unit) for what, each, unit in found],
    )
    output.facts(list({each.resource: each.remedy for _, each, _ in found if each.resource}.items()))


def _break(what: str, found: Break, unit: str) -> tuple[str, str, str]:
    if not found.resource:
        return what, f"beyond {_rounded(found.at)} {unit}", "none"
    days = "" if found.days is None else f", in {max(0.0, found.days):,.0f} days"
    return what, f"{_rounded(found.at)} {unit}{days}", found.resource


def _rounded(value: float) -> str:
    rounded = float(f"{value:.3g}")
    return f"{rounded:,g}" if rounded < 1e6 else f"{rounded / 1e6:,g} million"


def _alternatives(output: Output, plan: Plan, types: NodeTypes) -> None:
    if plan.alternatives:
        output.table(
            (Column("instead"), Column(f"{types.currency} a month", "right"), Column("")),
            [
                (
                    each.what,
                    "not possible" if each.month is None else f"{each.month:,.0f}",
                    "" if each.met or each.month is None else "a query alone takes longer than wanted",
                )
                for each in plan.alternatives
            ],
        )


def chart(plan: Plan, seed: int) -> str:
    """As SVG: latency of the planned machines as load grows."""
    points = []
    for share in _LOADS:
        found = rehearse(plan.fleet, replace(plan.work, qps=share * plan.work.qps), seed, _DRAWN)
        points.append((share * plan.work.qps, found))
    series = [
        Series("p99", [(qps, found.p99_ms) for qps, found in points]),
        Series("p50", [(qps, found.p50_ms) for qps, found in points]),
    ]
    fleet = plan.fleet
    machines = "; ".join(f"{pool.count} {pool.role}, {pool.node.name}" for pool in fleet.pools if not pool.assumed)
    return draw(
        [
            Panel(
                "simulated time of a query",
                Axis("queries a second"),
                Axis("milliseconds", log=True),
                series,
                [Mark(plan.work.qps, plan.simulated.p99_ms, "planned")],
            )
        ],
        f"{numeral(plan.work.descriptors)} descriptors on {fleet.engine}",
        f"{machines}. {_DRAWN:,} simulated queries a point; with more load than the machines can do, times depend on "
        "how long it lasts.",
    )
