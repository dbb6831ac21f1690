"""``steeple benchmark load``: what clients see of a server that is asked for more than it can do."""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Cell, Column, Output
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.cli.load_figures import LoadFigures
    from steeple.delf import FeatureSet, ModelRelease

_IDLE_QUERIES: Final = 40
_MEASURING_SECONDS: Final = 8.0
_MOST_BYTES: Final = 20 * 2**20
_FAILED: Final = 1


@dataclass(frozen=True)
class _Plan:
    clients: int
    seconds: float
    times: float
    shared_key: bool
    worst_photos: bool
    queue_delay_ms: float
    timeout: float


def load(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PHOTO", help="A catalogue of these photos, asked about itself; default: synthetic."),
    ] = None,
    clients: Annotated[int, typer.Option("--clients", metavar="N", min=1, help="Clients, each with its key.")] = 16,
    seconds: Annotated[float, typer.Option("--seconds", metavar="T", min=1, help="Of the run.")] = 60.0,
    times: Annotated[
        float, typer.Option("--times", metavar="R", min=0.01, help="Calls sent by those that can be answered.")
    ] = 2.0,
    images: Annotated[int, typer.Option("--images", metavar="N", min=20, help="Of a synthetic catalogue.")] = 100,
    shared_key: Annotated[bool, typer.Option("--shared-key", help="One key for all clients.")] = False,
    worst_photos: Annotated[
        bool, typer.Option("--worst-photos", help="One more client sends photos of as many pixels as are taken.")
    ] = False,
    queue_delay_ms: Annotated[
        float, typer.Option("--queue-delay-ms", metavar="MS", min=1, help="The server's max_queue_delay_ms.")
    ] = 1000.0,
    timeout: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Of each call.")] = 10.0,
    model: Annotated[str, typer.Option("--model", metavar="NAME|DIR", help="Release to serve.")] = DEFAULT_MODEL,
    json: JsonOption = False,
) -> None:
    """Overload a server of its own, and see who is answered, how fast, and what that does to its memory.

    First single queries are timed, then the rate at which the server answers with all threads busy. Then the clients
    send R times as many, at random times, whatever becomes of them. Latencies count from when a call was due. The
    clients send features that were made beforehand, but they run on the same machine: the processors that they keep
    busy are told, and are missing to the server.

    Exits with 1 if a bar is not reached: no error but RESOURCE_EXHAUSTED and DEADLINE_EXCEEDED, the 99th percentile of
    accepted calls at most 3 times the idle median plus the queue delay, memory that grows by less than 1 MB a minute.

    \b
    Examples:
      steeple benchmark load
      steeple benchmark load --seconds 300 --worst-photos --json
      steeple benchmark load photos/ --clients 4 --times 1.5 --shared-key
    """
    from steeple.delf import ModelRelease

    output = Output(as_json=json)
    release = ModelRelease.load(model)
    gallery, queries = _from_photos(photos, release, output) if photos else _synthetic(release, images)
    plan = _Plan(clients, seconds, times, shared_key, worst_photos, queue_delay_ms, timeout)
    with tempfile.TemporaryDirectory(prefix="steeple-benchmark-") as folder:
        figures = _measured(plan, Path(folder), release, gallery, queries, output)
    output.document({"settings": asdict(plan), **asdict(figures), "passed": figures.passed})
    _print(output, plan, figures)
    if not figures.passed:
        raise typer.Exit(_FAILED)


def _synthetic(release: ModelRelease, images: int) -> tuple[list[FeatureSet], list[FeatureSet]]:
    """Images of a catalogue, and queries of which half show one."""
    from steeple.server.scale.photos import SyntheticPhotos
    from steeple.server.scale.synthetic import SyntheticCatalogue

    photos = SyntheticPhotos(release.name, SyntheticCatalogue(release).image, images)
    queries = [photos.query(number, planted=number % 2 == 0).features for number in range(64)]
    return [photos.photo(number) for number in range(images)], queries


def _from_photos(
    paths: Sequence[Path], release: ModelRelease, output: Output
) -> tuple[list[FeatureSet], list[FeatureSet]]:
    from steeple.cli.photo_files import find_photos
    from steeple.delf import Extractor
    from steeple.delf.image import read_image

    found = list(find_photos(paths))
    if not found:
        raise InvalidArgumentError("there are no photos to make a catalogue of")
    extractor, features = Extractor(release), []
    with output.progress("extracting", len(found)) as done:
        for path in found:
            features.append(extractor.extract(read_image(path)))
            done.advance(path.name)
    return features, features


def _measured(
    plan: _Plan,
    folder: Path,
    release: ModelRelease,
    gallery: Sequence[FeatureSet],
    queries: Sequence[FeatureSet],
    output: Output,
) -> LoadFigures:
    from steeple.cli.local_server import local_server
    from steeple.client import Client
    from steeple.delf import wire
    from steeple.server.data_dir import LOCK
    from steeple.v1.visual_search_service_pb2 import IdentifyRequest, Query

    data_dir = folder / "data"
    admin, *keys = _keys(data_dir, plan)
    flags = ["--access", "keys", "--model", str(release.path), "--max-queue-delay-ms", str(plan.queue_delay_ms)]
    with local_server(data_dir, folder / "server.log", *flags) as address:
        with Client(address, key=admin) as client, output.progress("filling", len(gallery)) as done:
            client.wait_until_ready()
            for number, features in enumerate(gallery):
                landmark = client.create_landmark(f"Landmark {number}", landmark_id=f"landmark-{number}")
                client.add_reference_image(landmark, features)
                done.advance("")
        requests = [IdentifyRequest(query=Query(features=wire.pack(each))).SerializeToString() for each in queries]
        photo = IdentifyRequest(query=Query(image=_worst_photo())).SerializeToString() if plan.worst_photos else None
        pid = int((data_dir / LOCK).read_text("ascii"))
        return asyncio.run(_run(plan, address, keys, requests, photo, pid, output))


