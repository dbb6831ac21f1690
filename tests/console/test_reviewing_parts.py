"""What pages that review queries are made of, without a browser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from steeple.client import Feedback, KeptCandidate, KeptQuery, Landmark, QueryContent, QueryOrigin, QueryVerdict
from steeple.console.reviewing.choosing import KINDS, read_choice
from steeple.console.reviewing.deciding import Outcome
from steeple.console.reviewing.telling import Names, answer_words, named_by, said_words, verdict_badge
from steeple.server.catalogue.filters import condition
from steeple.server.review.store import FILTERS

NAMES = Names({"landmarks/mill": Landmark("landmarks/mill", "The Mill")})


def query(**values: Any) -> KeptQuery:
    time = datetime(2027, 1, 31, 12, tzinfo=UTC)
    usual: dict[str, Any] = {
        "name": "queries/q1",
        "create_time": time,
        "expire_time": time,
        "key": "",
        "request_id": "r",
        "identified": False,
        "candidates": (KeptCandidate("landmarks/mill", 0.456, "landmarks/mill/images/a", 9, 20),),
        "model": "models/m",
        "width": 640,
        "height": 480,
        "feature_count": 100,
        "content": QueryContent.PHOTO,
        "media_type": "image/jpeg",
        "size_bytes": 1000,
    }
    return KeptQuery(**(usual | values))


@pytest.mark.parametrize("kind", KINDS)
def test_every_choice_is_a_filter_of_the_server(kind: str) -> None:
    choice = read_choice({"show": kind, "key": "keys/abc-1", "since": "2027-01-30", "until": "2027-01-31", "seen": ""})
    for filter in (choice.filter, choice.before(query()), choice.after(query())):
        condition(filter, FILTERS)  # raises if it is none
    assert 'key = "abc-1"' in choice.filter
    assert 'create_time < "2027-02-01T00:00:00+00:00"' in choice.filter
    assert 'create_time < "2027-01-31T12:00:00+00:00"' in choice.before(query())
    assert read_choice(dict(part.split("=") for part in choice.query.split("&"))) == choice


def test_what_cannot_be_chosen_is_told_and_left_out() -> None:
    choice = read_choice({"show": "everything", "key": 'a" OR "', "since": "2027-02-30", "until": "٢٠٢٧-01-01"})
    assert set(choice.problems) == {"key", "since", "until"}
    assert choice.filter == "outcome = unknown AND verdict = none"
    assert read_choice({"show": "all", "seen": "yes"}).filter == ""
    assert read_choice({"show": "all", "seen": "yes"}).before(query()).startswith("create_time <")
    assert read_choice({}).path("/review", page="") == "/review"
    assert (
        read_choice({"seen": "yes"}).of_kind("all").path("/review", page="a b") == "/review?show=all&seen=yes&page=a+b"
    )


def test_queries_in_words() -> None:
    assert answer_words(query(), NAMES).startswith("Unknown; closest The Mill, 45")
    assert answer_words(query(identified=True), Names({})).startswith("mill, 45")
    assert answer_words(query(candidates=()), NAMES) == "Unknown, nothing like it"
    assert verdict_badge(query(), NAMES) == ("", "")
    shown = query(verdict=QueryVerdict.LANDMARK, landmark="landmarks/mill")
    assert verdict_badge(shown, NAMES) == ("It shows The Mill", "good")
    assert named_by([shown, query(feedback=Feedback(shown_landmark="landmarks/b"))]) == {
        "landmarks/mill",
        "landmarks/b",
    }
    for said, words in (
        (None, ""),
        (Feedback(suggested_name="A"), "Somebody proposes it: A"),
        (Feedback(QueryVerdict.WRONG, suggested_name="A"), "Somebody says: the answer is wrong, it is A"),
        (Feedback(QueryVerdict.LANDMARK, "landmarks/mill"), "Somebody says: it shows The Mill"),
    ):
        assert said_words(query(feedback=said, origin=QueryOrigin.FEEDBACK), NAMES) == words


def test_what_became_of_many_is_told() -> None:
    assert Outcome(3).told("Marked") == "Marked: 3."
    told = Outcome(1, gone=2, refused=1, reason="too dark").told("Added")
    assert told == "Added: 1; 2 gone meanwhile; 1 could not be used (too dark)."
