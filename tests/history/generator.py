"""What clients will ask and what will befall the server: all of it from one seed."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.delf.release import DEFAULT_RELEASE
from tests.history.operations import REPEAT

LANDMARKS: Final = tuple(f"landmark-{number}" for number in range(8))
IMAGES: Final = ("a", "b", "c")
VARIANTS: Final = 2
DESCRIPTORS: Final = 200

_WEIGHTS: Final = {
    "CreateLandmark": 4,
    "UpdateLandmark": 13,
    "DeleteLandmark": 2,
    "UndeleteLandmark": 5,
    "CreateReferenceImage": 18,
    "DeleteReferenceImage": 12,
    "UndeleteReferenceImage": 7,
    "BatchDeleteReferenceImages": 3,
    "Identify": 22,
    "GetLandmark": 4,
    "GetReferenceImage": 3,
    "ListReferenceImages": 4,
    "ListLandmarks": 2,
    REPEAT: 4,
}
_SPEAK_OF_AN_IMAGE: Final = {"DeleteReferenceImage", "UndeleteReferenceImage", "GetReferenceImage"}
_SPEAK_OF_A_CONTENT: Final = {"CreateReferenceImage", "Identify"}


@dataclass(frozen=True)
class Step:
    """What a client does next.

    Attributes:
        action: The method's name.
        arguments: As :class:`~tests.history.operations.Operation` has them.
        request_id: A UUID.
        match: Whether the change is to be of the landmark as the client has last seen it (an etag).
        persistent: Whether the request is sent again if its answer is lost.
        twice: Whether the request is sent twice at once, as a client may that is too quick to repeat it.
    """

    action: str
    arguments: Mapping[str, Any]
    request_id: str
    match: bool
    persistent: bool
    twice: bool = False


class Signal(StrEnum):
    """How a server ends."""

    KILL = "SIGKILL"
    TERMINATE = "SIGTERM"


class Damage(StrEnum):
    """What befalls the saved index while no server runs."""

    NONE = "nothing"
    TRUNCATE = "a file truncated"
    FLIP = "a bit flipped"
    DELETE = "a file deleted"
    OLDER_FILE = "a file of an older copy"
    OLDER = "an older copy of all files"


@dataclass(frozen=True)
class Life:
    """Of one server process.

    Attributes:
        hurried: Whether what waits in a server (saving, merging, making the index anew) happens all the time.
        seconds: From its being ready to its end; from its start, if it ends before it is ready.
        ready: Whether it gets ready.
        signal: That ends it.
        patience: Seconds after a SIGTERM until a SIGKILL; None: as long as it takes.
        damage: Afterwards.
        chance: Seed of where the damage is.
        examined: Whether the saved index is compared with the catalogue afterwards, on a copy.
    """

    hurried: bool
    seconds: float
    ready: bool
    signal: Signal
    patience: float | None
    damage: Damage
    chance: int
    examined: bool


def steps(seed: int, client: int, landmarks: Sequence[str] = LANDMARKS) -> Iterator[Step]:
    """What a client does, to some of the landmarks, without end."""
    chance = random.Random(f"{seed}/client {client}")  # noqa: S311 - no secret
    actions, weights = zip(*_WEIGHTS.items(), strict=True)
    for number in itertools.count():
        (action,) = chance.choices(actions, weights)
        arguments: dict[str, Any] = {"landmark": chance.choice(landmarks)}
        if action == "CreateLandmark":
            arguments["display_name"] = f"of {client}, {number}"
        elif action == "UpdateLandmark":
            arguments |= {"display_name": f"of {client}, {number}"} if chance.random() < 0.6 else {}
            arguments |= {"active": chance.random() < 0.8} if len(arguments) == 1 or chance.random() < 0.3 else {}
        elif action == "DeleteLandmark":
            arguments["force"] = chance.random() < 0.6
        elif action == "BatchDeleteReferenceImages":
            arguments["images"] = chance.sample(IMAGES, 2)
        elif action in _SPEAK_OF_AN_IMAGE | _SPEAK_OF_A_CONTENT:
            arguments["image"] = chance.choice(IMAGES)
            if action in _SPEAK_OF_A_CONTENT:
                arguments["variant"] = int(chance.random() < 0.25)  # so that searches often meet what is there
        request_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        match, persistent, twice = chance.random() < 0.3, chance.random() < 0.8, chance.random() < 0.1
        yield Step(action, arguments, request_id, match, persistent, twice)


def lives(seed: int) -> Iterator[Life]:
    """What befalls the server, without end."""
    chance = random.Random(f"{seed}/server")  # noqa: S311 - no secret
    for number in itertools.count():
        ready = number == 0 or chance.random() < 0.85
        yield Life(
            hurried=chance.random() < 0.6,
            seconds=chance.uniform(0.3, 5.0) if ready else chance.uniform(0.0, 2.5),
            ready=ready,
            signal=Signal.TERMINATE if chance.random() < 0.35 else Signal.KILL,
            patience=chance.uniform(0.0, 0.5) if chance.random() < 0.4 else None,
            damage=chance.choice(list(Damage)[1:]) if chance.random() < 0.5 else Damage.NONE,
            chance=chance.getrandbits(32),
            examined=number % 4 == 3,
        )


def retains(seed: int) -> bool:
    """Whether servers keep what is deleted; those of every other seed do."""
    return seed % 2 == 0


def features(landmark: str, image: str, variant: int) -> FeatureSet:
    """Those of a content: always the same, and like no other's."""
    chance = np.random.default_rng([LANDMARKS.index(landmark), IMAGES.index(image), variant])
    vectors = chance.standard_normal((DESCRIPTORS, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FeatureSet(
        model=DEFAULT_RELEASE,
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors),
        keypoints=(chance.random((DESCRIPTORS, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(DESCRIPTORS, np.float32),
        scores=np.linspace(1.0, 0.1, DESCRIPTORS, dtype=np.float32),
    )
