"""When feedback came, as a server remembers it and as the catalogue has it, of all servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from steeple.server.review.feedback import _together

START = datetime(2026, 5, 1, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [START + timedelta(seconds=each) for each in seconds]


def test_what_came_here_counts_once_and_what_was_erased_still_counts() -> None:
    assert _together(at(0, 100), at(1, 101)) == at(0, 100), "stored a moment later"
    assert _together(at(0, 100), at(101)) == at(0, 100), "the first was erased"
    assert _together(at(0, 100), []) == at(0, 100)
    assert _together([], at(1, 101)) == at(1, 101), "through another server"
    assert _together(at(50), at(1, 51, 300)) == at(1, 50, 300)
    assert _together(at(0, 1), at(0.5, 1.5)) == at(0, 1)
