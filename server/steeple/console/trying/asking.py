"""Asks the server about a photo as a phone would, and looks at the answer with another threshold."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from steeple.client import Answer, AsyncClient, Candidate, Explanation
from steeple.console.trying.held import HeldPhoto
from steeple.delf.release import DEFAULT_RELEASE

BUDGETS: Final = (512, 1024, 4096, 16384, 0)
"""Bytes of a request that can be chosen; 0: all features, uncoded."""

BUDGET_NAMES: Final = ("512 B", "1 kB", "4 kB", "16 kB", "all")
DEFAULT_STEP: Final = 2
"""Of :data:`BUDGETS`."""

_CANDIDATES: Final = 8

_SAID_BESIDE: Final = 6
"""Bytes that a request for an answer, as :func:`ask` makes it, takes beyond one to explain it: the same features must
fit into both, or what is explained is another answer."""


@dataclass(frozen=True)
class Judged:
    """An answer at some threshold.

    Attributes:
        answer: As the server gave it.
        threshold: Confidence that a landmark needs.
        own_threshold: That the server asks for.
        identified: Whether the best candidate reaches the threshold.
    """

    answer: Answer
    threshold: float
    own_threshold: float
    identified: bool

    @property
    def best(self) -> Candidate | None:
        """The first candidate, if there is one."""
        return self.answer.best

    @property
    def moved(self) -> bool:
        """Whether the threshold is another than the server's, and with it the answer may be."""
        return abs(self.threshold - self.own_threshold) >= 0.005


def step_of(text: str, photo: HeldPhoto) -> int:
    """A step of the slider of data: where it begins for what is none, and all where nothing less can be sent."""
    if not can_choose(photo):
        return len(BUDGETS) - 1
    return int(text) if text.isascii() and text.isdecimal() and int(text) < len(BUDGETS) else DEFAULT_STEP


def threshold_of(text: str, own: float) -> float:
    """A threshold in percent, 1 to 99, as a share; the server's own for what is none."""
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= 99 and int(text) != round(100 * own):
        return int(text) / 100
    return own


def judge(answer: Answer, threshold: float, own_threshold: float) -> Judged:
    """What an answer is with another threshold: nothing is asked again, since confidences stay what they are."""
    best = answer.best
    identified = answer.identified if threshold == own_threshold else best is not None and best.confidence >= threshold
    return Judged(answer, threshold, own_threshold, identified)


def can_choose(photo: HeldPhoto) -> bool:
    """Whether less than all of a photo can be sent: its features must be of the release that codes them shortly."""
    features = photo.reading.features
    return features is not None and features.model == DEFAULT_RELEASE


async def ask(client: AsyncClient, photo: HeldPhoto, budget: int) -> Answer:
    """What the server answers to so many bytes of a photo; remembered with it."""
    if (known := photo.answers.get(budget)) is not None:
        return known
    keep, photo.keep = photo.keep, False
    if photo.threshold == 0:
        answer, calibration = await asyncio.gather(_identify(client, photo, budget, keep=keep), client.calibration())
        photo.threshold = calibration.threshold
    else:
        answer = await _identify(client, photo, budget, keep=keep)
    photo.answers[budget] = answer
    return answer


async def _identify(client: AsyncClient, photo: HeldPhoto, budget: int, *, keep: bool) -> Answer:
    features = photo.reading.features
    return await client.identify(
        photo.source if features is None else features,
        upload=features is None,
        max_candidates=_CANDIDATES,
        include_matches=True,
        include_thumbnails=True,
        max_bytes=budget or None,
        keep=keep,
    )


async def explain(client: AsyncClient, photo: HeldPhoto, budget: int) -> Explanation:
    """Why it answers so; remembered with the photo."""
    if (known := photo.explanations.get(budget)) is not None:
        return known
    features = photo.reading.features
    explanation = await client.explain(
        photo.source if features is None else features,
        upload=features is None,
        max_bytes=budget - _SAID_BESIDE if budget else None,
    )
    photo.explanations[budget] = explanation
    return explanation
