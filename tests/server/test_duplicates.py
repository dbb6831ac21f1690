"""Photos that are there already, nearly so, or under another landmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.features import FeatureSet
from steeple.errors import AlreadyExistsError
from steeple.server.catalogue import Duplicate, DuplicateKind, LandmarkDraft
from steeple.server.duplicates import DuplicatePolicy
from steeple.server.engine import Engine
from steeple.server.settings import Settings
from tests.scenes import encoded, scene

MakeFeatures = Callable[..., FeatureSet]
PHOTO = scene(21)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(Settings.load(data_dir=tmp_path_factory.mktemp("duplicates") / "data"))
    for landmark_id in ("a", "b", "c"):
        engine.catalogue.create_landmark(LandmarkDraft(landmark_id), landmark_id=landmark_id)
    engine.ingest.create_image("a", encoded(PHOTO), image_id="first")
    engine.ingest.create_image("c", encoded(scene(22)), image_id="stranger")
    yield engine
    engine.close()


def added(engine: Engine, landmark_id: str, photo: NDArray[np.uint8], suffix: str = ".jpg") -> list[Duplicate]:
    """Duplicates of a photo that is not kept."""
    image = engine.ingest.create_image(landmark_id, encoded(photo, suffix))
    engine.ingest.delete_image(landmark_id, image.id)
    return list(image.duplicates)


def test_the_same_file_is_told(engine: Engine) -> None:
    assert added(engine, "b", PHOTO) == [Duplicate("a", "first", DuplicateKind.SAME_PHOTO)]


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(cv2.resize(PHOTO, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA), id="smaller"),
        pytest.param(PHOTO[60:400, 80:540], id="crop"),
        pytest.param(np.clip(PHOTO.astype(np.int16) + 12, 0, 255).astype(np.uint8), id="brighter"),
    ],
)
@pytest.mark.parametrize("landmark_id", ["a", "b"])
def test_a_copy_is_told(engine: Engine, copy: NDArray[np.uint8], landmark_id: str) -> None:
    (duplicate,) = added(engine, landmark_id, copy, ".png")
    assert (duplicate.landmark_id, duplicate.image_id) == ("a", "first")
    assert duplicate.kind is DuplicateKind.NEAR_DUPLICATE
    assert duplicate.inliers > 60


def test_another_view_is_no_duplicate_but_under_another_landmark(engine: Engine) -> None:
    corners = np.array([[0, 0], [640, 0], [640, 480], [0, 480]], np.float32)
    seen = np.array([[60, 20], [560, 70], [600, 400], [20, 470]], np.float32)
    view = np.asarray(cv2.warpPerspective(PHOTO, cv2.getPerspectiveTransform(corners, seen), (640, 480)), np.uint8)
    assert added(engine, "a", view) == []
    (duplicate,) = added(engine, "b", view)
    assert (duplicate.landmark_id, duplicate.kind) == ("a", DuplicateKind.OTHER_LANDMARK)


def test_a_stranger_has_none(engine: Engine) -> None:
    assert added(engine, "b", scene(23)) == []


def test_duplicates_are_refused_when_asked_and_nothing_is_left(engine: Engine, make_features: MakeFeatures) -> None:
    before = engine.catalogue.sequence(), engine.index_keeper.index.stats()
    with pytest.raises(AlreadyExistsError, match="the photo is there already, as landmarks/a/images/first") as caught:
        engine.ingest.create_image("b", encoded(PHOTO), duplicate_policy=DuplicatePolicy.REFUSE)
    assert caught.value.metadata["resource"] == "landmarks/a/images/first"
    assert (engine.catalogue.sequence(), engine.index_keeper.index.stats()) == before
    request = "0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d"
    for _ in range(2):  # the repeat is answered, not refused as a duplicate of itself
        image = engine.ingest.create_image(
            "b", make_features(5), image_id="new", request_id=request, duplicate_policy=DuplicatePolicy.REFUSE
        )
        assert image.duplicates == ()
    engine.ingest.delete_image("b", "new")


def test_a_repeat_tells_the_duplicates_of_the_first_answer(engine: Engine) -> None:
    request = "1b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d"
    first = engine.ingest.create_image("b", encoded(PHOTO), image_id="again", request_id=request)
    assert [duplicate.kind for duplicate in first.duplicates] == [DuplicateKind.SAME_PHOTO]
    assert engine.ingest.create_image("b", encoded(PHOTO), image_id="again", request_id=request) == first
    assert engine.catalogue.get_image("b", "again").duplicates == ()
    engine.ingest.delete_image("b", "again")