def _keys(data_dir: Path, plan: _Plan) -> list[str]:
    """Secrets: an admin's, one a client, and one for the worst photos if they are sent."""
    from steeple.server.access import KeyStore, Scope
    from steeple.server.catalogue import Catalogue
    from steeple.server.settings import catalogue_file_url

    # As it is, without the user's own settings: those may name the database of the user's own server.
    url = catalogue_file_url(data_dir.absolute())
    with Catalogue.open(url) as catalogue:
        store = KeyStore(catalogue.database)
        devices = 1 if plan.shared_key else plan.clients
        made = [store.create(f"client {number}", Scope.DEVICE).secret for number in range(devices)]
        keys = made * plan.clients if plan.shared_key else made
        worst = [store.create("worst photos", Scope.DEVICE).secret] if plan.worst_photos else []
        return [store.create("admin", Scope.ADMIN).secret, *keys, *worst]


def _worst_photo() -> bytes:
    """A JPEG file of as many pixels as are taken, full of things to see."""
    import cv2
    import numpy as np

    from steeple.delf.image import MAX_PIXELS

    side = math.isqrt(MAX_PIXELS)
    coarse = np.random.default_rng(0).integers(0, 256, (side // 16, side // 16, 3), np.uint8)
    pixels = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    for quality in (90, 60, 30):
        _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if encoded.size <= _MOST_BYTES:
            break
    return bytes(encoded.tobytes())


async def _run(
    plan: _Plan,
    address: str,
    keys: Sequence[str],
    requests: Sequence[bytes],
    photo: bytes | None,
    pid: int,
    output: Output,
) -> LoadFigures:
    from steeple.cli.load_clients import Clients, ProcessWatch
    from steeple.cli.load_figures import Sent, figures
    from steeple.server.settings import Settings

    workers = Settings.model_construct().workers
    watch = ProcessWatch(pid)
    async with (
        Clients(address, keys[: plan.clients], requests, plan.timeout) as clients,
        Clients(address, keys[plan.clients :], requests, plan.timeout) as stranger,
    ):
        output.note("timing single queries, then all threads busy")
        measuring = min(plan.seconds, _MEASURING_SECONDS)
        await clients.one_by_one(_IDLE_QUERIES // 4, measuring)  # what is loaded at first use is loaded
        idle = await clients.one_by_one(_IDLE_QUERIES, measuring)
        capacity = await clients.capacity(2 * workers, measuring)
        output.note(f"{capacity:.1f} queries a second; {plan.times:g} times as many for {plan.seconds:g} s")
        watching = asyncio.create_task(watch.watch())
        server_before, own_before, began = watch.cpu_seconds(), time.process_time(), time.perf_counter()
        sending = [clients.at_rate(plan.times * capacity, plan.seconds)]
        if photo is not None:
            sending.append(stranger.all_it_can(photo, plan.seconds))
        sent = [*await asyncio.gather(*sending), list[Sent]()]
        took = time.perf_counter() - began
        server_after = watch.cpu_seconds()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    busy = None if server_after is None or server_before is None else round((server_after - server_before) / took, 2)
    return figures(
        sent[0],
        sent[1],
        watch.memory,
        idle_seconds=idle,
        capacity=capacity,
        seconds=plan.seconds,
        clients=plan.clients,
        queue_delay_ms=plan.queue_delay_ms,
        server_cpu=busy,
        load_cpu=(time.process_time() - own_before) / took,
    )


def _print(output: Output, plan: _Plan, found: LoadFigures) -> None:
    def text(value: float | None, unit: str = "") -> str:
        return "not known" if value is None else f"{value:g}{unit}"

    def counted(statuses: dict[str, int]) -> str:
        return ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))

    output.facts(
        [
            ("idle", f"p50 {found.idle_p50_ms:g} ms, {found.capacity:g} queries a second with all threads busy"),
            ("sent", f"{found.offered:g} a second for {plan.seconds:g} s by {plan.clients} clients"),
            ("answered", f"{found.accepted:g} a second; {found.fewest} to {found.most} to a client"),
            ("latency", f"p50 {text(found.p50_ms)}, p90 {text(found.p90_ms)}, p99 {text(found.p99_ms)} ms"),
            ("statuses", counted(found.statuses)),
            ("worst photos", counted(found.worst)),
            ("processors", f"{text(found.server_cpu)} by the server, {found.load_cpu:g} by the clients"),
        ]
    )
    output.table(
        (Column("bar"), Column("measured", "right"), Column("at most", "right"), Column("")),
        [
            (
                bar.name,
                text(bar.value),
                f"{bar.most:g}",
                Cell("reached", "green") if bar.passed else Cell("missed", "bold red"),
            )
            for bar in found.bars
        ],
    )
