"""``steeple plan``: machines, money and latency for a catalogue and its queries."""

from __future__ import annotations

import enum
import math
from pathlib import Path
from typing import Annotated

import typer

from steeple.cli.options import JsonOption, PlotOption
from steeple.cli.output import Output
from steeple.cli.writable import CHARTS, check_writable, write_text
from steeple.errors import InvalidArgumentError


class EngineChoice(enum.StrEnum):
    """What holds the index."""

    AUTO = "auto"
    FAISS = "faiss"
    GPU = "gpu"
    MILVUS = "milvus"
    MILVUS_GPU = "milvus-gpu"


def plan(
    images: Annotated[int, typer.Option("--images", metavar="N", min=1, help="Reference images in the catalogue.")],
    qps: Annotated[float, typer.Option("--qps", metavar="N", min=1e-6, help="Queries a second, when most come.")],
    descriptors_per_image: Annotated[
        float | None,
        typer.Option("--descriptors-per-image", metavar="N", min=1, help="Default: the most that the release makes."),
    ] = None,
    query_bytes: Annotated[
        float | None,
        typer.Option("--query-bytes", metavar="N", min=128, help="Of a query. Default: whole, as the SDK sends it."),
    ] = None,
    p99_ms: Annotated[
        float, typer.Option("--p99-ms", metavar="MS", min=1, help="In which 99 of 100 queries shall be answered.")
    ] = 500.0,
    growth: Annotated[float, typer.Option("--growth", metavar="N", min=0, help="Images added a day.")] = 0.0,
    engine: Annotated[EngineChoice, typer.Option("--engine", help="What holds the index.")] = EngineChoice.AUTO,
    region_share: Annotated[
        float,
        typer.Option(
            "--region-share", metavar="X", min=1e-6, max=1, help="Of the catalogue, that a query is limited to."
        ),
    ] = 1.0,
    burst: Annotated[
        float, typer.Option("--burst", metavar="N", min=1, help="How many queries come at once, on average.")
    ] = 1.0,
    spare: Annotated[
        int,
        typer.Option(
            "--spare", metavar="N", min=0, max=10, help="Machines of a kind that may fail, where several are needed."
        ),
    ] = 1,
    photo_bytes: Annotated[
        float, typer.Option("--photo-bytes", metavar="N", min=0, help="Of a stored photo.")
    ] = 500_000.0,
    node: Annotated[
        str, typer.Option("--node", metavar="NAME", help="The only kind of machine to hold the index.")
    ] = "",
    nodes: Annotated[
        Path | None,
        typer.Option("--nodes", metavar="FILE", help="Your machines and prices (TOML) instead of assumed ones."),
    ] = None,
    measured: Annotated[
        list[Path] | None,
        typer.Option("--measured", metavar="FILE", help="Output of `steeple benchmark engines --json`; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of the simulation.")] = 1,
    queries: Annotated[
        int | None, typer.Option("--simulate", metavar="N", min=1000, max=1_000_000, help="Queries. Default: enough.")
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Say how many machines a catalogue and its queries need, what they cost, and what breaks first.

    What one query and one descriptor cost was measured (see `steeple benchmark engines`), machines are counted by
    waiting times in closed form, and then queries are simulated. The machines' prices are assumptions: give yours.
    Exits with 1 if the simulated queries are not answered in time, or Steeple cannot do it yet.

    \b
    faiss, gpu           the index whole in each replica's process, on its processor or its first GPU
    milvus, milvus-gpu   the index in segments on query nodes, which many replicas share
    auto                 one machine with SQLite if that is enough, else the cheapest that was measured

    \b
    Examples:
      steeple plan --images 10000 --qps 1
      steeple plan --images 1000000 --qps 200 --growth 5000 --query-bytes 4096
      steeple plan --images 10000000 --qps 10000 --engine milvus --region-share 0.02 --json
      steeple plan --images 1000000 --qps 50 --nodes mine.toml --measured mine.json --plot plan.svg
    """
    from steeple.cli import plan_report
    from steeple.server.capacity import measured as figures
    from steeple.server.capacity.costs import Costs
    from steeple.server.capacity.layout import ReleaseFacts
    from steeple.server.capacity.nodes import load
    from steeple.server.capacity.planning import Planner
    from steeple.server.capacity.workload import Workload

    output = Output(as_json=json)
    if plot is not None:
        check_writable(plot, "--plot", CHARTS)
    known = figures.load(measured) if measured else figures.packaged()
    costs, types, facts = Costs(known), load(nodes), ReleaseFacts.load()
    work = Workload(
        images=images,
        descriptors_per_image=descriptors_per_image or facts.max_features,
        qps=_finite("--qps", qps),
        query_bytes=query_bytes or known.query_bytes()[-1].message_bytes,
        p99_ms=_finite("--p99-ms", p99_ms),
        growth=_finite("--growth", growth),
        share=region_share,
        burst=_finite("--burst", burst),
        spare=spare,
        photo_bytes=photo_bytes,
    )
    planner = Planner(costs, types, facts, node)
    wanted = "" if engine is EngineChoice.AUTO else str(engine)
    made = planner.plan(work, wanted, seed=seed, queries=queries)
    output.document(plan_report.document(made, types, known))
    plan_report.show(output, made, types, known)
    if plot is not None:
        write_text(plot, plan_report.chart(made, seed))
        output.note(f"drawn: {plot}")
    if not (made.met and made.possible):
        raise typer.Exit(1)


def _finite(option: str, value: float) -> float:
    if not math.isfinite(value):
        raise InvalidArgumentError(f"{option} takes a finite number, not {value}")
    return value
