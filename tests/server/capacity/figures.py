"""Figures as a machine could have measured them, of known costs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from steeple.server.capacity.costs import Costs
from steeple.server.capacity.measured import (
    CatalogueCost,
    ImageCost,
    IndexPoint,
    IndexSize,
    Measured,
    QueryBytes,
    Run,
    VerificationCost,
)

SECONDS: Final = {"query": 1e-3, "centroid": 5e-9, "hop": 1.25e-7, "list": 3e-6, "code": 1e-9, "byte": 4e-10}
"""What a search costs, by the terms of the model."""


def point(engine: str, descriptors: int, lists: int, code_size: int, probes: int, query: int) -> IndexPoint:
    """A search that takes exactly what :data:`SECONDS` says; lists are unequal by a fifth."""
    graph = lists >= 4096 and engine != "milvus"
    codes = min(descriptors, 1.2 * probes * descriptors / lists)
    once = {
        "query": 1.0,
        "centroid": 0 if graph else query * lists,
        "hop": query * math.log2(lists) * max(32, 2 * probes) if graph else 0,
        "list": query * probes,
        "code": query * codes,
        "byte": query * codes * code_size,
    }
    milliseconds = 1e3 * sum(SECONDS[term] * count for term, count in once.items())
    gpu = milliseconds / 100 if engine == "gpu" else None
    return IndexPoint(
        engine, descriptors, lists, graph, code_size, probes, query, 1, codes, 0.6 * milliseconds, milliseconds, gpu
    )


def points(engine: str) -> tuple[IndexPoint, ...]:
    """Searches of three sizes, probes and lengths."""
    kinds = ((100_000, 1024, 20), (1_000_000, 1024, 20), (1_000_000, 8192, 20), (1_000_000, 8192, 10))
    asked = ((16, 100), (16, 500), (16, 1000), (4, 500), (64, 500))
    return tuple(
        point(engine, descriptors, lists, code_size, probes, query)
        for descriptors, lists, code_size in kinds
        for probes, query in asked
    )


RUN: Final = Run(
    date="2026-01-31",
    processor="a processor",
    cores=2,
    gpu="",
    remark="made up",
    model="delf-lite2-v1",
    index=(*points("faiss"), *points("milvus"), *points("gpu")),
    sizes=(IndexSize("faiss", 100_000, 20, 4_000_000), IndexSize("faiss", 1_000_000, 20, 29_500_000)),
    catalogue=(
        CatalogueCost("sqlite", 500, 1000, 50_000.0, 20, 3.0, 3.0, 0.0, 4.0),
        CatalogueCost("postgresql", 500, 1000, 52_000.0, 20, 6.0, 3.5, 2.0, 5.0),
    ),
    images=(ImageCost("folder", 300_000, 2.0, 0.3), ImageCost("s3", 300_000, 20.0, 10.0)),
    query_bytes=(QueryBytes(0, 46_000, 1000, 0.1), QueryBytes(4096, 4096, 740, 0.8), QueryBytes(1024, 1024, 170, 0.5)),
    verification=(VerificationCost(150, 20, 8.0), VerificationCost(500, 20, 15.0)),
    call_cpu_ms=0.5,
    extract_cpu_ms=90.0,
)

MEASURED: Final = Measured((RUN,))


def costs(*engines: str) -> Costs:
    """Fitted to :data:`RUN`, as if only some engines had been measured."""
    index = tuple(each for each in RUN.index if each.engine in engines)
    return Costs(Measured((replace(RUN, index=index),)))
