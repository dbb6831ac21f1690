"""Plays a film to the live loop, and measures what it shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from steeple.app.found import StreamSearcher
from steeple.app.live import LiveSession, LiveView
from steeple.app.pace import Effort, Pace, extractors_of
from steeple.app.video import Video
from steeple.cli.footage import Footage
from steeple.client import Client
from steeple.delf import ModelRelease
from steeple.delf.homographies import clipped, inverse, mapped

SETTLING_SECONDS: Final = 1.0
"""Of a shot that count neither for nor against: nothing can be named before an answer came."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A view, and the frame that it is of.

    Attributes:
        number: Of the frame in the film, which goes on counting when the film begins again.
        seconds: From the frame's offer to the view.
        view: What was shown.
        newly_answered: Whether an answer came with it.
    """

    number: int
    seconds: float
    view: LiveView
    newly_answered: bool


@dataclass(frozen=True)
class Run:
    """What was counted while a film played.

    Attributes:
        seconds: That it took.
        frames: That the camera gave.
        dropped: Of those, that were not looked at.
        offer_seconds: The longest that the camera was kept.
        app_cpu_seconds: Processor time of app and camera.
        server_cpu_seconds: Of the server; None where that is not known.
    """

    seconds: float
    frames: int
    dropped: int
    offer_seconds: float
    app_cpu_seconds: float
    server_cpu_seconds: float | None


@dataclass(frozen=True)
class LiveFigures:
    """What a run of the live loop amounts to; None for what nothing tells.

    Attributes:
        seconds: Of the run.
        frames: That the camera gave.
        dropped: Of those, that newer ones replaced before they were looked at.
        answers: That came.
        answers_per_second: On average.
        latency_p50_ms: From the offer of a frame to the view with its answer.
        latency_p90_ms: The same.
        view_p90_ms: From the offer of a frame to its view.
        offer_max_ms: The longest that the camera was kept.
        named: Share of the views, but for the first second of each shot, with the right name.
        wrongly_named: The same with a wrong one.
        seconds_to_name: From the beginning of a shot to its name, median.
        outlined: Share of the rightly named views that have an outline.
        outline_p50_px: Mean error of an outline's corners in a view, pixels of the frame.
        outline_p90_px: The same.
        between_p50_px: The same, of views that no answer came with.
        between_p90_px: The same.
        levels: Pyramid levels that frames were looked at on, at the end.
        threads: Of the network, at the end.
        app_cpu: Processors that app and camera kept busy, on average.
        server_cpu: Processors that the server kept busy; None where that is not known.
    """

    seconds: float
    frames: int
    dropped: int
    answers: int
    answers_per_second: float
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    view_p90_ms: float | None
    offer_max_ms: float
    named: float | None
    wrongly_named: float | None
    seconds_to_name: float | None
    outlined: float | None
    outline_p50_px: float | None
    outline_p90_px: float | None
    between_p50_px: float | None
    between_p90_px: float | None
    levels: tuple[float, ...]
    threads: int
    app_cpu: float
    server_cpu: float | None


def play(
    searcher: StreamSearcher,
    film: Path,
    footage: Footage,
    landmarks: Sequence[str],
    pace: Pace,
    release: ModelRelease,
    seconds: float,
    server_cpu_seconds: Callable[[], float | None],
    on_frame: Callable[[], None],
) -> LiveFigures:
    """Plays a film in real time, again and again.

    Args:
        searcher: Who answers.
        film: That ``footage`` wrote.
        footage: Says what is where in it.
        landmarks: Resource name of the landmark that each shot shows.
        pace: Of the loop.
        release: To extract with.
        seconds: Of the run.
        server_cpu_seconds: That the server has used so far; None if that is not known.
        on_frame: Called after each frame.
    """
    turn = threading.Lock()
    offered: dict[float, int] = {}
    seen: list[Seen] = []
    answers = 0

    def on_view(view: LiveView) -> None:
        nonlocal answers
        now = time.monotonic()
        with turn:
            number = offered.get(view.time)
            if number is not None:
                seen.append(Seen(number, now - view.time, view, view.answers > answers))
            answers = view.answers

    session = LiveSession(
        searcher,
        extractors_of(release),
        pace=pace,
        on_view=on_view,
        stride=release.extraction.stride,
    )
    session.start()
    slowest = 0.0
    began, own_before, server_before = time.monotonic(), time.process_time(), server_cpu_seconds()
    try:
        for number, frame in Video(film).frames(lambda: time.monotonic() - began >= seconds):
            now = time.monotonic()
            with turn:
                offered[now] = number
            session.offer(frame, now)
            slowest = max(slowest, time.monotonic() - now)
            on_frame()
    finally:
        took, own_after, server_after = time.monotonic() - began, time.process_time(), server_cpu_seconds()
        session.close()
    used = None if server_before is None or server_after is None else server_after - server_before
    run = Run(took, len(offered), session.dropped_frames, slowest, own_after - own_before, used)
    return figures(seen, footage, landmarks, run, pace.effort)


def figures(
    seen: Sequence[Seen],
    footage: Footage,
    landmarks: Sequence[str],
    run: Run,
    effort: Effort,
) -> LiveFigures:
    """What a run amounts to.

    Args:
        seen: Its views.
        footage: Says what is where.
        landmarks: Resource name of the landmark that each shot shows.
        run: What was counted.
        effort: At its end.
    """
    answered = [each.view.latency_ms for each in seen if each.newly_answered and each.view.latency_ms is not None]
    settled = [each for each in seen if footage.shot(each.number)[1] >= SETTLING_SECONDS * footage.rate]
    right = [each for each in settled if _name(each) == landmarks[footage.shot(each.number)[0]]]
    wrong = [each for each in settled if _name(each) not in (None, landmarks[footage.shot(each.number)[0]])]
    errors = [(each, error) for each in right if (error := outline_error(each, footage)) is not None]
    between = [error for each, error in errors if not each.newly_answered]
    return LiveFigures(
        seconds=round(run.seconds, 2),
        frames=run.frames,
        dropped=run.dropped,
        answers=len(answered),
        answers_per_second=round(len(answered) / run.seconds, 2),
        latency_p50_ms=_quantile(answered, 0.5),
        latency_p90_ms=_quantile(answered, 0.9),
        view_p90_ms=_quantile([1e3 * each.seconds for each in seen if not each.newly_answered], 0.9),
        offer_max_ms=round(1e3 * run.offer_seconds, 3),
        named=_share(len(right), len(settled)),
        wrongly_named=_share(len(wrong), len(settled)),
        seconds_to_name=_quantile(_times_to_name(seen, footage, landmarks), 0.5),
        outlined=_share(len(errors), len(right)),
        outline_p50_px=_quantile([error for _, error in errors], 0.5),
        outline_p90_px=_quantile([error for _, error in errors], 0.9),
        between_p50_px=_quantile(between, 0.5),
        between_p90_px=_quantile(between, 0.9),
        levels=effort.pyramid_scales,
        threads=effort.threads,
        app_cpu=round(run.app_cpu_seconds / run.seconds, 2),
        server_cpu=None if run.server_cpu_seconds is None else round(run.server_cpu_seconds / run.seconds, 2),
    )


def outline_error(seen: Seen, footage: Footage) -> float | None:
    """Mean distance of an outline's corners within the frame from where they belong, pixels; None without one."""
    view = seen.view
    if view.outline is None or view.homography is None:
        return None
    corners = clipped(view.outline, footage.size)
    if not len(corners):
        return None
    belong = mapped(footage.homography(seen.number), mapped(inverse(view.homography), corners))
    return float(np.linalg.norm(belong - corners, axis=1).mean())


def _times_to_name(seen: Sequence[Seen], footage: Footage, landmarks: Sequence[str]) -> list[float]:
    """Seconds of each shot, each time that it was played, before it had its name."""
    first: dict[int, float] = {}
    for each in seen:
        index, within = footage.shot(each.number)
        if _name(each) == landmarks[index]:
            first.setdefault(each.number - within, within / footage.rate)
    return list(first.values())


def _name(seen: Seen) -> str | None:
    answer = seen.view.answer
    return None if seen.view.confidence is None or answer is None else answer.candidates[0].landmark.name


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _quantile(values: Sequence[float], share: float) -> float | None:
    return round(float(np.quantile(values, share)), 3) if values else None


def landmarks_of(client: Client, pictures: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]) -> list[str]:
    """Resource names of new landmarks, one a picture, each with it as its reference image."""
    names = []
    for number, (title, picture) in enumerate(pictures.items(), start=1):
        landmark = client.create_landmark(title, landmark_id=f"landmark-{number}")
        client.add_reference_image(landmark, picture)
        names.append(landmark.name)
    return names
