"""Histories made by hand, whose verdicts are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.history.checker import check, compared
from tests.history.operations import DATABASE_ENDS, DATABASE_READY, Event, History, Operation, Outcome, Recorder

NUMBERS = iter(range(1_000_000))


def did(action: str, begin: float, end: float, status: str = "OK", **said: Any) -> Operation:
    """An operation on landmark x; ``answer`` holds what was answered, the rest are arguments. Status "?": unknown."""
    answer = said.pop("answer", {})
    outcome = {"OK": Outcome.OK, "?": Outcome.UNKNOWN}.get(status, Outcome.REFUSED)
    return Operation(
        client=0,
        number=next(NUMBERS),
        server=0,
        action=action,
        arguments={"landmark": "x", **said},
        invoked=round(begin * 1e9),
        completed=round(end * 1e9),
        outcome=outcome,
        status=status,
        answer=answer,
    )


def landmark(
    etag: str, *, name: str = "X", images: int = 0, active: bool = True, deleted: bool = False
) -> dict[str, Any]:
    return {"display_name": name, "active": active, "deleted": deleted, "images": images, "etag": etag}


def image(variant: int, *, deleted: bool = False) -> dict[str, Any]:
    return {"variant": variant, "deleted": deleted}


def verdict(*operations: Operation, retained: bool = True) -> list[str]:
    violations = check(History(0, retained, tuple(sorted(operations, key=lambda one: one.completed))))
    return [f"{one.operation.action} {one.kind.rpartition(' ')[2]}" for one in violations]


def wrong(action: str) -> list[str]:
    return [f"{action} explains"]


CREATED = did("CreateLandmark", 0, 1, display_name="X", answer=landmark("e1"))
ADDED = did("CreateReferenceImage", 2, 3, image="a", variant=0, answer=image(0))
REMOVED = did("DeleteReferenceImage", 4, 5, image="a")


def found(begin: float, end: float, there: bool, *, variant: int = 0) -> Operation:
    return did("Identify", begin, end, image="a", variant=variant, answer={"found": there, "other": ""})


def listed(begin: float, end: float, **variants: int) -> Operation:
    return did("ListReferenceImages", begin, end, answer={"variants": variants})


def test_what_was_acknowledged_is_found_and_what_was_removed_is_not() -> None:
    assert verdict(CREATED, ADDED, found(3.1, 3.2, True), REMOVED, found(5.1, 5.2, False)) == []
    assert verdict(CREATED, ADDED, found(3.1, 3.2, False)) == wrong("Identify")
    assert verdict(CREATED, ADDED, REMOVED, found(5.1, 5.2, True)) == wrong("Identify")
    assert verdict(CREATED, ADDED, found(3.1, 3.2, True, variant=1)) == wrong("Identify")


def test_what_was_done_through_another_server_is_shown_within_the_time_that_it_has() -> None:
    def seconds(begin: float, end: float, there: bool, server: int, *more: Event) -> list[str]:
        search = replace(found(begin, end, there), server=server)
        history = History(0, True, (CREATED, ADDED, search), more)
        assert compared(history, 10**9) == (check(history, 10**9) != [] or there)
        return [one.operation.action for one in check(history, 10**9)]

    assert seconds(3.5, 3.6, False, server=1) == [], "it has a second"
    assert seconds(4.1, 4.2, False, server=1) == ["Identify"], "which has passed"
    assert seconds(3.5, 3.6, False, server=0) == ["Identify"], "the server that did it has none"
    outage = Event(3_500_000_000, -1, DATABASE_ENDS), Event(4_000_000_000, -1, DATABASE_READY)
    assert seconds(4.9, 5.0, False, 1, *outage) == [], "a second after the database is back"
    assert seconds(5.1, 5.2, False, 1, *outage) == ["Identify"]
    assert seconds(5.1, 5.2, True, 1, *outage) == []


def test_what_a_database_was_told_to_do_may_be_done_a_moment_after_its_server_is_gone() -> None:
    unknown = did("CreateLandmark", 0, 1, "?", display_name="X")
    for grace, ends, settled in ((None, 3, 3), (10**9, 3, 4), (10**9, 30, 2)):
        recorder = Recorder(grace)
        recorder.operation(unknown)
        recorder.ended(ends * 10**9, 0, "SIGKILL")
        (one,) = recorder.history(0, retained=True).operations
        assert one.completed == settled * 10**9


def test_a_search_that_a_change_overlaps_may_find_it_or_not() -> None:
    for there in (True, False):
        assert verdict(CREATED, ADDED, found(2.5, 3.5, there)) == []
        assert verdict(CREATED, ADDED, REMOVED, found(3.5, 4.5, there)) == []
    other = did("CreateReferenceImage", 3, 4, image="b", variant=0, answer=image(0))
    assert verdict(CREATED, ADDED, other, found(3.2, 3.6, False)) == wrong("Identify"), "of another image"
    assert compared(History(0, True, (CREATED, ADDED, found(2.5, 3.5, True), found(3.6, 3.7, True)))) == 1


def test_an_image_of_an_inactive_or_deleted_landmark_is_not_found() -> None:
    off = did("UpdateLandmark", 4, 5, active=False, answer=landmark("e2", images=1, active=False))
    on = did("UpdateLandmark", 6, 7, active=True, answer=landmark("e3", images=1))
    gone = did("DeleteLandmark", 8, 9, force=True)
    back = did("UndeleteLandmark", 10, 11, answer=landmark("e5", images=1))
    told = [found(5.1, 5.2, False), found(7.1, 7.2, True), found(9.1, 9.2, False), found(11.1, 11.2, True)]
    assert verdict(CREATED, ADDED, off, on, gone, back, *told) == []
    for number, one in enumerate(told):
        lie = replace(one, answer={"found": not one.answer["found"], "other": ""})
        others = [*told[:number], lie, *told[number + 1 :]]
        assert verdict(CREATED, ADDED, off, on, gone, back, *others) == wrong("Identify")


def test_a_lost_answer_may_have_had_its_effect_before_its_servers_end_or_never() -> None:
    lost = did("CreateReferenceImage", 2, 3, "?", image="a", variant=0)
    assert verdict(CREATED, lost, listed(3.1, 3.2, a=0)) == []
    assert verdict(CREATED, lost, listed(3.1, 3.2)) == []
    assert verdict(CREATED, lost, listed(3.1, 3.2), listed(3.3, 3.4, a=0)) == wrong("ListReferenceImages")
    assert verdict(CREATED, lost, listed(3.1, 3.2, a=0), listed(3.3, 3.4)) == wrong("ListReferenceImages")
    assert verdict(CREATED, lost, listed(3.1, 3.2, a=0), found(3.3, 3.4, False)) == wrong("Identify")
    assert verdict(CREATED, lost, listed(2.1, 2.2), listed(2.3, 2.4, a=0), found(2.5, 2.6, False)) == []


def test_what_overlaps_may_have_happened_in_either_order_but_in_one() -> None:
    first = did("UpdateLandmark", 2, 4, display_name="A", answer=landmark("e2", name="A"))
    second = did("UpdateLandmark", 2, 4, display_name="B", answer=landmark("e3", name="B"))
    last = did("GetLandmark", 5, 6, answer=landmark("e3", name="B"))
    assert verdict(CREATED, first, second, last) == []
    assert verdict(CREATED, first, second, replace(last, answer=landmark("e2", name="A"))) == []
    assert verdict(CREATED, first, second, replace(last, answer=landmark("e2", name="B"))) == wrong("GetLandmark")
    torn = [
        did("GetLandmark", 2.1, 2.2, answer=landmark("e2", name="A")),
        did("GetLandmark", 2.3, 2.4, answer=landmark("e3", name="B")),
        did("GetLandmark", 2.5, 2.6, answer=landmark("e2", name="A")),
    ]
    assert verdict(CREATED, first, second, *torn[:2]) == []
    assert verdict(CREATED, first, second, *torn) == wrong("GetLandmark")


def test_one_of_two_that_send_the_same_etag_is_refused() -> None:
    first = did("UpdateLandmark", 2, 4, display_name="A", etag="e1", answer=landmark("e2", name="A"))
    second = did("UpdateLandmark", 2, 4, "ABORTED", display_name="B", etag="e1")
    both = replace(second, status="OK", outcome=Outcome.OK, answer=landmark("e3", name="B"))
    neither = replace(first, status="ABORTED", outcome=Outcome.REFUSED, answer={})
    assert verdict(CREATED, first, second) == []
    assert verdict(CREATED, first, both) != []
    assert verdict(CREATED, neither, second) != []
    lost = did("UpdateLandmark", 2, 4, "?", display_name="C")
    assert verdict(CREATED, lost, neither) == []


def test_refusals_need_a_reason() -> None:
    again = did("CreateReferenceImage", 4, 5, "ALREADY_EXISTS", image="a", variant=1)
    assert verdict(CREATED, ADDED, again) == []
    assert verdict(CREATED, again) == wrong("CreateReferenceImage")
    assert verdict(did("CreateReferenceImage", 4, 5, "NOT_FOUND", image="a", variant=1)) == []
    kept = did("DeleteLandmark", 4, 5, "FAILED_PRECONDITION", force=False)
    assert verdict(CREATED, ADDED, kept, found(6, 7, True)) == []
    assert verdict(CREATED, kept) == wrong("DeleteLandmark")
    assert verdict(CREATED, did("GetLandmark", 4, 5, "INTERNAL")) == wrong("GetLandmark")
    both = did("BatchDeleteReferenceImages", 4, 5, "NOT_FOUND", images=["a", "b"])
    assert verdict(CREATED, ADDED, both, found(6, 7, True)) == []
    assert verdict(CREATED, ADDED, both, found(6, 7, False)) == wrong("Identify")


def test_deletion_for_good_frees_the_id() -> None:
    again = did("CreateReferenceImage", 6, 7, image="a", variant=1, answer=image(1))
    assert verdict(CREATED, ADDED, REMOVED, again, retained=False) == []
    assert verdict(CREATED, ADDED, REMOVED, again, retained=True) == wrong("CreateReferenceImage")
    back = did("UndeleteReferenceImage", 6, 7, image="a", answer=image(0))
    assert verdict(CREATED, ADDED, REMOVED, back, found(8, 9, True), retained=True) == []
    assert verdict(CREATED, ADDED, REMOVED, back, retained=False) == wrong("UndeleteReferenceImage")


def test_lists_of_landmarks_are_reads_of_each() -> None:
    every = did("ListLandmarks", 2, 3, answer={"landmarks": {"x": landmark("e1")}})
    assert verdict(CREATED, every) == []
    assert verdict(CREATED, replace(every, answer={"landmarks": {}})) == wrong("ListLandmarks")
    assert verdict(CREATED, did("DeleteLandmark", 1.2, 1.8, force=True), every) == wrong("ListLandmarks")


def test_a_repeat_is_answered_as_the_first_time() -> None:
    repeat = replace(did("Repeat", 8, 9, answer=image(0)), arguments={"landmark": "x", "of": ADDED.number})
    assert verdict(CREATED, ADDED, REMOVED, repeat) == []
    assert verdict(CREATED, ADDED, REMOVED, replace(repeat, answer=image(1))) == ["Repeat differently"]
    assert verdict(CREATED, ADDED, replace(repeat, status="ALREADY_EXISTS", outcome=Outcome.REFUSED, answer={})) == [
        "Repeat differently"
    ]


def test_another_landmarks_name_is_always_wrong() -> None:
    answer = {"found": False, "other": "landmarks/y/images/a"}
    assert verdict(CREATED, did("Identify", 2, 3, image="a", variant=0, answer=answer)) == ["Identify image"]


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    history = History(7, False, (CREATED, ADDED), (Event(5, 0, "ready"),))
    history.save(tmp_path / "history.jsonl")
    assert History.load(tmp_path / "history.jsonl") == history
    (tmp_path / "other").write_text("{}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not a history"):
        History.load(tmp_path / "other")


def test_what_is_unknown_ends_with_its_server() -> None:
    recorder = Recorder()
    recorder.operation(did("DeleteLandmark", 1, 2, "?", force=True))
    recorder.operation(CREATED)
    recorder.ended(round(5e9), 0, "SIGKILL")
    ends = {one.action: one.completed for one in recorder.history(0, retained=True).operations}
    assert ends == {"CreateLandmark": round(1e9), "DeleteLandmark": round(5e9)}
