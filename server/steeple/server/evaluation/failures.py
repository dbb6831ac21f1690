"""The queries that were not answered rightly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from steeple.recognition import Candidate
from steeple.server.evaluation.dataset import Dataset, Photo, Role
from steeple.server.evaluation.run import QueryResult


class FailureKind(StrEnum):
    """What is not right about an answer; the worse, the earlier here."""

    FALSE_NAME = "false_name"
    """IDENTIFIED as another landmark."""
    STRANGER_NAMED = "stranger_named"
    """A distractor, IDENTIFIED."""
    WRONG_CANDIDATE = "wrong_candidate"
    """UNKNOWN, and the first candidate is another landmark."""
    NO_CANDIDATE = "no_candidate"
    """UNKNOWN, without a candidate."""
    UNSURE = "unsure"
    """UNKNOWN, though the first candidate is right."""


@dataclass(frozen=True, eq=False)
class Failure:
    """One query that was not answered rightly.

    Attributes:
        result: The query and its answer.
        kind: What is not right about it.
    """

    result: QueryResult
    kind: FailureKind

    @property
    def best(self) -> Candidate | None:
        """The first candidate."""
        candidates = self.result.recognition.candidates
        return candidates[0] if candidates else None

    def answered_with(self, dataset: Dataset) -> Photo | None:
        """The reference photo that speaks for the first candidate."""
        return None if self.best is None else dataset.gallery[self.best.image_key]

    def right_reference(self, dataset: Dataset) -> Photo | None:
        """A reference photo of the right landmark: the one that was matched best, else the first. None if none is."""
        landmark = self.result.photo.landmark
        for candidate in self.result.recognition.candidates:
            if candidate.landmark_id == landmark:
                return dataset.gallery[candidate.image_key]
        own = (photo for photo in dataset.gallery if photo.role is Role.REFERENCE and photo.landmark == landmark)
        return next(own, None)


def failures_of(results: Sequence[QueryResult]) -> list[Failure]:
    """What was not answered rightly, the worst first.

    Of one kind, an answer that is wrong is the worse the higher its confidence, one that is right the lower.
    """
    found = [Failure(result, kind) for result in results if (kind := _kind(result)) is not None]
    severity = list(FailureKind)
    return sorted(found, key=lambda failure: (severity.index(failure.kind), _by_confidence(failure)))


def _by_confidence(failure: Failure) -> float:
    confidence = failure.result.outcome.confidence
    return confidence if failure.kind is FailureKind.UNSURE else -confidence


def _kind(result: QueryResult) -> FailureKind | None:
    outcome = result.outcome
    if not outcome.known:
        return FailureKind.STRANGER_NAMED if outcome.identified else None
    if outcome.right:
        return None if outcome.identified else FailureKind.UNSURE
    if outcome.identified:
        return FailureKind.FALSE_NAME
    return FailureKind.WRONG_CANDIDATE if result.recognition.candidates else FailureKind.NO_CANDIDATE
