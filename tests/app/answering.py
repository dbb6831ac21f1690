"""Answers as a server gives them, of a film whose geometry is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from steeple.app.found import Origin, StreamFound
from steeple.app.frames import Frame, FrameJudge
from steeple.cli.footage import RATE, Footage, Shot
from steeple.client import Answer, Candidate, Landmark, Timings
from steeple.delf.features import FeatureSet
from steeple.delf.homographies import Homography, mapped
from tests.scenes import scene

SIZE = (640, 480)
FILM_SIZE = (320, 240)
PICTURE = (480, 360)


def landmark(name: str = "a") -> Landmark:
    return Landmark(f"landmarks/{name}", name.upper())


def answer(
    *named: tuple[str, float],
    identified: bool = True,
    outline: NDArray[np.float32] | None = None,
    inliers: int = 30,
    query: NDArray[np.float32] | None = None,
    reference: NDArray[np.float32] | None = None,
) -> Answer:
    """Of candidates by id and confidence; only the first has points."""
    none = np.empty((0, 2), np.float32)
    candidates = tuple(
        Candidate(
            landmark=landmark(name),
            confidence=confidence,
            reference_image=f"landmarks/{name}/images/1",
            inliers=inliers,
            matches=2 * inliers,
            outline=none if outline is None else outline,
            query_points=none if query is None or number else query,
            reference_points=none if reference is None or number else reference,
        )
        for number, (name, confidence) in enumerate(named)
    )
    return Answer(identified and bool(named), candidates, "models/delf-lite2-v1", *SIZE, 1000, Timings(), 46_000)


UNKNOWN = answer()


def film(*seeds: int, seconds: float = 2.0) -> Footage:
    """A shot over a scene for each seed."""
    return Footage([Shot(scene(seed, *PICTURE), round(seconds * RATE), seed) for seed in seeds], FILM_SIZE)


def judged(footage: Footage, numbers: Iterable[int]) -> Iterator[Frame]:
    """The frames of a film, looked over; a frame's number is that of the film."""
    judge = FrameJudge()
    for number in numbers:
        frame = judge.judge(footage.frame(number), number / RATE, number / RATE)
        yield Frame(number, frame.pixels, frame.grey, frame.time, frame.arrived, frame.quality)


def matches(
    homography: Homography,
    seed: int,
    *,
    error: float = 4.0,
    picture: tuple[int, int] = (720, 540),
    size: tuple[int, int] = SIZE,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """float32[N, 2] twice: points of a frame and of the picture, which match but for an error in pixels."""
    random = np.random.default_rng(seed)
    reference = random.uniform((20, 20), np.subtract(picture, 20), (90, 2)).astype(np.float32)
    query = mapped(homography, reference) + random.normal(0.0, error, reference.shape)
    inside = ((query >= 0) & (query <= np.subtract(size, 1))).all(axis=1)
    return query[inside].astype(np.float32), reference[inside]


def features(points: NDArray[np.float32] | None = None, size: tuple[int, int] = SIZE) -> FeatureSet:
    """Features at the given places, all of one level."""
    points = np.zeros((1, 2), np.float32) if points is None else points
    count = len(points)
    return FeatureSet(
        "delf-lite2-v1",
        *size,
        np.ones((count, 40), np.int8),
        points,
        np.ones(count, np.float32),
        np.ones(count, np.float32),
    )


def found(
    footage: Footage, number: int, names: Sequence[str], *, origin: Origin = Origin.SERVER, confidence: float = 0.95
) -> tuple[StreamFound, FeatureSet]:
    """What a server would say of a frame of the film, whose shots show the landmarks of these names."""
    index, _ = footage.shot(number)
    query, reference = matches(footage.homography(number), number, error=2.0, picture=PICTURE, size=FILM_SIZE)
    said = answer((names[index], confidence), query=query, reference=reference, outline=query[:3])
    return StreamFound(number, said, origin), features(query, FILM_SIZE)
