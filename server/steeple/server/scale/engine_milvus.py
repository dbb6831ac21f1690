"""What a search costs on Milvus."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import UnavailableError
from steeple.server.capacity.layout import milvus_lists
from steeple.server.capacity.measured import IndexPoint, IndexSize
from steeple.server.catalogue import LatLng
from steeple.server.index.milvus import ImageFacts, MilvusConnection, MilvusIndex
from steeple.server.index.milvus.collections import Collections, alias_of
from steeple.server.index_factory import IndexFactory
from steeple.server.scale.building import Progress
from steeple.server.scale.engine_searches import ASKED, COPIES, DISTANCE, Asked
from steeple.server.scale.processes import cpu_seconds, resident_bytes
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, SyntheticCatalogue, key_of

_TIMEOUT: Final = 120.0
_PAUSE: Final = 0.2
_IMAGES_AT_ONCE: Final = 20
_PLACES: Final = 32


def measure_milvus(
    uri: str,
    token: str,
    process: int | None,
    release: ModelRelease,
    sizes: Sequence[int],
    runs: int,
    progress: Progress,
    places: int = _PLACES,
) -> Iterator[tuple[list[IndexPoint], IndexSize]]:
    """Fills a collection of each size with synthetic descriptors, searches it and drops it.

    All images of a collection are at one place, and thus in one partition. The largest is measured again with places
    all around the equator, and so with many segments.

    Args:
        uri: Of Milvus.
        token: Its secret; empty: none.
        process: Id of Milvus's process on this machine; None: its processor time cannot be told.
        release: Of the descriptors.
        sizes: Descriptors of each collection.
        runs: Of each search; medians count.
        progress: Told of each step.
        places: Of the largest when it is measured again: far from each other, each in a region of its own.

    Yields:
        Of each collection, its searches and what it takes.

    Raises:
        UnavailableError: If Milvus cannot be reached.
    """
    connection = MilvusConnection(uri, token, timeout=_TIMEOUT)
    catalogue = SyntheticCatalogue(release)
    try:
        for size, spread in [*((size, 1) for size in sizes), (max(sizes), places)]:
            prefix = f"benchmark_{secrets.token_hex(6)}"
            index = MilvusIndex(connection, release, prefix=prefix)
            before = resident_bytes(process) if process else 0
            fresh = index.fresh(size)
            try:
                index.switch_to(fresh)
                _fill(fresh, catalogue, size // IMAGE_DESCRIPTORS, spread, progress)
                fresh.settled()
                index.await_timestamp(fresh.timestamp)
                queries, _ = catalogue.copies(size // IMAGE_DESCRIPTORS, COPIES, DISTANCE)
                parts = _segments(connection, prefix, release)
                points = [
                    _point(connection, prefix, release, size, parts, queries, each, runs, process) for each in ASKED
                ]
                held = max(0, resident_bytes(process) - before) if process else 0
            finally:
                index.drop()
            yield points, IndexSize("milvus", size, _code_size(release), held)
    finally:
        connection.close()


def _fill(index: MilvusIndex, catalogue: SyntheticCatalogue, images: int, places: int, progress: Progress) -> None:
    for start in range(0, images, _IMAGES_AT_ONCE):
        numbers = range(start, min(images, start + _IMAGES_AT_ONCE))
        about = {key_of(number): ImageFacts(location=_place(number % places)) for number in numbers}
        index.add_many({key_of(number): catalogue.image(number) for number in numbers}, about)
        progress("adding to Milvus", numbers.stop, images)


def _place(number: int) -> LatLng:
    return LatLng(0.5, 5.0 * number + 0.5)


def _segments(connection: MilvusConnection, prefix: str, release: ModelRelease) -> int:
    """How many segments a collection has, once query nodes hold all of them: before, they search what came in."""
    collection = Collections(connection).behind(alias_of(prefix, release.name))
    messages, dropped = connection.contract.milvus, connection.contract.common.SegmentState.Dropped
    deadline = time.monotonic() + _TIMEOUT
    while True:
        request = messages.GetPersistentSegmentInfoRequest(collectionName=collection)
        stored = connection.call("GetPersistentSegmentInfo", request, "tell its segments").infos
        wanted = {segment.segmentID for segment in stored if segment.num_rows and segment.state != dropped}
        request = messages.GetQuerySegmentInfoRequest(collectionName=collection)
        held = connection.call("GetQuerySegmentInfo", request, "tell its segments").infos
        if wanted and wanted <= {segment.segmentID for segment in held}:
            return len(wanted)
        if time.monotonic() > deadline:
            raise UnavailableError(f"Milvus did not load {len(wanted)} segments in {_TIMEOUT:.0f} s; try again")
        time.sleep(_PAUSE)


def _point(
    connection: MilvusConnection,
    prefix: str,
    release: ModelRelease,
    size: int,
    parts: int,
    queries: NDArray[np.float32],
    asked: Asked,
    runs: int,
    process: int | None,
) -> IndexPoint:
    index = MilvusIndex(connection, replace(release, index=replace(release.index, probes=asked.probes)), prefix=prefix)
    walls = []
    index.search(queries[: asked.descriptors], release.index.neighbours)
    client, server = time.process_time(), cpu_seconds([process]) if process else None
    for run in range(runs):
        rows = np.take(queries, range(run * asked.descriptors, (run + 1) * asked.descriptors), axis=0, mode="wrap")
        began = time.perf_counter()
        index.search(rows, release.index.neighbours)
        walls.append(time.perf_counter() - began)
    client = time.process_time() - client
    after = cpu_seconds([process]) if process else None
    lists = milvus_lists(size, parts)
    return IndexPoint(
        engine="milvus",
        descriptors=size,
        lists=lists,
        graph=False,
        code_size=_code_size(release),
        probes=asked.probes,
        query_descriptors=asked.descriptors,
        at_once=1,
        codes=round(min(asked.probes, lists) * size / parts / lists, 1),
        wall_ms=round(1e3 * statistics.median(walls), 4),
        cpu_ms=None if server is None or after is None else round(1e3 * (after - server) / runs, 4),
        client_ms=round(1e3 * client / runs, 4),
        parts=parts,
    )


def _code_size(release: ModelRelease) -> int:
    return IndexFactory.parse(release.index.factory).sub_quantizers
