from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, LatLng

DRAFT = LandmarkDraft(
    "Sacré-Cœur", description="A basilica.", location=LatLng(48.8867, 2.3431), metadata={"city": "Paris", "é": "ü\n"}
)


def test_a_new_landmark_is_what_was_asked_for(catalogue: Catalogue) -> None:
    before = datetime.now(UTC)
    landmark = catalogue.create_landmark(DRAFT)
    assert landmark.id == "sacre-coeur"
    assert (landmark.display_name, landmark.description) == ("Sacré-Cœur", "A basilica.")
    assert landmark.location == LatLng(48.8867, 2.3431)
    assert landmark.metadata == {"city": "Paris", "é": "ü\n"}
    assert landmark.reference_image_count == 0
    assert landmark.create_time == landmark.update_time
    assert before <= landmark.create_time <= datetime.now(UTC)
    assert landmark.create_time.utcoffset() == timedelta(0)
    assert landmark.etag.startswith('"')
    assert landmark.etag.endswith('"')
    assert catalogue.get_landmark("sacre-coeur") == landmark


def test_landmarks_outlive_the_process(url: str) -> None:
    with Catalogue.open(url) as catalogue:
        landmark = catalogue.create_landmark(DRAFT, landmark_id="x")
    with Catalogue.open(url) as catalogue:
        assert catalogue.get_landmark("x") == landmark


def test_chosen_ids_of_the_same_name_differ(catalogue: Catalogue) -> None:
    chosen = [catalogue.create_landmark(LandmarkDraft("Big Ben")).id for _ in range(12)]
    assert chosen[:9] == ["big-ben", *(f"big-ben-{number}" for number in range(2, 10))]
    assert len(set(chosen)) == 12
    assert all(landmark_id.startswith("big-ben-") for landmark_id in chosen[1:])


def test_a_taken_id_is_refused(catalogue: Catalogue) -> None:
    catalogue.create_landmark(LandmarkDraft("First"), landmark_id="x")
    with pytest.raises(AlreadyExistsError, match="landmarks/x exists already") as caught:
        catalogue.create_landmark(LandmarkDraft("Second"), landmark_id="x")
    assert caught.value.metadata == {"resource": "landmarks/x"}
    assert catalogue.get_landmark("x").display_name == "First"
    assert catalogue.list_landmarks().total_size == 1


@pytest.mark.parametrize("call", ["get_landmark", "update_landmark", "delete_landmark", "list_images"])
def test_an_unknown_landmark_is_not_found(catalogue: Catalogue, call: str) -> None:
    with pytest.raises(NotFoundError, match="there is no landmarks/nowhere") as caught:
        getattr(catalogue, call)("nowhere")
    assert caught.value.metadata == {"resource": "landmarks/nowhere"}


@pytest.mark.parametrize("call", ["get_landmark", "update_landmark", "delete_landmark", "list_images"])
def test_a_malformed_id_is_an_invalid_argument(catalogue: Catalogue, call: str) -> None:
    with pytest.raises(InvalidArgumentError, match="landmark_id must be"):
        getattr(catalogue, call)("Not/an id")


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"display_name": "Basilica"}, "display_name", "Basilica"),
        ({"description": ""}, "description", ""),
        ({"location": None}, "location", None),
        ({"location": LatLng(-90, 180)}, "location", LatLng(-90, 180)),
        ({"metadata": {}}, "metadata", {}),
    ],
)
def test_an_update_sets_what_is_given_and_nothing_else(
    catalogue: Catalogue, changes: dict[str, Any], field: str, value: object
) -> None:
    before = catalogue.create_landmark(DRAFT, landmark_id="x")
    after = catalogue.update_landmark("x", **changes)
    assert getattr(after, field) == value
    for other in {"id", "display_name", "description", "location", "metadata", "create_time"} - {field}:
        assert getattr(after, other) == getattr(before, other)
    assert after.etag != before.etag
    assert after.update_time >= before.update_time
    assert catalogue.get_landmark("x") == after


def test_an_outdated_etag_is_refused(catalogue: Catalogue) -> None:
    first = catalogue.create_landmark(DRAFT, landmark_id="x")
    second = catalogue.update_landmark("x", display_name="Second", etag=first.etag)
    with pytest.raises(AbortedError, match="changed by somebody else"):
        catalogue.update_landmark("x", display_name="Third", etag=first.etag)
    with pytest.raises(AbortedError):
        catalogue.delete_landmark("x", etag=first.etag)
    assert catalogue.get_landmark("x") == second
    catalogue.delete_landmark("x", etag=second.etag)
    with pytest.raises(NotFoundError):
        catalogue.get_landmark("x")


def test_a_landmark_made_anew_has_another_etag(catalogue: Catalogue) -> None:
    first = catalogue.create_landmark(DRAFT, landmark_id="x")
    catalogue.delete_landmark("x")
    assert catalogue.create_landmark(DRAFT, landmark_id="x").etag != first.etag


def test_images_keep_a_landmark_from_being_deleted_unless_forced(
    catalogue: Catalogue, make_features: Callable[..., FeatureSet]
) -> None:
    catalogue.create_landmark(DRAFT, landmark_id="x")
    catalogue.create_landmark(DRAFT, landmark_id="y")
    keys = [catalogue.create_image("x", ImageDraft(make_features(seed))).key for seed in range(3)]
    other = catalogue.create_image("y", ImageDraft(make_features(9))).key
    with pytest.raises(FailedPreconditionError, match="landmarks/x has 3 reference images"):
        catalogue.delete_landmark("x")
    assert catalogue.image_count() == 4
    catalogue.delete_landmark("x", force=True)
    assert catalogue.image_count() == 1
    assert set(catalogue.images([*keys, other])) == {other}
    assert set(catalogue.features([*keys, other])) == {other}
    removed = [(change.kind, change.image_key) for change in catalogue.changes_since(4)]
    assert removed == [("REMOVE", key) for key in keys]


def test_landmarks_by_id_leave_out_the_unknown(catalogue: Catalogue) -> None:
    landmark = catalogue.create_landmark(DRAFT, landmark_id="x")
    assert catalogue.landmarks(["nowhere", "x", "x"]) == {"x": landmark}
    assert catalogue.landmarks([]) == {}
