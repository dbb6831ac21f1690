"""Many landmarks changed alike: all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    SteepleError,
)
from steeple.server.catalogue import Catalogue, ChangeKind, CommonChanges, ImageDraft, LandmarkDraft, audit

MakeFeatures = Callable[..., FeatureSet]
REQUEST = "0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d"
METHOD = "steeple.v1.CatalogService/BatchUpdateLandmarks"


@pytest.fixture
def kept(url: str) -> Iterator[Catalogue]:
    """Two landmarks, of which the first has an image; what is deleted is kept."""
    with Catalogue.open(url, timedelta(days=1)) as catalogue:
        catalogue.create_landmark(
            LandmarkDraft("A", labels=["old", "x"], metadata={"k": "1", "l": "2"}), landmark_id="a"
        )
        catalogue.create_landmark(LandmarkDraft("B", labels=["new"], description="says"), landmark_id="b")
        yield catalogue


def test_labels_and_entries_come_and_go_and_the_rest_stays(kept: Catalogue) -> None:
    changes = CommonChanges(add_labels=["new"], remove_labels=["old"], set_metadata={"k": "9"}, remove_metadata=["l"])
    before = kept.get_landmark("b")
    assert kept.update_landmarks(["b", "a"], changes) == ("b", "a")
    a, b = kept.get_landmark("a"), kept.get_landmark("b")
    assert (a.labels, a.metadata, a.display_name, a.active) == (("new", "x"), {"k": "9"}, "A", True)
    assert (b.labels, b.metadata, b.description) == (("new",), {"k": "9"}, "says")
    assert b.etag != before.etag
    assert [one.id for one in kept.list_landmarks(filter="labels:new metadata.k = 9").items] == ["a", "b"]
    assert kept.list_landmarks(filter="labels:old OR metadata:l").total_size == 0


def test_what_was_so_already_is_not_touched(kept: Catalogue) -> None:
    before = kept.get_landmark("b")
    assert kept.update_landmarks(["a", "b"], CommonChanges(add_labels=["new"], active=True)) == ("a",)
    assert kept.get_landmark("b") == before
    assert kept.update_landmarks(["a", "b"], CommonChanges(description="")) == ("b",)


def test_each_that_changed_is_in_the_audit_log(kept: Catalogue) -> None:
    with audit.attempting(audit.Attempt("keys/one", METHOD, "landmarks/a, landmarks/b")) as _:
        kept.update_landmarks(["a", "b"], CommonChanges(add_labels=["new"], remove_labels=["x"]))
        kept.update_landmarks(["a", "b"], CommonChanges(active=False))
        kept.delete_landmarks(["b"])
    events = audit.events(kept.database).items
    assert [event.resource for event in reversed(events)] == [f"landmarks/{one}" for one in ("a", "a", "b", "b")]
    assert {(event.actor, event.outcome) for event in events} == {("keys/one", "OK")}


def test_searches_heed_activity(kept: Catalogue, make_features: MakeFeatures) -> None:
    image = kept.create_image("a", ImageDraft(make_features()), image_id="one")
    before = kept.sequence()
    kept.update_landmarks(["a", "b"], CommonChanges(active=False))
    assert [(change.kind, change.image_key) for change in kept.changes_since(before)] == [
        (ChangeKind.REMOVE, image.key)
    ]
    assert kept.image_count() == 0


@pytest.mark.parametrize(
    ("ids", "changes", "error", "field"),
    [
        ([], CommonChanges(active=True), InvalidArgumentError, "names"),
        ([f"x{number}" for number in range(1001)], CommonChanges(active=True), InvalidArgumentError, "names"),
        (["a", "b", "a"], CommonChanges(active=False), InvalidArgumentError, "names[2]"),
        (["a", "A"], CommonChanges(active=False), InvalidArgumentError, "names[1]"),
        (["a"], CommonChanges(), InvalidArgumentError, ""),
        (["a"], CommonChanges(add_labels=["A"]), InvalidArgumentError, "add_labels"),
        (["a"], CommonChanges(remove_labels=["A"]), InvalidArgumentError, "remove_labels"),
        (["a"], CommonChanges(set_metadata={"": "x"}), InvalidArgumentError, "set_metadata"),
        (["a"], CommonChanges(remove_metadata=["x" * 65]), InvalidArgumentError, "remove_metadata"),
        (["a"], CommonChanges(description="x" * 10_001), InvalidArgumentError, "description"),
        (["a"], CommonChanges(add_labels=["x"], remove_labels=["x"]), InvalidArgumentError, "remove_labels"),
        (["a"], CommonChanges(set_metadata={"k": ""}, remove_metadata=["k"]), InvalidArgumentError, "remove_metadata"),
        (["b", "a"], CommonChanges(add_labels=[f"l{n}" for n in range(63)]), InvalidArgumentError, "names[1].labels"),
        (["b", "c"], CommonChanges(active=False), NotFoundError, None),
    ],
)
def test_what_is_refused_changes_nothing(
    kept: Catalogue, ids: list[str], changes: CommonChanges, error: type[SteepleError], field: str | None
) -> None:
    before = kept.list_landmarks().items
    with pytest.raises(error) as caught:
        kept.update_landmarks(ids, changes)
    if field is not None:
        assert caught.value.metadata.get("field", "") == field
    assert kept.list_landmarks().items == before


def test_a_deleted_one_is_not_changed(kept: Catalogue) -> None:
    kept.delete_landmark("a")
    with pytest.raises(FailedPreconditionError, match=r"names\[1\]: landmarks/a is deleted"):
        kept.update_landmarks(["b", "a"], CommonChanges(active=False))
    with pytest.raises(NotFoundError, match=r"names\[1\]: landmarks/a is deleted already"):
        kept.delete_landmarks(["b", "a"])
    assert kept.get_landmark("b").active
    assert kept.list_landmarks().total_size == 1


def test_deletion_is_forced_or_refused_for_all(kept: Catalogue, make_features: MakeFeatures) -> None:
    kept.create_image("b", ImageDraft(make_features()), image_id="one")
    with pytest.raises(FailedPreconditionError, match=r"names\[1\]: landmarks/b has 1 reference image; "):
        kept.delete_landmarks(["a", "b"])
    assert kept.list_landmarks().total_size == 2
    for _ in range(2):
        kept.delete_landmarks(["a", "b"], force=True, request_id=REQUEST)
    assert (kept.list_landmarks().total_size, kept.image_count()) == (0, 0)
    kept.undelete_landmark("b")
    assert kept.image_count() == 1


def test_a_repeat_gets_the_first_answer(kept: Catalogue) -> None:
    changes = CommonChanges(add_labels=["y", "z"])
    assert kept.update_landmarks(["a", "b"], changes, request_id=REQUEST) == ("a", "b")
    kept.update_landmarks(["a"], CommonChanges(remove_labels=["y"]))
    assert kept.update_landmarks(["a", "b"], changes, request_id=REQUEST) == ("a", "b")
    assert "y" not in kept.get_landmark("a").labels
    with pytest.raises(InvalidArgumentError, match="used before with other content"):
        kept.update_landmarks(["a"], changes, request_id=REQUEST)


def test_a_thousand_at_once(sqlite_catalogue: Catalogue) -> None:
    catalogue = sqlite_catalogue  # of PostgreSQL, this takes ten times as long and shows nothing else
    ids = [f"t{number}" for number in range(1000)]
    for start in range(0, 1000, 100):
        catalogue.create_landmarks([(LandmarkDraft("T"), one) for one in ids[start : start + 100]])
    assert catalogue.update_landmarks(ids, CommonChanges(add_labels=["tower"])) == tuple(ids)
    assert catalogue.list_landmarks(filter="labels:tower").total_size == 1000
    catalogue.delete_landmarks(ids)
    assert catalogue.list_landmarks(filter="labels:tower", show_deleted=True).total_size == 0
