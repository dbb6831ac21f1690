"""Which answers are not right, and how bad that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.recognition import Candidate, Recognition
from steeple.server.evaluation import Dataset, FailureKind, Photo, QueryResult, Role, failures_of

GALLERY = (
    Photo(Path("a1.jpg"), "a", Role.REFERENCE, ""),
    Photo(Path("a2.jpg"), "a", Role.REFERENCE, ""),
    Photo(Path("b1.jpg"), "b", Role.REFERENCE, ""),
    Photo(Path("f.jpg"), "", Role.FILLER, ""),
)
KEYS = {"a": 1, "b": 2, "filler-3": 3}


def result(asked: str, *answers: tuple[str, float], name: str = "q.jpg") -> QueryResult:
    """An answer to a photo of ``asked`` (none: a distractor), with candidates; IDENTIFIED from 0.5."""
    none = np.empty((0, 2), np.float32)
    candidates = tuple(
        Candidate(landmark, KEYS[landmark], confidence, 20, 30, {}, np.eye(3), none, none, none)
        for landmark, confidence in answers
    )
    identified = bool(candidates) and candidates[0].confidence >= 0.5
    photo = Photo(Path(name), asked, Role.QUERY if asked else Role.DISTRACTOR, "")
    return QueryResult(photo, Recognition(identified, candidates, 100, 0.0, 0.0), 0.0, 0)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (result("a", ("a", 0.9), ("b", 0.1)), None),
        (result("a", ("a", 0.4), ("b", 0.1)), FailureKind.UNSURE),
        (result("a", ("b", 0.4), ("a", 0.3)), FailureKind.WRONG_CANDIDATE),
        (result("a", ("filler-3", 0.4)), FailureKind.WRONG_CANDIDATE),
        (result("a", ("b", 0.8), ("a", 0.3)), FailureKind.FALSE_NAME),
        (result("a"), FailureKind.NO_CANDIDATE),
        (result("", ("b", 0.8)), FailureKind.STRANGER_NAMED),
        (result("", ("b", 0.4)), None),
        (result(""), None),
    ],
)
def test_what_is_not_right_has_a_name(answer: QueryResult, kind: FailureKind | None) -> None:
    assert [failure.kind for failure in failures_of([answer])] == ([] if kind is None else [kind])


def test_the_worst_comes_first() -> None:
    answers = [
        result("a", ("a", 0.4), name="unsure"),
        result("a", ("a", 0.2), name="less sure"),
        result("a", name="nothing"),
        result("a", ("b", 0.3), name="wrong"),
        result("a", ("b", 0.4), name="more wrong"),
        result("", ("b", 0.9), name="stranger"),
        result("a", ("b", 0.6), name="false"),
        result("a", ("a", 0.6), name="right"),
        result("a", ("b", 0.7), name="falser"),
    ]
    names = [failure.result.photo.path.name for failure in failures_of(answers)]
    assert names == ["falser", "false", "stranger", "more wrong", "wrong", "nothing", "less sure", "unsure"]


def test_the_photos_that_explain_a_failure() -> None:
    dataset = Dataset((*GALLERY, Photo(Path("q.jpg"), "a", Role.QUERY, "")))
    (seen,) = failures_of([result("a", ("b", 0.8), ("a", 0.3))])
    assert seen.answered_with(dataset) == GALLERY[2]
    assert seen.right_reference(dataset) == GALLERY[1], "the one that was matched"
    (unseen,) = failures_of([result("a", ("filler-3", 0.8))])
    assert unseen.answered_with(dataset) == GALLERY[3]
    assert unseen.right_reference(dataset) == GALLERY[0], "the first"
    (nothing,) = failures_of([result("a")])
    assert nothing.answered_with(dataset) is None
    (stranger,) = failures_of([result("", ("a", 0.8))])
    assert stranger.right_reference(dataset) is None
