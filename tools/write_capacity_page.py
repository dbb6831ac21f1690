"""Writes the tables and the figure of docs/server/capacity.md anew, from the measured figures that plans rest on.

Usage: python tools/write_capacity_page.py [--check]

Whoever measures again replaces a file in server/steeple/server/capacity/measured and runs this.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from steeple.errors import SteepleError
from steeple.lab.drawing.chart import Axis, Panel, Series, draw
from steeple.server.capacity import measured as figures
from steeple.server.capacity import nodes
from steeple.server.capacity.costs import Costs, Search
from steeple.server.capacity.layout import ReleaseFacts
from steeple.server.capacity.measured import Measured
from steeple.server.capacity.planning import Plan, Planner
from steeple.server.capacity.rehearsal import rehearse
from steeple.server.capacity.workload import Workload

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "server" / "capacity.md"
FIGURE: Final = ROOT / "docs" / "images" / "capacity.svg"
DRAWN: Final = 10_000
LOADS: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.2)
CATALOGUES: Final = (10_000, 100_000, 1_000_000, 10_000_000)
LADDER: Final = (
    (10_000, 1.0, 500.0),
    (100_000, 10.0, 500.0),
    (1_000_000, 100.0, 500.0),
    (1_000_000, 1000.0, 500.0),
    (10_000_000, 1000.0, 1000.0),
    (10_000_000, 10_000.0, 1000.0),
)
LARGER: Final = ((10_000_000, 65_536, 20, 31), (100_000_000, 131_072, 10, 52), (1_000_000_000, 262_144, 10, 324))
"""Descriptors, lists, bytes of a code, and milliseconds of a query on two cores, from docs/server/index.md."""
UNITS: Final = {
    "query": ("a call", 1e3, "ms"),
    "part": ("a segment", 1e6, "µs"),
    "descriptor": ("a descriptor", 1e6, "µs"),
    "centroid": ("a centroid that a descriptor is compared with", 1e9, "ns"),
    "visit": ("a descriptor in a segment", 1e6, "µs"),
    "hop": ("a step in the graph of centroids", 1e9, "ns"),
    "list": ("a list whose tables are computed", 1e6, "µs"),
    "code": ("a code", 1e9, "ns"),
    "byte": ("a byte of a code", 1e9, "ns"),
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(known: Measured) -> str:
    """Where and when figures were measured."""
    return "\n".join(
        f"- {run.date}: {run.machine}" + (f" ({run.remark})" if run.remark else "")
        + f"; {', '.join(sorted({point.engine for point in run.index}))}"
        for run in known.runs
    )  # fmt: skip


def searches(known: Measured) -> str:
    """What was measured of searches."""
    rows = [
        (
            point.engine,
            f"{point.descriptors:,}",
            f"{point.parts:,} x {point.lists:,}" if point.engine == "milvus" else f"{point.lists:,}",
            str(point.code_size),
            str(point.probes),
            str(point.query_descriptors),
            str(point.at_once),
            f"{point.codes * point.parts:,.0f}",
            "" if point.cpu_ms is None else f"{point.cpu_ms:.1f}",
            "" if point.device_ms is None else f"{point.device_ms:.2f}",
            f"{point.wall_ms:.1f}",
        )
        for engine in ("faiss", "gpu", "milvus")
        for point in known.index(engine)
    ]
    head = ("engine", "descriptors", "lists", "code", "probes", "query", "at once", "codes each")
    return table((*head, "CPU ms", "GPU ms", "wall ms"), rows)


def fits(costs: Costs) -> str:
    """The model's coefficients."""
    kinds = [(engine, costs.processor(engine)) for engine in ("faiss", "gpu", "milvus") if costs.knows(engine)]
    if costs.knows("gpu"):
        kinds.append(("gpu, the GPU's own", costs.device("gpu")))
    rows = []
    for term, (what, scale, unit) in UNITS.items():
        values = [fit.seconds.get(term, 0.0) for _, fit in kinds]
        if any(values):
            rows.append((what, *(f"{scale * value:.3g} {unit}" if value else "" for value in values)))
    rows.append(("largest error at a measured point", *(f"{fit.worst:.0%}" for _, fit in kinds)))
    return table(("time of a processor of", *(name for name, _ in kinds)), rows)


