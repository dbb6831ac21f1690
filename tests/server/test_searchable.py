"""What is found after it was made inactive, deleted or brought back, and across restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from steeple.delf.features import FeatureSet
from steeple.recognition import Accumulated
from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.settings import Settings

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(data_dir=tmp_path / "data")


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = Engine(settings)
    yield engine
    engine.close()


def found(engine: Engine, source: FeatureSet) -> str | None:
    answer = engine.identify(source, max_candidates=5)
    return answer.candidates[0].landmark.id if answer.identified else None


def add(engine: Engine, landmark_id: str, *sources: bytes | FeatureSet) -> None:
    engine.catalogue.create_landmark(LandmarkDraft(landmark_id), landmark_id=landmark_id)
    for number, source in enumerate(sources):
        engine.ingest.create_image(landmark_id, source, image_id=f"i{number}")


def test_an_inactive_landmark_is_not_found_until_it_is_active(
    engine: Engine, settings: Settings, make_features: MakeFeatures
) -> None:
    add(engine, "a", make_features(1))
    add(engine, "b", make_features(2))
    engine.ingest.update_landmark("a", active=False)
    assert engine.index_keeper.index.stats().images == 1, "it is left out of the search, not of its answer"
    assert (found(engine, make_features(1)), found(engine, make_features(2))) == (None, "b")
    engine.close()
    again = Engine(settings)
    assert found(again, make_features(1)) is None
    again.ingest.update_landmark("a", active=True)
    assert found(again, make_features(1)) == "a"
    again.close()
    last = Engine(settings)
    assert found(last, make_features(1)) == "a"
    last.close()


def test_what_is_deleted_comes_back_at_once(engine: Engine, make_features: MakeFeatures) -> None:
    add(engine, "a", make_features(1), make_features(3))
    engine.ingest.delete_image("a", "i0")
    assert (found(engine, make_features(1)), found(engine, make_features(3))) == (None, "a")
    engine.ingest.undelete_image("a", "i0")
    assert found(engine, make_features(1)) == "a"
    engine.ingest.delete_landmark("a", force=True)
    assert (found(engine, make_features(1)), found(engine, make_features(3))) == (None, None)
    engine.ingest.undelete_landmark("a")
    assert (found(engine, make_features(1)), found(engine, make_features(3))) == ("a", "a")


def test_photos_go_when_nothing_can_bring_them_back(engine: Engine, settings: Settings, make_photo: MakePhoto) -> None:
    def photos() -> int:
        return sum(path.is_file() for path in Path(settings.photos_url).rglob("*"))

    add(engine, "a", make_photo(1), make_photo(2))
    engine.ingest.delete_image("a", "i0")
    engine.ingest.delete_landmark("a", force=True)
    engine.ingest.purge()
    assert photos() == 2
    assert engine.ingest.photo("a", "i1")[0] == make_photo(2)
    engine.ingest.purge(datetime.now(UTC) + timedelta(days=settings.deleted_retention_days, seconds=1))
    assert photos() == 0


def test_answers_are_counted_for_the_image_that_supports_them(engine: Engine, make_features: MakeFeatures) -> None:
    add(engine, "a", make_features(1), make_features(3))
    for _ in range(3):
        assert engine.identify(make_features(3), max_candidates=1).identified
    engine.identify(make_features(9), max_candidates=1)
    engine._identify_counts.save()
    counts = {image.id: image.identify_count for image in engine.catalogue.list_images("a").items}
    assert counts == {"i0": 0, "i1": 3}


def test_a_query_in_parts_is_counted_once(engine: Engine, make_features: MakeFeatures) -> None:
    features = make_features(1)
    add(engine, "a", features)
    so_far = Accumulated()
    for rows in (np.arange(100), np.arange(100, 200)):
        answer = engine.identify(features.chosen(rows), max_candidates=1, so_far=so_far)
        assert answer.identified
    engine._identify_counts.save()
    assert engine.catalogue.get_image("a", "i0").identify_count == 1
    found(engine, features)
    engine._identify_counts.save()
    assert engine.catalogue.get_image("a", "i0").identify_count == 2
