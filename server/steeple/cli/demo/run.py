"""Asks the demo's questions and judges the answers."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from steeple.cli.demo.scenario import CATALOGUE, KNOWN_MISSES, QUERIES, CatalogueEntry, DemoQuery
from steeple.client import Answer, Client, LatLng


class Verdict(enum.Enum):
    """What an answer is worth."""

    RIGHT = "as expected"
    NOT_YET = "not yet"
    MISSED = "MISSED"
    WRONG = "WRONG"

    @property
    def fails(self) -> bool:
        """Whether the demo fails by it."""
        return self in (Verdict.MISSED, Verdict.WRONG)


@dataclass(frozen=True, eq=False)
class Result:
    """A query, its photo, and what came of it.

    Attributes:
        query: What was asked.
        photo: The encoded photo that was asked about.
        answer: What the server said.
        verdict: What that is worth.
    """

    query: DemoQuery
    photo: bytes
    answer: Answer
    verdict: Verdict

    @property
    def total_milliseconds(self) -> float:
        """From the encoded photo to the answer."""
        timings = self.answer.timings
        return (timings.device_extract or 0.0) + (timings.round_trip or 0.0)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        best = self.answer.best
        return {
            "query": self.query.id,
            "title": self.query.title,
            "expected": self.query.expected,
            "identified": self.answer.landmark.id if self.answer.landmark else None,
            "verdict": self.verdict.value.lower(),
            "closest": best.landmark.id if best else None,
            "confidence": round(best.confidence, 6) if best else None,
            "inliers": best.inliers if best else 0,
            "matches": best.matches if best else 0,
            "feature_count": self.answer.feature_count,
            "request_bytes": self.answer.request_bytes,
            "photo_bytes": len(self.photo),
            "timings": {**self.answer.timings.to_dict(), "photo_to_answer": round(self.total_milliseconds, 3)},
        }


def fill_catalogue(client: Client, photos: Mapping[str, bytes], entries: Iterable[CatalogueEntry] = CATALOGUE) -> None:
    """Creates the demo's landmarks, each with its reference image."""
    for entry in entries:
        client.create_landmark(
            entry.display_name,
            landmark_id=entry.id,
            description=entry.description,
            location=None if entry.location is None else LatLng(*entry.location),
        )
        client.add_reference_image(entry.id, photos[entry.photo])


def ask(
    client: Client,
    photos: Mapping[str, bytes],
    *,
    queries: Iterable[DemoQuery] = QUERIES,
    on_result: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Asks every query, one after the other."""
    results = []
    for query in queries:
        photo = query.encoded(photos)
        answer = client.identify(photo, include_matches=True)
        result = Result(query, photo, answer, judge(query, answer.landmark.id if answer.landmark else None))
        results.append(result)
        if on_result is not None:
            on_result(result)
    return results


def judge(query: DemoQuery, identified: str | None, known_misses: Iterable[str] = KNOWN_MISSES) -> Verdict:
    """What an answer is worth.

    Args:
        query: What was asked.
        identified: Id of the landmark that was answered; None for UNKNOWN.
        known_misses: Ids of the queries that may be answered UNKNOWN although they should not be.
    """
    if identified == query.expected:
        return Verdict.RIGHT
    if identified is not None:
        return Verdict.WRONG
    return Verdict.NOT_YET if query.id in known_misses else Verdict.MISSED
