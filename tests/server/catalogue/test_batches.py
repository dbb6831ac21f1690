"""Several at once: all or none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft

MakeFeatures = Callable[..., FeatureSet]
REQUEST = "0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d"


def drafts(*ids: str) -> list[tuple[LandmarkDraft, str]]:
    return [(LandmarkDraft(f"Tower {landmark_id}", labels=["b", "a"]), landmark_id) for landmark_id in ids]


def test_landmarks_are_created_in_their_order_and_once(catalogue: Catalogue) -> None:
    created = catalogue.create_landmarks([*drafts("z", "a"), (LandmarkDraft("Tower"), "")], request_id=REQUEST)
    assert [landmark.id for landmark in created] == ["z", "a", "tower"]
    assert created[0].labels == ("a", "b")
    assert catalogue.create_landmarks([*drafts("z", "a"), (LandmarkDraft("Tower"), "")], request_id=REQUEST) == created
    assert catalogue.list_landmarks().total_size == 3


def test_one_that_is_refused_refuses_all(catalogue: Catalogue) -> None:
    catalogue.create_landmarks(drafts("there"))
    with pytest.raises(AlreadyExistsError, match=r"requests\[1\]: landmarks/there exists already") as caught:
        catalogue.create_landmarks(drafts("a", "there", "b"))
    assert caught.value.metadata["resource"] == "landmarks/there"
    with pytest.raises(AlreadyExistsError, match=r"requests\[1\]: landmarks/a exists"):
        catalogue.create_landmarks(drafts("a", "a"))
    with pytest.raises(InvalidArgumentError) as wrong:
        catalogue.create_landmarks([*drafts("a"), (LandmarkDraft(" "), "")])
    assert wrong.value.metadata["field"] == "requests[1].display_name"
    assert [landmark.id for landmark in catalogue.list_landmarks().items] == ["there"]


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_is_one_to_a_hundred(catalogue: Catalogue, count: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"must be 1 to 100, not {count}"):
        catalogue.create_landmarks(drafts("a") * count)
    with pytest.raises(InvalidArgumentError, match=f"must be 1 to 100, not {count}"):
        catalogue.delete_images([("a", "b")] * count)


def test_images_are_deleted_all_or_none(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    for landmark_id in ("a", "b"):
        catalogue.create_landmark(LandmarkDraft("T"), landmark_id=landmark_id)
        catalogue.create_image(landmark_id, ImageDraft(make_features()), image_id="one")
    before = catalogue.sequence()
    for names in ([("a", "one"), ("b", "two")], [("a", "one"), ("a", "one")]):
        with pytest.raises(NotFoundError, match=r"names\[1\]: "):
            catalogue.delete_images(names)
    assert (catalogue.image_count(), catalogue.sequence()) == (2, before)
    for _ in range(2):
        catalogue.delete_images([("a", "one"), ("b", "one")], request_id=REQUEST)
    assert catalogue.image_count() == 0
