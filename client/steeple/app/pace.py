"""How much is done for a frame, and how often: by a budget of latency, and by battery and heat."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import InvalidArgumentError

MOST_THREADS: Final = 4
"""Of the network: more cores than a phone has fast ones make it slower."""

LOW_BATTERY: Final = 0.2
"""Charge below which less is done, unless the device is plugged in."""

WARM: Final = 0.5
"""Heat from which less is done."""

HOT: Final = 0.8
"""Heat from which as little is done as possible."""

_ROUND_TRIP_MS: Final = 100.0  # that is assumed before one was measured
_NEWEST_WEIGHS: Final = 0.3
_MOST: Final = 0.95  # of the budget: if answers take longer, less is done
_ROOM: Final = 0.75  # of the budget: more is done only if that is expected to stay below
_LEAST_SAVING: Final = 0.05  # of the budget: less is done only if that saves so much time
_SETTLING: Final = 6  # answers between two changes
_WORTH: Final = 0.85  # of the time with fewer threads that more must take, at most
_SAVING_SECONDS: Final = 0.4
_HOT_SECONDS: Final = 1.0
_SAVING_FRAMES: Final = 1 / 15


class FeatureExtractor(Protocol):
    """What :class:`steeple.delf.Extractor` does for a frame."""

    def extract(self, photo: NDArray[np.uint8]) -> FeatureSet:
        """The local features of a frame, uint8[H, W, 3] in RGB."""
        ...


@dataclass(frozen=True)
class Effort:
    """What is spent on a frame.

    Attributes:
        pyramid_scales: Levels of the release's pyramid that are looked at, largest first.
        threads: Of the network.
    """

    pyramid_scales: tuple[float, ...]
    threads: int

    @property
    def cost(self) -> float:
        """What it takes on one thread, beside a single level of full size."""
        return sum(scale * scale for scale in self.pyramid_scales)


ExtractorFactory: TypeAlias = Callable[[Effort], FeatureExtractor]
"""Makes an extractor; called on the thread that uses it."""


@dataclass(frozen=True)
class Conditions:
    """What the device says of itself; None for what it does not tell.

    Attributes:
        battery: Charge, 0 to 1.
        charging: Whether it is plugged in.
        heat: 0 (cool) to 1 (about to be throttled hard).
    """

    battery: float | None = None
    charging: bool | None = None
    heat: float | None = None


def extractors_of(release: ModelRelease) -> ExtractorFactory:
    """Makes extractors of a release, with the levels and threads of an effort in place of its own.

    The levels are some of the release's, so keypoints lie on its cells, as short queries code them.
    """

    def make(effort: Effort) -> FeatureExtractor:
        # Not at the top: it loads a TFLite runtime, which a session needs when it begins.
        from steeple.delf.extractor import Extractor  # noqa: PLC0415

        extraction = replace(release.extraction, pyramid_scales=effort.pyramid_scales)
        return Extractor(replace(release, extraction=extraction), threads=effort.threads)

    return make


def efforts(pyramid_scales: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
    """Levels of a pyramid that may be looked at: the most first, each some two thirds of the cost of the last."""
    chosen = [pyramid_scales, pyramid_scales[::2], pyramid_scales[1::2], pyramid_scales[2::2], pyramid_scales[3::2]]
    return tuple(levels for levels in chosen if levels)


class Pace:
    """Chooses the effort for a frame, and when the next is due. Thread safe.

    Args:
        pyramid_scales: Of the model release, largest first.
        budget_ms: From a frame to its answer, at most, if it can be had.
        threads: Of the network, at most; None: as many as there are processors, up to :data:`MOST_THREADS`.

    Raises:
        InvalidArgumentError: If there are no levels, or a number is not positive.
    """

    def __init__(
        self, pyramid_scales: tuple[float, ...], *, budget_ms: float = 300.0, threads: int | None = None
    ) -> None:
        if not pyramid_scales or not budget_ms > 0 or (threads is not None and threads < 1):
            raise InvalidArgumentError("a pace takes levels, a positive budget, and one thread or more")
        self._ladder = efforts(pyramid_scales)
        self._budget = budget_ms
        self._most_threads = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._turn = threading.Lock()
        self._conditions = Conditions()
        self._rung = 0
        self._threads = 1
        self._extract_ms: float | None = None
        self._round_trip_ms = _ROUND_TRIP_MS
        self._latency_ms: float | None = None
        self._measured = 0

    @property
    def effort(self) -> Effort:
        """For the next frame."""
        with self._turn:
            rung, threads = self._rung, self._threads
            heat = self._conditions.heat or 0.0
            if heat >= HOT:
                rung, threads = len(self._ladder) - 1, 1
            elif heat >= WARM or self._saving():
                rung = min(len(self._ladder) - 1, rung + 1)
            return Effort(self._ladder[rung], threads)

    @property
    def least_seconds(self) -> float:
        """Between two frames that are searched with, at least."""
        with self._turn:
            if (self._conditions.heat or 0.0) >= HOT:
                return _HOT_SECONDS
            return _SAVING_SECONDS if self._saving() or (self._conditions.heat or 0.0) >= WARM else 0.0

    @property
    def frame_seconds(self) -> float:
        """Between two frames that are looked at and followed, at least."""
        with self._turn:
            return _SAVING_FRAMES if self._saving() or (self._conditions.heat or 0.0) >= WARM else 0.0

    def under(self, conditions: Conditions) -> None:
        """Goes by what the device says of itself from now on."""
        with self._turn:
            self._conditions = conditions

    def calibrate(self, make: ExtractorFactory, frame: NDArray[np.uint8]) -> FeatureExtractor:
        """Measures this device with a frame of its camera, and chooses threads and levels by it.

        Args:
            make: Of extractors.
            frame: uint8[H, W, 3], RGB.

        Returns:
            An extractor of :attr:`effort`.
        """
        middle = self._ladder[min(len(self._ladder) - 1, 1)]
        timed: list[tuple[float, int, FeatureExtractor]] = []
        threads = 1
        while threads <= self._most_threads:
            extractor = make(Effort(middle, threads))
            extractor.extract(frame)  # plans its memory
            taken = min(_timed(lambda: extractor.extract(frame)) for _ in range(2))  # noqa: B023 - called at once
            timed.append((taken, threads, extractor))
            if len(timed) > 1 and taken > _WORTH * timed[-2][0]:
                timed.pop()
                break
            threads *= 2
        self.measured(Effort(middle, timed[-1][1]), [taken for taken, _, _ in timed])
        chosen = self.effort
        for _, count, extractor in timed:
            if chosen == Effort(middle, count):
                return extractor
        return make(chosen)

    def measured(self, effort: Effort, extract_ms: list[float]) -> None:
        """Chooses by what extraction takes: as few threads and as many levels as the budget allows.

        Args:
            effort: That was measured, with the most threads that are of use.
            extract_ms: Milliseconds with one thread, two, four and so on.
        """
        with self._turn:
            room = _ROOM * self._budget - self._round_trip_ms
            for rung, levels in enumerate(self._ladder):
                factor = Effort(levels, 1).cost / effort.cost
                for doublings, taken in enumerate(extract_ms):
                    self._rung, self._threads, self._extract_ms = rung, 2**doublings, taken * factor
                    if taken * factor <= room:
                        return

    def extracted(self, effort: Effort, milliseconds: float) -> None:
        """A frame took so long to extract."""
        with self._turn:
            if effort.pyramid_scales == self._ladder[self._rung]:
                before = self._extract_ms
                self._extract_ms = milliseconds if before is None else _mixed(before, milliseconds)

    def answered(self, round_trip_ms: float, latency_ms: float) -> None:
        """A frame was answered. May change the effort.

        Args:
            round_trip_ms: From sending its features to the answer.
            latency_ms: From the frame's arrival to the answer.
        """
        with self._turn:
            self._round_trip_ms = _mixed(self._round_trip_ms, round_trip_ms)
            self._latency_ms = latency_ms if self._latency_ms is None else _mixed(self._latency_ms, latency_ms)
            self._measured += 1
            if self._extract_ms is None or self._measured < _SETTLING:
                return
            if self._latency_ms > _MOST * self._budget:
                # Where the network is slow, doing less would cost answers and gain no time.
                following = min(self._rung + 1, len(self._ladder) - 1)
                if self._extract_ms - self._expected(following) >= _LEAST_SAVING * self._budget:
                    self._step(1)
            elif self._rung:
                more = self._expected(self._rung - 1) - self._extract_ms
                if self._latency_ms + more < _ROOM * self._budget:
                    self._step(-1)

    def wait_after_sending(self) -> float:
        """Seconds after features were sent, from which the next frame is to be extracted.

        Its features are then ready when the ones before are answered, and neither waits for the other.
        """
        with self._turn:
            return max(0.0, self._round_trip_ms - (self._extract_ms or 0.0)) / 1e3

    def _expected(self, rung: int) -> float:
        costs = [Effort(self._ladder[which], 1).cost for which in (rung, self._rung)]
        return (self._extract_ms or 0.0) * costs[0] / costs[1]

    def _step(self, by: int) -> None:
        rung = min(len(self._ladder) - 1, max(0, self._rung + by))
        if rung != self._rung:
            self._extract_ms = self._expected(rung)
            self._rung, self._latency_ms, self._measured = rung, None, 0

    def _saving(self) -> bool:
        battery = self._conditions.battery
        return battery is not None and battery < LOW_BATTERY and not self._conditions.charging


def _mixed(before: float, newest: float) -> float:
    return (1.0 - _NEWEST_WEIGHS) * before + _NEWEST_WEIGHS * newest


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3
