"""Measures one query, stage by stage, beside runs that show what its parts cost by themselves."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from steeple.cli.timeline import Lane, Stage
from steeple.client import Client
from steeple.delf import pyramid
from steeple.delf.extractor import Extractor
from steeple.delf.image import read_image
from steeple.delf.network import Network
from steeple.delf.release import ModelRelease

_WARM_UPS: Final = 2


STAGES: Final = {
    "decode": "decode",
    "extract": "extract (decode included)",
    "network_alone": "  reference: network alone",
    "round_trip": "round trip",
    "search": "  search, on the server",
    "verify": "  verify, on the server",
    "server_total": "  all, on the server",
    "empty_round_trip": "  reference: empty call",
    "photo_to_answer": "photo to answer",
}
"""What is timed, in the order of a report, and what it is called there.

decode: encoded bytes to pixels. extract: encoded bytes to features, on one thread. network_alone: the network by
itself on the pyramid's levels, ready in memory. round_trip: features sent to answer received. empty_round_trip: a
GetModel call, which carries next to nothing. photo_to_answer: extraction and round trip in one call of the SDK.
"""


@dataclass(frozen=True)
class Spread:
    """Milliseconds over the runs.

    Attributes:
        median: What to expect.
        fastest: What it takes when nothing else runs on the machine.
    """

    median: float
    fastest: float


@dataclass(frozen=True)
class Measurement:
    """What a query with one photo costs.

    Attributes:
        photo: Its name.
        width: Pixels.
        height: Pixels.
        feature_count: Features extracted.
        photo_bytes: Of the encoded photo.
        request_bytes: Of the request that carries its features.
        milliseconds: Of each of :data:`STAGES`.
    """

    photo: str
    width: int
    height: int
    feature_count: int
    photo_bytes: int
    request_bytes: int
    milliseconds: dict[str, Spread]


def measure(client: Client, name: str, photo: bytes, runs: int, on_run: Callable[[], None]) -> Measurement:
    """Measures a photo.

    The stages take turns, so that whatever else the machine does meets all of them alike.

    Args:
        client: Of a server that is ready.
        name: Of the photo.
        photo: Encoded.
        runs: Counted, after a few that are not.
        on_run: Called after each.
    """
    extractor = Extractor()
    network = _pyramid_runs(extractor.release, photo)
    model = extractor.release.name
    times: dict[str, list[float]] = {}
    with _one_opencv_thread():
        for run in range(-_WARM_UPS, runs):
            taken = {
                "decode": _timed(lambda: read_image(photo)),
                "extract": _timed(lambda: extractor.extract(photo)),
                "network_alone": _timed(network),
                "empty_round_trip": _timed(lambda: client.get_model(model)),
            }
            features = extractor.extract(photo)
            timings = client.identify(features).timings
            taken |= {
                "round_trip": timings.round_trip or 0.0,
                "search": timings.search or 0.0,
                "verify": timings.verify or 0.0,
                "server_total": timings.total or 0.0,
                "photo_to_answer": _timed(lambda: client.identify(photo)),
            }
            if run >= 0:
                for stage, milliseconds in taken.items():
                    times.setdefault(stage, []).append(milliseconds)
            on_run()
    answer = client.identify(photo)
    return Measurement(
        photo=name,
        width=answer.width,
        height=answer.height,
        feature_count=answer.feature_count,
        photo_bytes=len(photo),
        request_bytes=answer.request_bytes,
        milliseconds={
            stage: Spread(round(statistics.median(times[stage]), 3), round(min(times[stage]), 3)) for stage in STAGES
        },
    )


def runs_of(photos: Sequence[object], runs: int) -> int:
    """How often :func:`measure` calls ``on_run`` for all photos."""
    return len(photos) * (runs + _WARM_UPS)


def stages(measurements: Sequence[Measurement]) -> list[Lane]:
    """What each photo's query consists of, one stage after the other, as medians."""
    device, way, server = "on the device", "on the way", "on the server"
    lanes = []
    for each in measurements:
        took = {stage: spread.median for stage, spread in each.milliseconds.items()}
        parts = [
            Stage("decode", took["decode"], device),
            Stage("network", took["network_alone"], device),
            Stage("rest of extraction", took["extract"] - took["decode"] - took["network_alone"], device),
            Stage("to the server and back", took["round_trip"] - took["server_total"], way),
            Stage("search", took["search"], server),
            Stage("votes and verification", took["verify"], server),
            Stage("rest on the server", took["server_total"] - took["search"] - took["verify"], server),
        ]
        # Of medians, which were taken apart: a small rest may come out below nothing.
        sent = f"{each.feature_count} features in {each.request_bytes:,} B"
        title = f"{Path(each.photo).name}: {each.width}x{each.height}, {sent}"
        lanes.append(Lane(title, [replace(part, milliseconds=max(0.0, part.milliseconds)) for part in parts]))
    return lanes


def vga(photo: bytes) -> bytes:
    """The middle of a photo as a 640x480 JPEG."""
    image = read_image(photo)
    height, width = image.shape[:2]
    side = min(width // 4, height // 3)
    x, y = (width - 4 * side) // 2, (height - 3 * side) // 2
    cropped = image[y : y + 3 * side, x : x + 4 * side]
    resized = cv2.resize(cropped, (640, 480), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", resized[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return encoded.tobytes()


def _pyramid_runs(release: ModelRelease, photo: bytes) -> Callable[[], None]:
    """Runs the network over the photo's pyramid; a network a level, so that none is resized."""
    image = read_image(photo)
    levels = pyramid.levels(image.shape[1], image.shape[0], release.extraction)
    pairs = [(Network(release.network_path), np.ascontiguousarray(pixels)) for pixels in pyramid.resized(image, levels)]

    def run() -> None:
        for network, pixels in pairs:
            network(pixels)

    return run


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