def checks(costs: Costs) -> str:
    """The model beside what the page about the index says of larger ones, that it was not fitted to."""
    rows = []
    for descriptors, lists, code_size, milliseconds in LARGER:
        codes = 16 * descriptors / lists * costs.skew("faiss")
        model = 1e3 * costs.processor("faiss")(Search(500, lists, True, code_size, 16, codes))
        row = (f"{descriptors:,}", f"{lists:,}", str(code_size), f"{2 * milliseconds:,}", f"{model:,.0f}")
        rows.append((*row, f"{model / 2 / milliseconds:.2f}"))
    return table(("descriptors", "lists", "code", "two cores, measured, CPU ms", "model, CPU ms", "ratio"), rows)


def rest(known: Measured, costs: Costs) -> str:
    """Databases, photos, queries, verification."""
    rows = [
        (
            cost.engine,
            f"{cost.bytes_per_image:,.0f}",
            f"{cost.read_ms:.1f}",
            f"{cost.read_cpu_ms:.1f}",
            "unknown" if cost.server_cpu_ms is None else f"{cost.server_cpu_ms:.1f}",
            f"{cost.write_ms:.1f}",
        )
        for engine in ("sqlite", "postgresql")
        if (cost := known.catalogue(engine)) is not None
    ]
    read = max(cost.read_images for run in known.runs for cost in run.catalogue)
    head = ("database", "bytes an image", f"ms to read {read} images", "CPU ms of the reader", "CPU ms of the server")
    parts = [table((*head, "ms to add one"), rows)]
    photos = [(cost.store, f"{cost.put_ms:.1f}", f"{cost.get_ms:.1f}") for cost in known.images()]
    parts.append(table(("photos of 300 kB in", "ms to store", "ms to read"), photos))
    queries = [
        (
            f"{each.max_bytes:,}" if each.max_bytes else "whole",
            f"{each.message_bytes:,}",
            str(each.descriptors),
            f"{each.decode_ms:.2f}",
        )
        for each in known.query_bytes()
    ]
    parts.append(table(("query's budget", "bytes", "descriptors", "CPU ms to read it"), queries))
    verified = [(str(each.query_descriptors), f"{each.cpu_ms:.1f}") for each in known.verification()]
    verified.append(("1000, by the model", f"{1e3 * costs.verify(1000):.1f}"))
    parts.append(table(("votes and verification of 20 images: descriptors", "CPU ms"), verified))
    parts.append(
        f"A call that does nothing takes {known.call_cpu_ms:.2f} ms of a processor, client included, and the features "
        f"of a photo of 640x480 {known.extract_cpu_ms:.0f} ms."
    )
    return "\n\n".join(parts)


def machines(plan: Plan) -> str:
    """All that are counted."""
    names = []
    for pool in plan.fleet.pools:
        if not pool.assumed:
            names.append(
                f"{pool.count:,} {pool.role if pool.count > 1 else pool.role.removesuffix('s')} {pool.node.name}"
            )
    return ", ".join(names)


def row_of(what: Sequence[str], plan: Plan) -> list[str]:
    """Of a table of plans."""
    latency = plan.simulated
    p99 = f"{latency.p99_ms:,.0f}" if plan.met else f"**{latency.p99_ms:,.0f}**"
    first = plan.load
    over = [each.name for each in plan.resources if each.utilisation > 1]
    ends = f"now: {', '.join(over)}" if over else f"{float(f'{first.at:.2g}'):,.0f} q/s: {first.resource}"
    return [
        *what,
        plan.fleet.engine + (", alone" if plan.fleet.alone else ""),
        machines(plan),
        f"{latency.p50_ms:,.0f}",
        p99,
        f"{plan.money.month:,.0f}",
        f"{plan.per_million:,.2f}",
        ends,
    ]


HEAD: Final = ("engine", "machines", "p50 ms", "p99 ms", "USD a month", "a million queries", "ends at")


def ladder(planner: Planner) -> str:
    """From a few photos to all of them."""
    rows = []
    for images, qps, p99_ms in LADDER:
        plan = planner.plan(work(images, qps, p99_ms=p99_ms), queries=DRAWN)
        rows.append(row_of((f"{images:,}", f"{qps:,.0f}"), plan))
    return table(("images", "q/s", *HEAD), rows)


