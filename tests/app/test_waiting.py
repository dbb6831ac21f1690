from __future__ import annotations

import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from steeple.app import waiting as module
from steeple.app.data import AppData
from steeple.app.found import Found, Origin
from steeple.client import LatLng
from steeple.delf.features import FeatureSet
from steeple.errors import (
    InvalidArgumentError,
    ModelMismatchError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)

from .known import GATE, answer_of, features_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Answering:
    """Answers, or raises, by the number of features of the query."""

    def __init__(self, **answers: Found | SteepleError) -> None:
        self.answers = answers
        self.asked: list[int] = []
        self.near: list[LatLng | None] = []

    def identify(self, features: FeatureSet, *, include_thumbnails: bool = False, near: LatLng | None = None) -> Found:
        self.asked.append(len(features))
        self.near.append(near)
        answer = self.answers[f"of_{len(features)}"]
        if isinstance(answer, SteepleError):
            raise answer
        assert include_thumbnails
        return answer


def found(name: str) -> Found:
    return Found(answer_of(name, thumbnail=b"reference"), Origin.SERVER)


def test_a_query_waits_with_its_features(data: AppData) -> None:
    features = features_of(50)
    number = data.waiting.add(features, time=NOON, thumbnail=b"small", location=GATE)
    (query,) = data.waiting.list()
    assert (query.id, query.time, query.thumbnail, query.location) == (number, NOON, b"small", GATE)
    assert (query.attempts, query.problem) == (0, None)
    assert (query.features.descriptors == features.descriptors).all()
    np.testing.assert_allclose(query.features.keypoints, features.keypoints, atol=640 / 65536)


def test_answers_come_into_the_history_the_oldest_first(data: AppData) -> None:
    for count in (5, 6):
        data.waiting.add(features_of(count), time=NOON, thumbnail=bytes([count]), location=GATE)
    answering = Answering(of_5=found("Gate"), of_6=found("Hall"))
    entries = list(data.waiting.answer(answering))
    assert answering.near == [GATE, GATE]
    assert data.waiting.count() == 0
    kept = data.history.list()
    assert [entry.id for entry in entries] == [entry.id for entry in reversed(kept)]
    assert [entry.answer.candidates[0].landmark.display_name for entry in kept] == ["Hall", "Gate"]
    assert [(entry.thumbnail, entry.time, entry.location) for entry in kept] == [
        (b"\x06", NOON, GATE),
        (b"\x05", NOON, GATE),
    ]
    assert kept[0].answer.candidates[0].thumbnail == b"reference"


def test_while_nobody_answers_all_goes_on_waiting(data: AppData) -> None:
    for count in (5, 6):
        data.waiting.add(features_of(count), time=NOON)
    answering = Answering(of_5=UnavailableError("away"), of_6=found("Hall"))
    assert list(data.waiting.answer(answering)) == []
    assert answering.asked == [5]
    assert [(query.attempts, query.problem) for query in data.waiting.list()] == [(0, None), (0, None)]


def test_what_can_never_be_answered_says_so_and_holds_up_nothing(data: AppData) -> None:
    for count in (5, 6, 7):
        data.waiting.add(features_of(count), time=NOON)
    answers: dict[str, Found | SteepleError] = {
        "of_5": ModelMismatchError("of another release"),
        "of_6": InvalidArgumentError("malformed"),
        "of_7": found("Hall"),
    }
    answering = Answering(**answers)
    assert len(list(data.waiting.answer(answering))) == 1
    assert [query.problem for query in data.waiting.list()] == ["of another release", "malformed"]
    assert list(data.waiting.answer(answering)) == []
    assert answering.asked == [5, 6, 7]
    answering.answers["of_5"] = found("Gate")
    assert len(list(data.waiting.answer(answering, again=True))) == 1
    assert [(query.attempts, query.problem) for query in data.waiting.list()] == [(2, "malformed")]


def test_unknown_of_a_pack_is_no_answer(data: AppData) -> None:
    for count in (5, 6):
        data.waiting.add(features_of(count), time=NOON)
    unknown = Found(answer_of(identified=False), Origin.PACK, "Berlin")
    answering = Answering(of_5=unknown, of_6=Found(answer_of("Hall"), Origin.PACK, "Berlin"))
    (entry,) = data.waiting.answer(answering)
    assert (entry.pack, data.waiting.count()) == ("Berlin", 1)
    answering.answers["of_5"] = Found(answer_of(identified=False), Origin.SERVER)
    (entry,) = data.waiting.answer(answering)
    assert (entry.answer.identified, data.waiting.count()) == (False, 0)


def test_who_deletes_a_query_while_it_is_asked_gets_no_answer(data: AppData) -> None:
    number = data.waiting.add(features_of(5), time=NOON)

    class Deleting(Answering):
        def identify(
            self, features: FeatureSet, *, include_thumbnails: bool = False, near: LatLng | None = None
        ) -> Found:
            data.waiting.delete(number)
            return found("Gate")

    assert list(data.waiting.answer(Deleting())) == []
    assert (data.history.count(), data.waiting.count()) == (0, 0)


def test_one_thread_answers_at_a_time(data: AppData) -> None:
    data.waiting.add(features_of(5), time=NOON)
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Answering):
        def identify(
            self, features: FeatureSet, *, include_thumbnails: bool = False, near: LatLng | None = None
        ) -> Found:
            inside.set()
            assert go_on.wait(30)
            return found("Gate")

    thread = threading.Thread(target=lambda: list(data.waiting.answer(Slow())))
    thread.start()
    assert inside.wait(30)
    assert list(data.waiting.answer(Answering(of_5=found("Hall")))) == []
    go_on.set()
    thread.join()
    assert data.history.count() == 1


def test_no_more_wait_than_may(data: AppData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    for _ in range(2):
        data.waiting.add(features_of(5), time=NOON)
    with pytest.raises(ResourceExhaustedError, match="delete some, or connect"):
        data.waiting.add(features_of(5), time=NOON)
    data.waiting.clear()
    assert data.waiting.count() == 0


def test_a_photo_of_nothing_does_not_wait(data: AppData) -> None:
    with pytest.raises(InvalidArgumentError, match="take another"):
        data.waiting.add(features_of(0), time=NOON)
