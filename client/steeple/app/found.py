"""What a search gives, whoever answered: a server, or a pack on the device."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from steeple.client.types import Answer
from steeple.delf.features import FeatureSet


class Origin(enum.Enum):
    """Who answered."""

    SERVER = "server"
    PACK = "pack"


@dataclass(frozen=True, eq=False)
class Found:
    """The answer to one photo.

    Attributes:
        answer: What the photo shows.
        origin: Who says so.
        pack: Name of the pack that answered; None for a server.
    """

    answer: Answer
    origin: Origin
    pack: str | None = None


@dataclass(frozen=True, eq=False)
class StreamFound:
    """The answer to one frame of a stream.

    Attributes:
        frame: Number of the frame, counted from 0 in the order in which the stream took them.
        answer: What it shows, with the inlier matches of its candidates.
        origin: Who says so.
        pack: Name of the pack that answered; None for a server.
        provisional: Whether more of this frame is being looked at, and its answer may change.
    """

    frame: int
    answer: Answer
    origin: Origin
    pack: str | None = None
    provisional: bool = False


class FoundStream(Iterator[StreamFound], Protocol):
    """Answers to frames, in the order of the frames; frames that newer ones overtook have none."""

    def cancel(self) -> None:
        """Ends it from any thread: no more frames are taken, and the iteration stops."""
        ...


class StreamSearcher(Protocol):
    """Who answers the frames of a camera."""

    def stream(self, frames: Iterable[FeatureSet]) -> FoundStream:
        """Answers to the frames, with the inlier matches of each candidate.

        Frames are taken on another thread, one whenever it can be sent; their iterator may block.

        Raises:
            UnavailableError: While iterating, if nobody can answer: no server is reached and no pack is there. Other
                errors of :mod:`steeple.errors` where a server refuses.
        """
        ...
