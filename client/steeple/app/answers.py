"""Answers, whoever gave them: of a server, of a pack, and as JSON."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steeple.client import Answer
from steeple.delf.features import FeatureSet
from steeple.errors import SteepleError


class Origin(enum.StrEnum):
    """Who answered."""

    SERVER = "server"
    PACK = "pack"


@dataclass(frozen=True, eq=False)
class Found:
    """An answer and who gave it.

    Attributes:
        answer: What the photo shows.
        origin: Who answered.
        pack: Id of the pack that did; None if it was a server.
        server_problem: Why the server did not answer where a pack did; None if it was not asked.
    """

    answer: Answer
    origin: Origin
    pack: str | None = None
    server_problem: SteepleError | None = None


@dataclass(frozen=True, eq=False)
class StreamFound(Found):
    """The answer to one frame of a stream.

    Attributes:
        frame: Number of the frame among those taken from ``frames``, counted from 0.
        dropped_frames: Frames of this stream so far that were taken and got no answer.
    """

    frame: int = 0
    dropped_frames: int = 0


def answer_to_json(answer: Answer) -> str:
    """An answer as JSON; pictures are left out."""
    return json.dumps(answer.to_dict(), ensure_ascii=False, separators=(",", ":"))


def answer_from_json(text: str) -> Answer:
    """The answer that :func:`answer_to_json` of this version or an earlier one wrote.

    Raises:
        DataLossError: If it is no such text.
    """
    raise NotImplementedError


def answer_from_pack(pack: Any, recognition: Any, features: FeatureSet, *, milliseconds: float) -> Answer:  # noqa: ANN401
    """A pack's recognition as the answer that a server would have given."""
    raise NotImplementedError


def from_mapping(facts: Mapping[str, Any]) -> Answer:
    """The answer of ``Answer.to_dict``."""
    raise NotImplementedError
