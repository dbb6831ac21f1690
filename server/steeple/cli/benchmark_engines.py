"""``steeple benchmark engines``: what descriptors, queries, rows and photos cost on each engine."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Output
from steeple.cli.stages import staged, steps_of
from steeple.errors import InvalidArgumentError


def engines(
    descriptors: Annotated[
        str, typer.Option("--descriptors", metavar="A,B,...", help="Sizes of the indexes that are searched.")
    ] = "100000,1000000",
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Release that is measured."
        ),
    ] = DEFAULT_MODEL,
    gpu: Annotated[bool, typer.Option("--gpu", help="Measure FAISS on a GPU too; it must have one.")] = False,
    milvus_uri: Annotated[
        str,
        typer.Option("--milvus-uri", metavar="URI", help="Measure this Milvus too; it gets a collection and loses it."),
    ] = "",
    milvus_token: Annotated[
        str, typer.Option("--milvus-token", envvar="STEEPLE_MILVUS_TOKEN", help="USER:PASSWORD or key of Milvus.")
    ] = "",
    milvus_pid: Annotated[
        int | None,
        typer.Option(
            "--milvus-pid", metavar="PID", min=1, help="Its process, if it runs here: for its processor time."
        ),
    ] = None,
    database_url: Annotated[
        str,
        typer.Option("--database-url", metavar="URL", help="Measure this empty PostgreSQL database too; it is filled."),
    ] = "",
    images_url: Annotated[
        str, typer.Option("--images-url", metavar="URL", help="Measure photos here too, as in s3://bucket/prefix.")
    ] = "",
    images: Annotated[int, typer.Option("--images", metavar="N", min=20, help="Rows that databases get.")] = 500,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=2, help="Of each measurement; medians count.")] = 7,
    remark: Annotated[str, typer.Option("--remark", metavar="TEXT", help="Goes with the figures.")] = "",
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Keep the indexes here, and use them if they are there."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure what each engine costs: the figures that `steeple plan` counts machines by.

    FAISS on the processor, SQLite and a folder are always measured, all else if it is given. Indexes are drawn as
    codes, so large ones are quick to make; what they find is not measured here (see `steeple benchmark index`).

    \b
    cpu ms    of a query, one thread: what a machine can do of
    wall ms   of a query alone, all cores
    resident  memory that the process has more of once it has searched

    \b
    Examples:
      steeple benchmark engines
      steeple benchmark engines --descriptors 1000000,10000000 --json > mine.json; steeple plan --measured mine.json
      steeple benchmark engines --gpu --json > gpu.json
      steeple benchmark engines --milvus-uri http://localhost:19530 --database-url postgresql://localhost/empty
    """
    from steeple.cli import benchmark_engines_report as report
    from steeple.delf import ModelRelease
    from steeple.server.capacity.measured import Run
    from steeple.server.index import gpu as gpus
    from steeple.server.scale import engine_queries, engine_searches, engine_stores
    from steeple.server.scale.processes import gpu_name, processor_name

    output, sizes = Output(as_json=json), _sizes(descriptors)
    release = ModelRelease.load(model)
    device = gpus.find("gpu") if gpu else None
    kinds = engine_searches.kinds_of_index(sizes)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steeple-benchmark-")))
        place = folder or scratch
        progress = stack.enter_context(staged(output))
        # What may be refused comes first.
        databases = [url for url in (database_url, f"sqlite:///{scratch}/catalogue.db") if url]
        total = images + 2 * runs + 1
        catalogues = [
            engine_stores.measure_catalogue(
                url, release, images, runs, steps_of(progress, f"database {number + 1}", total)
            )
            for number, url in enumerate(databases)
        ]
        stores = [
            engine_stores.measure_images(url, runs, steps_of(progress, f"photos, place {number + 1}", runs))
            for number, url in enumerate(each for each in (images_url, str(scratch / "images")) if each)
        ]
        searched = []
        if milvus_uri:
            from steeple.server.scale.engine_milvus import measure_milvus

            searched += list(measure_milvus(milvus_uri, milvus_token, milvus_pid, release, sizes, runs, progress))
        searched += list(engine_searches.measure_faiss(release, place, kinds, runs, progress))
        if device is not None:
            searched += list(engine_searches.measure_faiss(release, place, kinds, runs, progress, device))
        features, extraction = engine_queries.extracted(release, runs)
        query_bytes = engine_queries.measure_bytes(features, release, runs)
        steps = steps_of(progress, "verifying", len(engine_queries.SHARES) * runs)
        run = Run(
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            processor=processor_name(),
            cores=os.cpu_count() or 1,
            gpu="" if device is None else gpu_name(),
            remark=remark,
            model=release.name,
            index=tuple(point for points, _ in searched for point in points),
            sizes=tuple(size for _, size in searched),
            catalogue=tuple(catalogues),
            images=tuple(stores),
            query_bytes=tuple(query_bytes),
            verification=tuple(engine_queries.measure_verification(release, runs, steps)),
            call_cpu_ms=round(1e3 * engine_queries.measure_call(query_bytes[0].message_bytes), 3),
            extract_cpu_ms=round(1e3 * extraction, 1),
        )
    output.document(run.document())
    report.show(output, run)


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 10_000:
        raise InvalidArgumentError(
            f"--descriptors takes sizes of at least 10,000, such as 100000,1000000, not {text!r}"
        )
    return sizes
