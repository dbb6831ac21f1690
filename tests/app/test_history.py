from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from steeple.app.answers import answer_from_json, answer_to_json
from steeple.app.data import AppData
from steeple.app.found import Origin
from steeple.app.history import HistoryEntry
from steeple.client import Answer, Candidate, LatLng
from steeple.errors import DataLossError, InvalidArgumentError, NotFoundError

from .known import GATE, answer_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def entry_of(name: str = "Gate", *, time: datetime = NOON, identified: bool = True) -> HistoryEntry:
    return HistoryEntry(answer_of(name, identified=identified), Origin.SERVER, time, b"\xff\xd8photo")


def names(entries: tuple[HistoryEntry, ...]) -> list[str]:
    return [entry.answer.candidates[0].landmark.display_name for entry in entries]


def test_an_entry_comes_back_as_it_was(data: AppData) -> None:
    answer = answer_of("Gate", thumbnail=b"\xff\xd8reference")
    time = datetime(2026, 11, 25, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    number = data.history.add(HistoryEntry(answer, Origin.PACK, time, b"\xff\xd8photo", "Berlin", GATE))
    entry = data.history.get(number)
    assert (entry.id, entry.origin, entry.pack, entry.location) == (number, Origin.PACK, "Berlin", GATE)
    assert (entry.time, entry.thumbnail) == (datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC), b"\xff\xd8photo")
    assert same(entry.answer, answer)
    assert answer.to_dict() == entry.answer.to_dict()
    (listed,) = data.history.list()
    assert same(listed.answer, answer)


def same(one: Answer, other: Answer) -> bool:
    plain = replace(one, candidates=()) == replace(other, candidates=()) or one.to_dict() == other.to_dict()
    return plain and all(
        a.landmark == b.landmark
        and a.thumbnail == b.thumbnail
        and all(np.allclose(getattr(a, name), getattr(b, name), atol=1e-3) for name in ("outline", "query_points"))
        for a, b in zip(one.candidates, other.candidates, strict=True)
    )


def test_an_answer_of_an_earlier_version_can_be_read_and_one_of_a_later_one_too() -> None:
    facts = json.loads(answer_to_json(answer_of()))
    for name in ("reference_width", "reference_height", "thumbnail"):
        del facts["candidates"][0][name]
    facts["candidates"][0]["hologram"] = facts["candidates"][0]["landmark"]["height"] = facts["mood"] = 1
    (candidate,) = answer_from_json(json.dumps(facts)).candidates
    assert (candidate.reference_width, candidate.thumbnail, candidate.inliers) == (0, b"", 42)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"identified": true, "candidates": [{}]}', "\x00"])
def test_a_damaged_answer_is_told(text: str) -> None:
    with pytest.raises(DataLossError, match="damaged"):
        answer_from_json(text)


def test_points_of_a_kept_answer_cannot_be_changed() -> None:
    candidate: Candidate = answer_from_json(answer_to_json(answer_of())).candidates[0]
    assert candidate.outline.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        candidate.outline[0] = 0


def test_entries_are_listed_by_pages_the_newest_first(data: AppData) -> None:
    for number in range(7):
        data.history.add(entry_of(f"L{number}"))
    first = data.history.list(limit=3)
    second = data.history.list(limit=3, before=first[-1].id)
    third = data.history.list(limit=3, before=second[-1].id)
    assert [names(page) for page in (first, second, third)] == [["L6", "L5", "L4"], ["L3", "L2", "L1"], ["L0"]]
    assert data.history.count() == 7
    with pytest.raises(InvalidArgumentError):
        data.history.list(limit=0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["Unknown", "Zürich HB", "Gate"]),
        ("zurich", ["Zürich HB"]),
        ("ZÜRICH", ["Zürich HB"]),
        ("hb züri", ["Zürich HB"]),
        ("문", ["Zürich HB", "Gate"]),
        ("sandstone gate", ["Zürich HB", "Gate"]),  # the label
        ("gate 2026-11", ["Gate"]),
        ("2026-10", ["Unknown", "Zürich HB"]),
        ("unknown", []),  # what the answer did not identify is not in the photo
        ("%", []),
        ("'; DROP TABLE history", []),
    ],
)
def test_words_find_entries(text: str, found: list[str], data: AppData) -> None:
    data.history.add(entry_of("Gate"))
    data.history.add(entry_of("Zürich HB", time=NOON - timedelta(days=30)))
    data.history.add(entry_of("Unknown", time=NOON - timedelta(days=30), identified=False))
    assert names(data.history.list(text)) == found


def test_deleted_entries_are_gone_with_all_their_pictures(data: AppData) -> None:
    entry = replace(entry_of(), answer=answer_of(thumbnail=b"reference picture"), location=LatLng(1, 2))
    numbers = [data.history.add(entry) for _ in range(3)]
    data.history.delete(numbers[1])
    data.history.delete(numbers[1])
    assert [one.id for one in data.history.list()] == [numbers[2], numbers[0]]
    with pytest.raises(NotFoundError, match="may have been deleted"):
        data.history.get(numbers[1])
    data.history.clear()
    assert data.history.count() == 0
    left = b"".join(file.read_bytes() for file in data.folder.iterdir() if file.is_file())
    assert b"reference picture" not in left
    assert b"\xff\xd8photo" not in left
    assert data.history.add(entry) > numbers[2]  # a number is never used again


def test_a_time_needs_a_zone(data: AppData) -> None:
    with pytest.raises(InvalidArgumentError, match="time zone"):
        data.history.add(entry_of(time=datetime(2026, 11, 25)))
    assert data.history.count() == 0


def test_nothing_is_remembered_if_the_settings_say_so(data: AppData) -> None:
    assert data.remember(entry_of()) == 1
    data.settings.change(keep_history=False)
    assert data.remember(entry_of()) is None
    assert data.history.count() == 1
