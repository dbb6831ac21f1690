"""Which photos of a landmark see the same: found with the real index and verification, of views that are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from steeple.errors import NotFoundError
from steeple.server.catalogue import LandmarkDraft, LatLng
from steeple.server.coverage import Coverage, Coverages, GapKind, coverages
from steeple.server.duplicates import DuplicatePolicy
from steeple.server.engine import Engine
from steeple.server.settings import Settings

from .conftest import Features
from .test_surroundings import TOWER, moved

FIRST, SECOND = {"a0", "a1", "a2", "burst"}, {"b0", "b1", "b2"}
APART = (*sorted(FIRST | SECOND), "stranger")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(Settings.load(data_dir=tmp_path / "data"))
    yield opened
    opened.close()


def fill(engine: Engine, features: Features, names: tuple[str, ...] = APART, location: LatLng | None = TOWER) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("Tower", location=location), landmark_id="tower")
    for name in names:
        add(engine, features, name)


def add(engine: Engine, features: Features, name: str) -> None:
    engine.ingest.create_image("tower", features[name], image_id=name, duplicate_policy=DuplicatePolicy.NONE)


def look(found: Coverages, steps: int = 1000) -> Coverage:
    looked = found.look("tower")
    with looked.survey.looking(looked.features):
        for _ in range(steps):
            if looked.survey.finished:
                break
            looked.survey.step()
    return found.told(looked)


def groups(found: Coverage) -> list[set[str]]:
    return [set(group.image_ids) for group in found.groups]


def test_photos_are_grouped_by_what_they_see(engine: Engine, features: Features) -> None:
    fill(engine, features)
    found = look(engine.coverages)
    assert groups(found) == [FIRST, SECOND]
    assert [group.views for group in found.groups] == [3, 3], "a burst is one view"
    assert list(found.single_ids) == ["stranger"]
    assert (found.partial, found.compared, found.image_count, len(found.images)) == (False, 8, 8, 8)
    ends = [{found.images[place].image.id for place in (match.first, match.second)} for match in found.matches]
    assert all(pair <= FIRST or pair <= SECOND for pair in ends)
    assert len(ends) == 6 + 3, "each of a building with each"
    assert all(match.inliers >= 50 for match in found.matches)
    assert [pair for pair, match in zip(ends, found.matches, strict=True) if match.near_duplicate] == [{"a0", "burst"}]
    kinds = [gap.kind for gap in found.gaps]
    assert kinds[:2] == [GapKind.SEPARATE_GROUPS, GapKind.SINGLE_IMAGES]
    assert found.model == engine.release.name


def test_one_photo_connects_groups_and_is_noticed(engine: Engine, features: Features) -> None:
    fill(engine, features)
    assert len(look(engine.coverages).groups) == 2
    add(engine, features, "both")
    found = look(engine.coverages)
    assert groups(found) == [FIRST | SECOND | {"both"}]
    assert found.groups[0].image_ids[0] == "both", "it agrees with most others"
    assert found.groups[0].views == 7
    engine.ingest.delete_image("tower", "both")
    assert groups(look(engine.coverages)) == [FIRST, SECOND]


def test_what_was_found_is_remembered_and_gone_on_with(engine: Engine, features: Features) -> None:
    fill(engine, features)
    nothing = look(engine.coverages, steps=0)
    assert (nothing.partial, nothing.compared, list(nothing.matches)) == (True, 0, [])
    assert GapKind.SINGLE_IMAGES not in [gap.kind for gap in nothing.gaps], "it is too early to say"
    some = look(engine.coverages, steps=1 + 3)  # all are added in one
    assert (some.partial, some.compared) == (True, 3)
    rest = look(engine.coverages, steps=1 + 5)
    assert (rest.partial, rest.compared) == (False, 8)
    again = look(engine.coverages, steps=0)
    assert again == rest
    assert not engine.coverages.look("tower").features, "nothing is read that is not needed"
    fresh = look(Coverages(engine.catalogue, engine.serving))
    assert (fresh.groups, fresh.matches, fresh.images) == (rest.groups, rest.matches, rest.images)


def test_what_is_said_of_photos_is_not_remembered(engine: Engine, features: Features) -> None:
    fill(engine, features, ("a0", "a1", "b0"))
    look(engine.coverages)
    for name, degrees, time in (("a0", 0, "2024-05-01T12:30:00"), ("a1", 90, "2024-06-01T23:00:00")):
        place = moved(TOWER, degrees, 80)
        engine.catalogue.update_image("tower", name, capture_location=place, capture_time=time)
    found = look(engine.coverages, steps=0)
    assert not found.partial, "the photos are the same"
    around = found.surroundings
    assert [sector.count for sector in around.sectors] == [1, 0, 1, 0, 0, 0, 0, 0]
    assert (around.placed, around.timed, around.hours[23], around.months[5]) == (2, 2, 1, 1)


def test_no_more_photos_are_compared_than_may_be(
    engine: Engine, features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverages, "MOST_COMPARED", 3)
    fill(engine, features)
    found = look(engine.coverages)
    assert (found.image_count, len(found.images), found.compared, found.partial) == (8, 3, 3, False)
    best = sorted(
        engine.catalogue.list_images("tower").items,
        key=lambda image: (-(image.quality.grade if image.quality else -1), -image.feature_count, image.key),
    )
    assert {one.image.id for one in found.images} == {image.id for image in best[:3]}
    assert GapKind.FEW_VIEWS not in [gap.kind for gap in found.gaps], "others were not looked at"


def test_one_photo_and_none(engine: Engine, features: Features) -> None:
    fill(engine, features, ())
    none = look(engine.coverages)
    assert (none.image_count, none.partial, [gap.kind for gap in none.gaps]) == (0, False, [GapKind.FEW_VIEWS])
    add(engine, features, "a0")
    one = look(engine.coverages)
    assert (one.compared, one.partial, list(one.single_ids)) == (1, False, ["a0"])
    assert one.gaps[0].kind is GapKind.FEW_VIEWS
    with pytest.raises(NotFoundError):
        engine.coverages.look("nowhere")


def test_only_some_landmarks_are_remembered(
    engine: Engine, features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverages, "_REMEMBERED", 1)
    fill(engine, features, ("a0", "a1"))
    look(engine.coverages)
    engine.catalogue.create_landmark(LandmarkDraft("Other"), landmark_id="other")
    engine.coverages.look("other")
    assert look(engine.coverages, steps=0).partial
