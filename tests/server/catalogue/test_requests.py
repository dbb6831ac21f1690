from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, LatLng

MakeFeatures = Callable[..., FeatureSet]
SHA256 = "ab" * 32


def new_id() -> str:
    return str(uuid4())


def test_a_repeated_creation_gets_the_first_answer(catalogue: Catalogue) -> None:
    request_id, draft = new_id(), LandmarkDraft("Tower", location=LatLng(1.5, -2), metadata={"a": "b"})
    first = catalogue.create_landmark(draft, request_id=request_id)
    assert catalogue.create_landmark(draft, request_id=request_id.upper()) == first
    catalogue.update_landmark(first.id, display_name="Bridge")
    assert catalogue.create_landmark(draft, request_id=request_id) == first
    catalogue.delete_landmark(first.id)
    assert catalogue.create_landmark(draft, request_id=request_id) == first
    assert catalogue.list_landmarks().total_size == 0


def test_a_repeat_is_known_after_a_restart(url: str, make_features: MakeFeatures) -> None:
    landmark_request, image_request = new_id(), new_id()
    landmark_draft, image_draft = LandmarkDraft("Tower"), ImageDraft(make_features())
    with Catalogue.open(url) as catalogue:
        landmark = catalogue.create_landmark(landmark_draft, request_id=landmark_request)
        image = catalogue.create_image("tower", image_draft, request_id=image_request)
    with Catalogue.open(url) as catalogue:
        assert catalogue.create_landmark(landmark_draft, request_id=landmark_request) == landmark
        assert catalogue.create_image("tower", image_draft, request_id=image_request) == image
        assert (catalogue.image_count(), catalogue.sequence()) == (1, 1)


def test_repeated_updates_and_deletions_do_nothing(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    landmark = catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    update_id, image_id, landmark_id = new_id(), new_id(), new_id()
    updated = catalogue.update_landmark("x", location=LatLng(1, 2), etag=landmark.etag, request_id=update_id)
    assert catalogue.update_landmark("x", location=LatLng(1, 2), etag=landmark.etag, request_id=update_id) == updated

    catalogue.create_image("x", ImageDraft(make_features()), image_id="a")
    catalogue.delete_image("x", "a", request_id=image_id)
    catalogue.create_image("x", ImageDraft(make_features()), image_id="a")
    catalogue.delete_image("x", "a", request_id=image_id)
    assert catalogue.image_count() == 1

    catalogue.delete_landmark("x", force=True, request_id=landmark_id)
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    catalogue.delete_landmark("x", force=True, request_id=landmark_id)
    assert catalogue.get_landmark("x").display_name == "Tower"


def test_other_content_under_the_same_request_id_is_refused(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    request_id = new_id()
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x", request_id=request_id)
    for attempt in (
        lambda: catalogue.create_landmark(LandmarkDraft("Bridge"), landmark_id="x", request_id=request_id),
        lambda: catalogue.create_landmark(LandmarkDraft("Tower"), request_id=request_id),
        lambda: catalogue.update_landmark("x", display_name="Tower", request_id=request_id),
        lambda: catalogue.delete_landmark("x", request_id=request_id),
        lambda: catalogue.create_image("x", ImageDraft(make_features()), request_id=request_id),
        lambda: catalogue.delete_image("x", "a", request_id=request_id),
    ):
        with pytest.raises(InvalidArgumentError, match="was used before with other content") as caught:
            attempt()
        assert caught.value.metadata == {"field": "request_id"}
    assert catalogue.list_landmarks().total_size == 1


def test_other_features_are_other_content(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    request_id = new_id()
    catalogue.create_image("x", ImageDraft(make_features(1)), request_id=request_id)
    with pytest.raises(InvalidArgumentError, match="other content"):
        catalogue.create_image("x", ImageDraft(make_features(2)), request_id=request_id)


def test_a_failed_request_can_be_repeated_in_earnest(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    request_id = new_id()
    with pytest.raises(NotFoundError):
        catalogue.create_image("x", ImageDraft(make_features()), image_id="a", request_id=request_id)
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    catalogue.create_image("x", ImageDraft(make_features()), image_id="a", request_id=request_id)
    assert catalogue.image_count() == 1


def test_a_repeat_is_known_before_the_features_are(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    request_id, metadata = new_id(), {"by": "me"}
    ask = {"source": SHA256, "metadata": metadata, "image_id": "a", "request_id": request_id}
    assert catalogue.replayed_image("x", **ask) is None  # type: ignore[arg-type]
    draft = ImageDraft(make_features(1), SHA256, 10, "image/png", metadata)
    image = catalogue.create_image("x", draft, image_id="a", request_id=request_id)
    assert catalogue.replayed_image("x", **ask) == image  # type: ignore[arg-type]
    # A newer extractor sees other features in the same photo: still the same request.
    again = ImageDraft(make_features(2), SHA256, 10, "image/png", metadata)
    assert catalogue.create_image("x", again, image_id="a", request_id=request_id) == image
    with pytest.raises(InvalidArgumentError, match="other content"):
        catalogue.replayed_image("x", source="cd" * 32, metadata=metadata, image_id="a", request_id=request_id)


def test_what_would_be_refused_is_refused_before_the_extraction(
    catalogue: Catalogue, make_features: MakeFeatures
) -> None:
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    catalogue.create_image("x", ImageDraft(make_features()), image_id="a")
    with pytest.raises(NotFoundError):
        catalogue.replayed_image("nowhere", source=SHA256)
    with pytest.raises(AlreadyExistsError):
        catalogue.replayed_image("x", source=SHA256, image_id="a", request_id=new_id())
    with pytest.raises(InvalidArgumentError, match="metadata keys"):
        catalogue.replayed_image("x", source=SHA256, metadata={"": "b"})
    with pytest.raises(InvalidArgumentError, match="image_id must be"):
        catalogue.replayed_image("x", source=SHA256, image_id="-")
    assert catalogue.replayed_image("x", source=SHA256, image_id="b") is None


@pytest.mark.parametrize("bad", ["1", "x" * 36, str(UUID(int=0)), "{" + str(UUID(int=5)) + "}", UUID(int=5).hex])
def test_a_request_id_must_be_a_uuid(catalogue: Catalogue, bad: str) -> None:
    with pytest.raises(InvalidArgumentError, match="request_id must be a UUID"):
        catalogue.create_landmark(LandmarkDraft("Tower"), request_id=bad)
    assert catalogue.list_landmarks().total_size == 0