def ten_billion(planner: Planner) -> str:
    """Ten billion descriptors and ten thousand queries a second, every way."""
    asked = work(10_000_000, 10_000.0, p99_ms=1000.0)
    fewer = replace(asked, descriptors_per_image=300.0)
    ways = (
        ("as it is", asked, "faiss"),
        ("queries of 1,024 bytes", replace(asked, query_bytes=1024.0), "faiss"),
        ("300 descriptors an image, 3 billion", fewer, "faiss"),
        ("on GPUs", asked, "gpu"),
        ("Milvus", asked, "milvus"),
        ("Milvus, queries limited to 2 % by region", replace(asked, share=0.02), "milvus"),
        ("Milvus, 2 % by region, 1,024 bytes", replace(asked, share=0.02, query_bytes=1024.0), "milvus"),
        ("Milvus on GPUs", asked, "milvus-gpu"),
        ("Milvus on GPUs, 2 % by region", replace(asked, share=0.02), "milvus-gpu"),
    )
    rows = []
    for what, each, engine in ways:
        try:
            rows.append(row_of((what,), planner.plan(each, engine, queries=DRAWN)))
        except SteepleError as error:
            reason = "not measured" if "was not measured" in error.message else "no machine holds it"
            rows.append([what, engine, reason, "", "", "", "", ""])
    return table(("10 billion descriptors, 10,000 q/s", *HEAD), rows)


def work(images: int, qps: float, **more: float) -> Workload:
    """Short queries, images as the release makes them."""
    return Workload(images=images, descriptors_per_image=1000.0, qps=qps, query_bytes=4096.0, **more)  # type: ignore[arg-type]


def figure(planner: Planner, costs: Costs, currency: str) -> str:
    """What it costs by size, and how long it takes by load."""
    engines = [engine for engine in ("faiss", "gpu", "milvus") if costs.knows(engine)]
    prices = []
    for engine in engines:
        points = []
        for images in CATALOGUES:
            try:
                plan = planner.plan(work(images, 100.0, p99_ms=2000.0), engine, queries=1000)
            except SteepleError:
                continue  # no machine holds so many
            points.append((plan.work.descriptors, plan.money.month))
        prices.append(Series(engine, points))
    plan = planner.plan(work(1_000_000, 300.0))
    rehearsed = [(load, rehearse(plan.fleet, replace(plan.work, qps=300.0 * load), 1, DRAWN)) for load in LOADS]
    times = [
        Series("p99", [(300.0 * load, found.p99_ms) for load, found in rehearsed]),
        Series("p50", [(300.0 * load, found.p50_ms) for load, found in rehearsed]),
    ]
    return draw(
        [
            Panel(
                "100 queries a second",
                Axis("descriptors", log=True),
                Axis(f"{currency} a month, prices assumed", log=True),
                prices,
            ),
            Panel("1 billion descriptors, simulated", Axis("queries a second"), Axis("milliseconds", log=True), times),
        ],
        "What catalogues cost, and how long queries take",
        f"Queries of 4,096 bytes. Right: {machines(plan)}, planned for 300 queries a second; {DRAWN:,} simulated "
        "queries a point.",
    )


def written() -> dict[Path, str]:
    """All files that this makes."""
    known, types = figures.packaged(), nodes.load()
    costs = Costs(known)
    planner = Planner(costs, types, ReleaseFacts.load())
    parts: dict[str, Callable[[], str]] = {
        "machine": lambda: machine(known),
        "searches": lambda: searches(known),
        "fits": lambda: fits(costs),
        "checks": lambda: checks(costs),
        "rest": lambda: rest(known, costs),
        "ladder": lambda: ladder(planner),
        "ten-billion": lambda: ten_billion(planner),
    }
    page = PAGE.read_text("utf-8")
    for name, made in parts.items():
        begins, ends = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(begins) + ".*?" + re.escape(ends), re.DOTALL)
        if not pattern.search(page):
            raise SystemExit(f"{PAGE} has no {begins}")
        text = f"{begins}\n{made()}\n{ends}"
        page = pattern.sub(partial(_always, text), page)
    return {PAGE: page, FIGURE: figure(planner, costs, types.currency)}


def _always(text: str, found: re.Match[str]) -> str:
    return text  # as it is: in a template, backslashes would mean something


def main() -> None:
    """Writes the files or, with --check, says whether they would change."""
    made = written()
    stale = [path for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        if stale:
            raise SystemExit(f"stale: {', '.join(str(path) for path in stale)}; run make capacity-page")
        return
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
