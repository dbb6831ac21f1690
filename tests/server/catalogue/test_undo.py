"""What changes did is in the audit log, and can be put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import (
    AbortedError,
    AlreadyExistsError,
    ChangedSinceError,
    FailedPreconditionError,
    NotFoundError,
)
from steeple.server.catalogue import Capture, Catalogue, ImageDraft, LandmarkDraft, LatLng, audit, history
from steeple.server.catalogue.audit import AuditEvent
from steeple.server.catalogue.history import ChangedHow

MakeFeatures = Callable[..., FeatureSet]
KEPT = timedelta(days=3)
TOWER = "landmarks/tower"
ONE = "landmarks/tower/images/one"


@contextmanager
def by(actor: str, method: str = "X/Y") -> Iterator[None]:
    with audit.attempting(audit.Attempt(actor, method)):
        yield


@pytest.fixture
def keeping(url: str) -> Iterator[Catalogue]:
    with Catalogue.open(url, KEPT) as catalogue, by("keys/me"):
        yield catalogue


def events(catalogue: Catalogue, **wanted: Any) -> list[AuditEvent]:
    """The oldest first."""
    return list(audit.events(catalogue.database, page_size=1000, **wanted).items)[::-1]


def last(catalogue: Catalogue) -> AuditEvent:
    return audit.events(catalogue.database, page_size=1).items[0]


def undo(catalogue: Catalogue, event: AuditEvent, **more: Any) -> Any:
    return catalogue.undo_change(int(event.id), **more)


def test_a_change_tells_what_it_changed_entry_by_entry(keeping: Catalogue, make_features: MakeFeatures) -> None:
    draft = LandmarkDraft("Tower", "A clock.", LatLng(1.5, -2.25), {"a.b": "1", "c": "2"}, {"fr": ["Tour"]}, ["old"])
    keeping.create_landmark(draft, landmark_id="tower")
    keeping.update_landmark("tower", description="", metadata={"a.b": "1", "c": "3"}, labels=["old", "paris"])
    keeping.update_landmark("tower", location=None, aliases={"fr": ["La tour"]}, active=False)
    keeping.create_image(
        "tower", ImageDraft(make_features(), capture=Capture(None, "2024-05-01T12:30:00")), image_id="one"
    )
    keeping.update_image("tower", "one", capture_location=LatLng(0, 0), capture_time="", metadata={"by": "Ada"})
    keeping.delete_image("tower", "one")
    keeping.delete_landmark("tower")
    keeping.undelete_landmark("tower")
    found = [(event.resource, event.how, event.before, event.after) for event in events(keeping)]
    deleted = [after["delete_time"] for _, how, _, after in found if how is ChangedHow.DELETED and after]
    assert found == [
        (
            TOWER,
            ChangedHow.CREATED,
            None,
            {
                "display_name": "Tower",
                "active": True,
                "description": "A clock.",
                "location": {"latitude": 1.5, "longitude": -2.25},
                "metadata.a.b": "1",
                "metadata.c": "2",
                "aliases.fr": ["Tour"],
                "labels.old": True,
            },
        ),
        (
            TOWER,
            ChangedHow.UPDATED,
            {"description": "A clock.", "metadata.c": "2"},
            {"metadata.c": "3", "labels.paris": True},
        ),
        (
            TOWER,
            ChangedHow.UPDATED,
            {"location": {"latitude": 1.5, "longitude": -2.25}, "aliases.fr": ["Tour"], "active": True},
            {"aliases.fr": ["La tour"], "active": False},
        ),
        (ONE, ChangedHow.CREATED, None, {"capture_time": "2024-05-01T12:30:00"}),
        (
            ONE,
            ChangedHow.UPDATED,
            {"capture_time": "2024-05-01T12:30:00"},
            {"capture_location": {"latitude": 0.0, "longitude": 0.0}, "metadata.by": "Ada"},
        ),
        (ONE, ChangedHow.DELETED, {}, {"delete_time": deleted[0]}),
        (TOWER, ChangedHow.DELETED, {}, {"delete_time": deleted[1]}),
        (TOWER, ChangedHow.UNDELETED, {"delete_time": deleted[1]}, {}),
    ]


def test_each_of_a_batch_has_an_event(keeping: Catalogue, make_features: MakeFeatures) -> None:
    keeping.create_landmarks([(LandmarkDraft("A"), "a"), (LandmarkDraft("B"), "b")])
    for name in "ab":
        keeping.create_image(name, ImageDraft(make_features()), image_id="one")
    keeping.delete_images([("a", "one"), ("b", "one")])
    assert [(event.resource, event.how) for event in events(keeping)] == [
        ("landmarks/a", "created"),
        ("landmarks/b", "created"),
        ("landmarks/a/images/one", "created"),
        ("landmarks/b/images/one", "created"),
        ("landmarks/a/images/one", "deleted"),
        ("landmarks/b/images/one", "deleted"),
    ]
    with pytest.raises(AlreadyExistsError):
        keeping.create_landmarks([(LandmarkDraft("C"), "c"), (LandmarkDraft("A"), "a")])
    assert len(events(keeping)) == 6, "what was not done is not in the log"
    assert [event.id for event in events(keeping, resource="landmarks/b")] == ["2", "4", "6"]
    assert [event.batch for event in events(keeping)] == [1, 1, 3, 4, 5, 5]
    for number, batch in ((1, ["1", "2"]), (2, ["1", "2"]), (4, ["4"]), (6, ["5", "6"]), (9, [])):
        assert [event.id for event in events(keeping, batch=number)] == batch


def test_undoing_an_update_leaves_what_others_have_changed_meanwhile(keeping: Catalogue) -> None:
    draft = LandmarkDraft("Tower", metadata={"a": "1", "b": "1"}, labels=["x"])
    keeping.create_landmark(draft, landmark_id="tower")
    keeping.update_landmark("tower", metadata={"a": "2", "b": "1"}, labels=["y"], description="Mine.")
    mine = last(keeping)
    with by("keys/other"):
        keeping.update_landmark("tower", metadata={"a": "2", "b": "3", "c": "3"}, labels=["y", "z"], display_name="T")
    undone = undo(keeping, mine)
    now = keeping.get_landmark("tower")
    assert undone.resource == now
    assert (now.metadata, now.labels, now.description) == ({"a": "1", "b": "3", "c": "3"}, ("x", "z"), "")
    assert [one.id for one in keeping.list_landmarks(filter="names:t").items] == ["tower"]
    event = last(keeping)
    assert (event.id, event.undoes, event.how) == (str(undone.event), int(mine.id), ChangedHow.UPDATED)
    # An undo is a change: undone, it is done again.
    undo(keeping, event)
    again = keeping.get_landmark("tower")
    assert (again.metadata["a"], again.labels, again.description) == ("2", ("y", "z"), "Mine.")


def test_what_was_changed_since_is_not_put_back(keeping: Catalogue) -> None:
    keeping.create_landmark(LandmarkDraft("Tower", "First."), landmark_id="tower")
    created = last(keeping)
    keeping.update_landmark("tower", description="Mine.", labels=["a"])
    mine = last(keeping)
    with by("keys/other"):
        keeping.update_landmark("tower", description="Theirs.")
    theirs, before = last(keeping), keeping.get_landmark("tower")
    for event, fields in ((mine, "description"), (created, "description, labels.a")):
        with pytest.raises(ChangedSinceError) as caught:
            undo(keeping, event)
        assert caught.value.metadata == {"resource": TOWER, "fields": fields, "event": f"auditEvents/{theirs.id}"}
        assert f"by auditEvents/{theirs.id}" in caught.value.message
    assert keeping.get_landmark("tower") == before
    assert last(keeping) == theirs
    with pytest.raises(AbortedError, match="etag"):
        undo(keeping, theirs, etag='"other"')
    undo(keeping, theirs, etag=before.etag)
    undo(keeping, mine)
    assert keeping.get_landmark("tower").description == "First."
    with pytest.raises(ChangedSinceError, match=f"by auditEvents/{last(keeping).id}"):  # it is undone already
        undo(keeping, mine)


def test_a_value_that_came_back_by_another_way_counts_as_unchanged(keeping: Catalogue) -> None:
    keeping.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    keeping.update_landmark("tower", description="A")
    first = last(keeping)
    for description in ("B", "A"):
        keeping.update_landmark("tower", description=description)
    undo(keeping, first)
    assert keeping.get_landmark("tower").description == ""


def test_a_creation_is_undone_by_deletion_and_back(keeping: Catalogue, make_features: MakeFeatures) -> None:
    keeping.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    created = last(keeping)
    keeping.create_image("tower", ImageDraft(make_features()), image_id="one")
    added = last(keeping)
    with pytest.raises(FailedPreconditionError, match="1 reference image"):
        undo(keeping, created)
    image = undo(keeping, added).resource
    assert image.delete_time is not None
    assert keeping.image_count() == 0
    assert undo(keeping, created).resource.delete_time is not None
    undo(keeping, last(keeping))
    assert keeping.get_landmark("tower").delete_time is None
    undo(keeping, next(event for event in events(keeping) if event.undoes == int(added.id)))
    assert keeping.image_count() == 1


def test_an_undeletion_is_undone_with_the_images_unless_there_are_new_ones(
    keeping: Catalogue, make_features: MakeFeatures
) -> None:
    keeping.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    keeping.create_image("tower", ImageDraft(make_features(1)), image_id="one")
    keeping.delete_landmark("tower", force=True)
    deleted = last(keeping)
    undo(keeping, deleted)
    back = last(keeping)
    keeping.create_image("tower", ImageDraft(make_features(2)), image_id="two")
    with pytest.raises(ChangedSinceError, match="has got landmarks/tower/images/two since"):
        undo(keeping, back)
    keeping.delete_image("tower", "two")
    landmark = undo(keeping, back).resource
    assert landmark.delete_time.isoformat() == (deleted.after or {})["delete_time"]
    assert keeping.image_count() == 0
    undo(keeping, deleted)
    assert keeping.image_count() == 1
    with by("keys/other"):
        keeping.delete_landmark("tower", force=True)
    with pytest.raises(ChangedSinceError, match="delete_time"):
        undo(keeping, deleted)


def test_what_cannot_be_undone_says_why(keeping: Catalogue, make_features: MakeFeatures) -> None:
    with pytest.raises(NotFoundError, match="there is no auditEvents/7"):
        keeping.undo_change(7)
    audit.record_outcome(keeping.database, audit.Attempt("open", "X/Y", TOWER), "NOT_FOUND")
    with keeping.database.write() as connection:
        audit.record(connection, datetime.now(UTC), "keys/a")
    for number, why in ((1, "ended with NOT_FOUND"), (2, "does not have what it did")):
        with pytest.raises(FailedPreconditionError, match=f"auditEvents/{number} cannot be undone: .*{why}"):
            keeping.undo_change(number)
    keeping.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    keeping.update_landmark("tower", description="")
    with pytest.raises(FailedPreconditionError, match="it changed nothing"):
        undo(keeping, last(keeping))
    keeping.update_landmark("tower", description="A", metadata={str(number): "" for number in range(64)})
    keeping.update_landmark("tower", metadata={})
    emptied = last(keeping)
    keeping.update_landmark("tower", metadata={"new": ""})
    with pytest.raises(FailedPreconditionError, match="at most 64 entries, not 65"):
        undo(keeping, emptied)
    keeping.create_image("tower", ImageDraft(make_features()), image_id="one")
    keeping.update_image("tower", "one", metadata={"by": "Ada"})
    said = last(keeping)
    keeping.delete_image("tower", "one")
    deleted = last(keeping)
    keeping.delete_landmark("tower", force=True)
    for event in (said, deleted):
        with pytest.raises(FailedPreconditionError, match="landmarks/tower is deleted"):
            undo(keeping, event)


def test_a_repeat_gets_the_first_answer(keeping: Catalogue, make_features: MakeFeatures) -> None:
    request_id = "0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d"
    keeping.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    keeping.create_image("tower", ImageDraft(make_features()), image_id="one")
    first = undo(keeping, last(keeping), request_id=request_id)
    assert undo(keeping, events(keeping)[1], request_id=request_id) == first
    assert len(events(keeping)) == 3


def test_what_is_gone_for_good_leaves_no_text_in_the_log(keeping: Catalogue, make_features: MakeFeatures) -> None:
    for landmark_id in ("tower", "tower-2", "tower0"):
        keeping.create_landmark(LandmarkDraft("Tower", "find-me-first"), landmark_id=landmark_id)
    keeping.update_landmark("tower", description="find-me-later")
    keeping.create_image("tower", ImageDraft(make_features(), metadata={"by": "find-me-image"}), image_id="one")
    keeping.delete_image("tower", "one")
    keeping.purge(datetime.now(UTC) + 2 * KEPT)
    assert [event.after for event in events(keeping, resource=ONE)] == [None, None]
    assert last(keeping).actor == "keys/me"
    keeping.delete_landmark("tower")
    deleted = last(keeping)
    keeping.purge(datetime.now(UTC) + 2 * KEPT)
    keeping.database.forget_deleted()
    url = keeping.database.engine.url
    if url.get_backend_name() == "sqlite":  # PostgreSQL keeps rows that are gone until it vacuums
        content = b"".join(path.read_bytes() for path in Path(url.database or "").parent.iterdir())
        found = [text in content for text in (b"find-me-later", b"find-me-image", b"find-me-first")]
        assert found == [False, False, True]
    known = {event.resource for event in events(keeping) if event.after is not None}
    assert known == {"landmarks/tower-2", "landmarks/tower0"}
    with pytest.raises(FailedPreconditionError, match="gone for good"):
        undo(keeping, deleted)
    # Another landmark of the same id has a history of its own.
    keeping.create_landmark(LandmarkDraft("Another"), landmark_id="tower")
    with pytest.raises(FailedPreconditionError, match="gone for good"):
        undo(keeping, deleted)


def test_a_catalogue_that_retains_nothing_undoes_for_good(url: str, make_features: MakeFeatures) -> None:
    with Catalogue.open(url) as catalogue, by("open"):
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
        created = last(catalogue)
        catalogue.create_image("tower", ImageDraft(make_features(), "ab" * 32, 9, "image/png"), image_id="one")
        undone = undo(catalogue, last(catalogue))
        assert (undone.resource, undone.photos) == (None, ("ab" * 32,))
        assert undo(catalogue, created).resource is None
        with pytest.raises(FailedPreconditionError, match="gone for good"):
            undo(catalogue, last(catalogue))


def test_values_too_large_for_a_message_are_kept_but_not_listed(keeping: Catalogue) -> None:
    def large(letter: str) -> dict[str, Any]:
        return {
            "metadata": {f"{number:02}": letter * 4096 for number in range(64)},
            "aliases": {
                f"aa-x{number:04}": [f"{name:02}" + letter * 198 for name in range(20)] for number in range(64)
            },
        }

    keeping.create_landmark(LandmarkDraft("Tower", **large("🗼")), landmark_id="tower")
    before = keeping.get_landmark("tower")
    keeping.update_landmark("tower", **large("🏰"))
    page = audit.events(keeping.database)
    (changed,) = page.items
    assert (changed.values_omitted, set(changed.after or {})) == (True, set(changed.before or {}))
    assert set((changed.after or {}).values()) == {None}
    assert changed.how is ChangedHow.UPDATED
    (created,) = audit.events(keeping.database, page_token=page.next_page_token).items
    assert not created.values_omitted
    undo(keeping, changed)
    assert history.landmark_state(keeping.get_landmark("tower")) == history.landmark_state(before)
