from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, update

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import (
    AbortedError,
    AlreadyExistsError,
    DataLossError,
    FailedPreconditionError,
    FeatureSetError,
    InvalidArgumentError,
    NotFoundError,
)
from steeple.server.catalogue import Catalogue, Change, ChangeKind, ImageDraft, LandmarkDraft, tables

MakeFeatures = Callable[..., FeatureSet]
SHA256 = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def landmark(catalogue: Catalogue) -> str:
    return catalogue.create_landmark(LandmarkDraft("A tower"), landmark_id="tower").id


@contextmanager
def queries(catalogue: Catalogue) -> Iterator[list[str]]:
    """The statements that the catalogue sends, transaction brackets apart."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    engine = catalogue._database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def assert_same_features(first: FeatureSet, second: FeatureSet) -> None:
    assert (first.model, first.width, first.height) == (second.model, second.width, second.height)
    for name in ("descriptors", "keypoints", "scales", "scores"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_a_new_image_is_what_was_asked_for(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    draft = ImageDraft(make_features(count=9), SHA256, 12345, "image/jpeg", {"by": "me"})
    image = catalogue.create_image("tower", draft, image_id="front")
    assert (image.landmark_id, image.id, image.model) == ("tower", "front", "delf-lite2-v1")
    assert (image.width, image.height, image.feature_count) == (640, 480, 9)
    assert (image.sha256, image.size_bytes, image.media_type) == (SHA256, 12345, "image/jpeg")
    assert image.metadata == {"by": "me"}
    assert catalogue.get_image("tower", "front") == image
    assert catalogue.images([image.key]) == {image.key: image}
    assert catalogue.list_images("tower").items == (image,)
    assert catalogue.get_landmark("tower").reference_image_count == 1
    assert catalogue.changes_since(0) == [Change(1, ChangeKind.ADD, image.key)]


def test_features_come_back_as_the_wire_carries_them(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    given = {seed: make_features(seed, count=seed + 1, width=65535, height=17 + seed) for seed in range(4)}
    keys = {catalogue.create_image("tower", ImageDraft(one)).key: one for one in given.values()}
    found = catalogue.features(keys)
    assert set(found) == set(keys)
    for key, features in found.items():
        assert_same_features(features, wire.unpack(wire.pack(keys[key])))


def test_an_image_of_most_features_is_stored(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    image = catalogue.create_image("tower", ImageDraft(make_features(count=4096)))
    assert len(catalogue.features([image.key])[image.key]) == image.feature_count == 4096


@pytest.mark.parametrize("call", ["images", "features"])
def test_twenty_images_take_one_query(catalogue: Catalogue, make_features: MakeFeatures, call: str) -> None:
    keys = [catalogue.create_image("tower", ImageDraft(make_features(seed))).key for seed in range(20)]
    with queries(catalogue) as sent:
        found = getattr(catalogue, call)(np.array([*keys, keys[0], -1], np.int64))
    assert set(found) == set(keys)
    assert len(sent) == 1
    assert sent[0].startswith("SELECT")


def test_keys_that_no_image_has_are_left_out(catalogue: Catalogue) -> None:
    assert catalogue.images([1, 0, -1, 2**63, 2**80]) == {}
    assert catalogue.features(range(1, 12_000)) == {}


def test_keys_are_never_used_again(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    first = catalogue.create_image("tower", ImageDraft(make_features()), image_id="a")
    catalogue.delete_image("tower", "a", etag=first.etag)
    second = catalogue.create_image("tower", ImageDraft(make_features()), image_id="a")
    assert second.key > first.key
    assert second.etag != first.etag
    assert catalogue.changes_since(0) == [
        Change(1, ChangeKind.ADD, first.key),
        Change(2, ChangeKind.REMOVE, first.key),
        Change(3, ChangeKind.ADD, second.key),
    ]
    assert catalogue.changes_since(1, limit=1) == [Change(2, ChangeKind.REMOVE, first.key)]
    assert catalogue.changes_since(3) == []
    assert catalogue.sequence() == 3


def test_a_sequence_from_the_future_is_refused(catalogue: Catalogue) -> None:
    assert catalogue.sequence() == 0
    with pytest.raises(FailedPreconditionError, match="rebuild the index"):
        catalogue.changes_since(1)
    with pytest.raises(InvalidArgumentError, match="sequence must not be negative"):
        catalogue.changes_since(-1)
    with pytest.raises(InvalidArgumentError, match="limit must be at least 1"):
        catalogue.changes_since(0, limit=0)


def test_a_deleted_image_is_gone_with_its_features(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    image = catalogue.create_image("tower", ImageDraft(make_features()), image_id="a")
    with pytest.raises(AbortedError):
        catalogue.delete_image("tower", "a", etag='"other"')
    assert catalogue.get_image("tower", "a") == image
    catalogue.delete_image("tower", "a")
    for call in (catalogue.get_image, catalogue.delete_image):
        with pytest.raises(NotFoundError, match="there is no landmarks/tower/images/a") as caught:
            call("tower", "a")
        assert caught.value.metadata == {"resource": "landmarks/tower/images/a"}
    assert catalogue.features([image.key]) == {}
    assert catalogue.get_landmark("tower").reference_image_count == 0


def test_the_same_image_id_may_stand_under_two_landmarks(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    catalogue.create_landmark(LandmarkDraft("Another"), landmark_id="bridge")
    keys = [catalogue.create_image(one, ImageDraft(make_features()), image_id="a").key for one in ("tower", "bridge")]
    with pytest.raises(AlreadyExistsError, match="landmarks/bridge/images/a exists already"):
        catalogue.create_image("bridge", ImageDraft(make_features()), image_id="a")
    catalogue.delete_image("tower", "a")
    assert set(catalogue.images(keys)) == {keys[1]}


def test_a_refused_image_leaves_nothing_behind(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    with pytest.raises(NotFoundError, match="there is no landmarks/nowhere"):
        catalogue.create_image("nowhere", ImageDraft(make_features()))
    with pytest.raises(FeatureSetError, match="without a local feature"):
        catalogue.create_image("tower", ImageDraft(make_features(count=0)))
    with pytest.raises(InvalidArgumentError, match="sha256 must be 64"):
        catalogue.create_image("tower", ImageDraft(make_features(), sha256="../../etc/passwd"))
    with pytest.raises(InvalidArgumentError, match="image_id must be"):
        catalogue.create_image("tower", ImageDraft(make_features()), image_id="a/b")
    assert (catalogue.image_count(), catalogue.sequence()) == (0, 0)


def test_totals_count_by_model_release(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    for count, model in ((3, "old"), (5, "new"), (8, "new")):
        catalogue.create_image("tower", ImageDraft(make_features(count=count, model=model)))
    assert catalogue.image_count() == 3
    assert [catalogue.descriptor_count(model) for model in ("old", "new", "unheard-of")] == [3, 13, 0]


def test_features_of_a_model_are_iterated_in_key_order(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    keys = [
        catalogue.create_image("tower", ImageDraft(make_features(seed, model="odd" if seed % 2 else "even"))).key
        for seed in range(140)
    ]
    catalogue.delete_image("tower", catalogue.images([keys[4]])[keys[4]].id)
    expected = [key for key in keys[::2] if key != keys[4]]
    iterated = list(catalogue.iterate_features("even"))
    assert [key for key, _ in iterated] == expected  # 69 of them: more than one batch
    assert_same_features(iterated[0][1], wire.unpack(wire.pack(make_features(0, model="even"))))
    assert [key for key, _ in catalogue.iterate_features("even", after_key=expected[10])] == expected[11:]
    assert list(catalogue.iterate_features("unheard-of")) == []


def test_photos_in_use(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    other = "f" * 64
    for image_id in ("a", "b"):
        catalogue.create_image("tower", ImageDraft(make_features(), sha256=SHA256), image_id=image_id)
    catalogue.delete_image("tower", "a")
    assert catalogue.photos_in_use([SHA256, other]) == {SHA256}
    catalogue.delete_image("tower", "b")
    assert catalogue.photos_in_use([SHA256, other]) == set()


def test_damaged_features_are_told(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    image = catalogue.create_image("tower", ImageDraft(make_features()))
    with catalogue.database.write() as connection:
        connection.execute(update(tables.image_features).values(geometry=b"\0"))
    with pytest.raises(DataLossError, match=f"features of image {image.key} are damaged"):
        catalogue.features([image.key])
