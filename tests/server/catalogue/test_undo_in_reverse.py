"""Whatever was done, undoing it in reverse leads back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steeple.delf.features import FeatureSet
from steeple.errors import SteepleError
from steeple.server.catalogue import Catalogue, ChangeKind, ImageDraft, LandmarkDraft, LatLng, audit, history
from steeple.server.catalogue.audit import AuditEvent
from tests.engines.catalogues import Catalogues

MakeFeatures = Callable[..., FeatureSet]

TEXTS = st.sampled_from(["", "a", "b", "é"])
ENTRIES = st.dictionaries(st.sampled_from(["a", "b.c", "d"]), TEXTS, max_size=3)
PLACES = st.sampled_from([None, LatLng(0, 0), LatLng(48.85, 2.35)])
IMAGES = st.sampled_from(["one", "two"])
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "display_name": TEXTS.map("Tower {}".format),
    "description": TEXTS,
    "location": PLACES,
    "metadata": ENTRIES,
    "aliases": st.dictionaries(st.sampled_from(["fr", "de"]), st.lists(st.sampled_from(["x", "y"]), max_size=2)),
    "labels": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3),
    "active": st.booleans(),
}
IMAGE_CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "metadata": ENTRIES,
    "capture_location": PLACES,
    "capture_time": st.sampled_from(["", "2024-05-01T12:30:00"]),
}
STEPS = st.one_of(
    st.tuples(st.just("update_landmark"), st.fixed_dictionaries({}, optional=CHANGES)),
    st.tuples(st.just("create_image"), IMAGES),
    st.tuples(st.just("update_image"), IMAGES, st.fixed_dictionaries({}, optional=IMAGE_CHANGES)),
    st.tuples(st.just("delete_image"), IMAGES),
    st.tuples(st.just("undelete_image"), IMAGES),
    st.tuples(st.just("delete_landmark")),
    st.tuples(st.just("undelete_landmark")),
    st.tuples(st.just("undo_change"), st.integers(1, 12)),
)


def carry_out(catalogue: Catalogue, features: FeatureSet, step: tuple[Any, ...]) -> None:
    match step:
        case ("update_landmark", changes):
            catalogue.update_landmark("tower", **changes)
        case ("create_image", image_id):
            catalogue.create_image("tower", ImageDraft(features), image_id=image_id)
        case ("update_image", image_id, changes):
            catalogue.update_image("tower", image_id, **changes)
        case ("delete_landmark",):
            catalogue.delete_landmark("tower", force=True)
        case ("undelete_landmark",):
            catalogue.undelete_landmark("tower")
        case (call, argument):
            getattr(catalogue, call)(*(("tower", argument) if call.endswith("image") else (argument,)))


def events(catalogue: Catalogue) -> list[AuditEvent]:
    """The oldest first."""
    return list(audit.events(catalogue.database, page_size=1000).items)[::-1]


def all_of(catalogue: Catalogue) -> tuple[object, ...]:
    """What is said of everything, and what searches find."""
    found: set[int] = set()
    for change in catalogue.changes_since(0):
        if change.kind is not ChangeKind.FACTS:
            (found.add if change.kind is ChangeKind.ADD else found.discard)(change.image_key)
    landmark = catalogue.get_landmark("tower")
    images = catalogue.list_images("tower", show_deleted=True).items
    states = {image.id: history.image_state(image) for image in images}
    assert found == {key for key, _ in catalogue.iterate_features("delf-lite2-v1")}
    return history.landmark_state(landmark), states, found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=12))
def test_undoing_whatever_was_done_in_reverse_leads_back(
    make_features: MakeFeatures, catalogues: Catalogues, steps: list[Any]
) -> None:
    with (
        catalogues.lent() as url,
        Catalogue.open(url, timedelta(days=3)) as catalogue,
        audit.attempting(audit.Attempt("keys/me", "X/Y")),
    ):
        catalogue.create_landmark(LandmarkDraft("Tower", metadata={"a": "a"}), landmark_id="tower")
        states = {len(events(catalogue)): all_of(catalogue)}
        for step in steps:
            with suppress(SteepleError):  # what is not to be done changes nothing
                carry_out(catalogue, make_features(1), step)
            states[len(events(catalogue))] = all_of(catalogue)
        for event in events(catalogue)[:0:-1]:
            if event.before is not None and not event.before and not event.after:
                continue  # it changed nothing
            catalogue.undo_change(int(event.id))
            now, before = all_of(catalogue), states[int(event.id) - 1]
            assert now[0::2] == before[0::2]
            assert not_deleted(now[1]) == not_deleted(before[1])  # of a creation that is undone, a trace is kept


def not_deleted(states: Any) -> dict[str, Any]:
    """Of the images that are not deleted."""
    return {name: state for name, state in states.items() if "delete_time" not in state}
