"""The change log tells of what an index may have beside the descriptors, and an older server takes no harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy

from steeple.delf.features import FeatureSet
from steeple.server.catalogue import (
    Catalogue,
    ChangeKind,
    CommonChanges,
    ImageDraft,
    LandmarkChanges,
    LandmarkDraft,
    LatLng,
    tables,
)

MakeFeatures = Callable[..., FeatureSet]


@pytest.fixture
def filled(catalogue: Catalogue, make_features: MakeFeatures) -> Catalogue:
    for name in ("a", "b"):
        catalogue.create_landmark(LandmarkDraft(name, location=LatLng(1.0, 2.0), labels=["old"]), landmark_id=name)
        for number in range(2):
            catalogue.create_image(name, ImageDraft(make_features(number, count=4)), image_id=f"i{number}")
    catalogue.delete_image("a", "i1")
    return catalogue


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labels": ["new", "old"]}, [ChangeKind.FACTS]),
        ({"location": LatLng(1.0, 2.5)}, [ChangeKind.FACTS]),
        ({"location": None}, [ChangeKind.FACTS]),
        ({"labels": ["old"], "location": LatLng(1.0, 2.0), "display_name": "Other"}, []),
        ({"description": "text", "metadata": {"a": "b"}}, []),
        ({"labels": [], "active": False}, [ChangeKind.REMOVE]),
    ],
)
def test_searchable_images_of_a_landmark_are_told_of(
    filled: Catalogue, changes: LandmarkChanges, told: list[ChangeKind]
) -> None:
    before = filled.sequence()
    filled.update_landmark("a", **changes)
    found = filled.changes_since(before)
    assert [(change.kind, change.image_key) for change in found] == [(kind, 1) for kind in told]


def test_an_inactive_landmark_is_not_searched_and_not_told_of(filled: Catalogue) -> None:
    filled.update_landmark("a", active=False)
    before = filled.sequence()
    filled.update_landmark("a", labels=["new"])
    assert filled.sequence() == before
    filled.update_landmark("a", labels=["newer"], active=True)
    assert [change.kind for change in filled.changes_since(before)] == [ChangeKind.ADD], "with all that is new"


def test_many_landmarks_at_once_are_told_of(filled: Catalogue) -> None:
    before = filled.sequence()
    filled.update_landmarks(["a", "b"], CommonChanges(add_labels=["seen"]))
    assert [change.kind for change in filled.changes_since(before)] == [ChangeKind.FACTS] * 3


def test_a_server_that_knows_no_such_change_takes_it_for_an_image_that_came(filled: Catalogue) -> None:
    filled.update_landmark("a", labels=[])
    with filled.database.read() as connection:
        kinds = connection.execute(sqlalchemy.select(tables.change.c.kind).order_by(tables.change.c.sequence)).scalars()
        assert list(kinds)[-1] == "ADD"
