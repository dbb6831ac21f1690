"""What is deleted is kept, comes back whole, and goes for good when its time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, Restriction

MakeFeatures = Callable[..., FeatureSet]
KEPT = timedelta(days=3)
MODEL = "delf-lite2-v1"


@pytest.fixture
def keeping(url: str) -> Iterator[Catalogue]:
    with Catalogue.open(url, KEPT) as catalogue:
        yield catalogue


@pytest.fixture
def keys(keeping: Catalogue, make_features: MakeFeatures) -> dict[str, int]:
    """Keys of the images one and two of tower."""
    keeping.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    drafts = {"one": ImageDraft(make_features(1), "ab" * 32, 9, "image/png"), "two": ImageDraft(make_features(2))}
    return {name: keeping.create_image("tower", draft, image_id=name).key for name, draft in drafts.items()}


def searched(catalogue: Catalogue) -> set[int]:
    """Keys of what searches may find, by every path that leads there, which must agree."""
    by_history: set[int] = set()
    for change in catalogue.changes_since(0):
        (by_history.add if change.kind == "ADD" else by_history.discard)(change.image_key)
    assert {key for key, _ in catalogue.iterate_features(MODEL)} == by_history
    assert set(catalogue.image_keys(Restriction())) == by_history
    assert set(catalogue.images(range(100))) == by_history
    assert catalogue.descriptor_count(MODEL) == 7 * len(by_history)
    assert catalogue.image_count() == len(by_history)
    return by_history


def test_a_deleted_image_is_kept_and_comes_back(keeping: Catalogue, keys: dict[str, int]) -> None:
    before = keeping.get_image("tower", "one")
    keeping.delete_image("tower", "one")
    assert searched(keeping) == {keys["two"]}
    kept = keeping.get_image("tower", "one")
    assert kept.delete_time is not None
    assert kept.expire_time == kept.delete_time + KEPT
    assert kept.etag != before.etag
    assert [image.id for image in keeping.list_images("tower").items] == ["two"]
    assert [image.id for image in keeping.list_images("tower", show_deleted=True).items] == ["one", "two"]
    assert keeping.get_landmark("tower").reference_image_count == 1
    assert keeping.photos_in_use(["ab" * 32]) == {"ab" * 32}
    with pytest.raises(NotFoundError, match="is deleted already"):
        keeping.delete_image("tower", "one")
    with pytest.raises(AbortedError):
        keeping.undelete_image("tower", "one", etag=before.etag)
    assert keeping.undelete_image("tower", "one", etag=kept.etag) == before
    assert searched(keeping) == set(keys.values())
    with pytest.raises(AlreadyExistsError, match="is not deleted"):
        keeping.undelete_image("tower", "one")


def test_the_id_of_what_is_deleted_stays_taken(
    keeping: Catalogue, keys: dict[str, int], make_features: MakeFeatures
) -> None:
    keeping.delete_image("tower", "one")
    with pytest.raises(AlreadyExistsError, match="is deleted but kept: choose another id or undelete it"):
        keeping.create_image("tower", ImageDraft(make_features(5)), image_id="one")
    keeping.delete_landmark("tower", force=True)
    with pytest.raises(AlreadyExistsError, match="is deleted but kept: choose another id or undelete it"):
        keeping.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")


def test_a_landmark_comes_back_with_the_images_that_it_had(
    keeping: Catalogue, keys: dict[str, int], make_features: MakeFeatures
) -> None:
    keeping.delete_image("tower", "one")
    with pytest.raises(FailedPreconditionError, match="has 1 reference image;"):
        keeping.delete_landmark("tower")
    keeping.delete_landmark("tower", force=True)
    assert searched(keeping) == set()
    assert keeping.landmarks(["tower"]) == {}
    assert keeping.list_landmarks().items == ()
    assert [landmark.id for landmark in keeping.list_landmarks(show_deleted=True).items] == ["tower"]
    for change in (
        lambda: keeping.update_landmark("tower", description="x"),
        lambda: keeping.create_image("tower", ImageDraft(make_features(5))),
        lambda: keeping.delete_image("tower", "two"),
        lambda: keeping.undelete_image("tower", "one"),
    ):
        with pytest.raises(FailedPreconditionError, match="landmarks/tower is deleted; undelete it first"):
            change()
    back = keeping.undelete_landmark("tower")
    assert (back.delete_time, back.expire_time, back.reference_image_count) == (None, None, 1)
    assert searched(keeping) == {keys["two"]}


def test_an_inactive_landmark_is_never_found(
    keeping: Catalogue, keys: dict[str, int], make_features: MakeFeatures
) -> None:
    keeping.update_landmark("tower", active=False)
    assert searched(keeping) == set()
    added = keeping.create_image("tower", ImageDraft(make_features(5))).key
    keeping.update_landmark("tower", active=False, description="again")
    keeping.delete_image("tower", "one")
    keeping.delete_landmark("tower", force=True)
    keeping.undelete_landmark("tower")
    keeping.undelete_image("tower", "one")
    assert searched(keeping) == set()
    keeping.update_landmark("tower", active=True)
    assert searched(keeping) == {*keys.values(), added}


def test_what_has_expired_goes_for_good(keeping: Catalogue, keys: dict[str, int]) -> None:
    keeping.create_landmark(LandmarkDraft("Empty"), landmark_id="empty")
    keeping.delete_landmark("empty")
    keeping.delete_image("tower", "one")
    now = datetime.now(UTC)
    assert keeping.purge(now + KEPT - timedelta(seconds=60)) == set()
    assert keeping.get_image("tower", "one").delete_time is not None
    assert keeping.purge(now + KEPT) == {"ab" * 32}
    with pytest.raises(NotFoundError):
        keeping.undelete_image("tower", "one")
    with pytest.raises(NotFoundError):
        keeping.get_landmark("empty")
    assert searched(keeping) == {keys["two"]}
    keeping.delete_landmark("tower", force=True)
    keeping.purge(now + 2 * KEPT)
    with pytest.raises(NotFoundError):
        keeping.get_image("tower", "two")
    assert keeping.features(keys.values()) == {}
    assert searched(keeping) == set()


def test_aliases_and_labels_are_kept_in_one_form(keeping: Catalogue) -> None:
    draft = LandmarkDraft("T", aliases={"ZH-hant-tw": ["塔", "塔"], "fr": []}, labels=["b", "a", "b"])
    landmark = keeping.create_landmark(draft, landmark_id="t")
    assert (landmark.aliases, landmark.labels, landmark.active) == ({"zh-Hant-TW": ["塔"]}, ("a", "b"), True)
    assert keeping.update_landmark("t", display_name="U").aliases == landmark.aliases
    assert [found.id for found in keeping.list_landmarks(filter="塔").items] == ["t"]
    assert keeping.update_landmark("t", aliases={}, labels=[]).labels == ()
    assert keeping.list_landmarks(filter="塔").items == ()


@pytest.mark.parametrize(
    "draft",
    [
        LandmarkDraft("T", aliases={"french!": ["x"]}),
        LandmarkDraft("T", aliases={"fr": [" "]}),
        LandmarkDraft("T", aliases={"fr": ["x"] * 21}),
        LandmarkDraft("T", aliases={"fr": ["x" * 201]}),
        LandmarkDraft("T", aliases={"pt-br": ["x"], "pt-BR": ["y"]}),
        LandmarkDraft("T", aliases={f"fr-x{n:04}": ["x"] for n in range(65)}),
        LandmarkDraft("T", labels=["Upper"]),
        LandmarkDraft("T", labels=[""]),
        LandmarkDraft("T", labels=["a b"]),
        LandmarkDraft("T", labels=["a" * 41]),
        LandmarkDraft("T", labels=[f"a{n}" for n in range(65)]),
    ],
)
def test_aliases_and_labels_have_limits(keeping: Catalogue, draft: LandmarkDraft) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        keeping.create_landmark(draft)
    assert caught.value.metadata["field"] in ("aliases", "labels")


def test_answers_are_counted(keeping: Catalogue, keys: dict[str, int]) -> None:
    keeping.count_identified({keys["one"]: 2, keys["two"]: 1, 99: 5})
    keeping.count_identified({keys["one"]: 1, -1: 1, 2**80: 1})
    assert keeping.get_image("tower", "one").identify_count == 3
    assert [image.id for image in keeping.list_images("tower", order_by="identify_count desc").items] == ["one", "two"]


def test_repeated_requests_are_answered_as_first(keeping: Catalogue, keys: dict[str, int], tmp_path: Path) -> None:
    request = "0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d"
    keeping.delete_image("tower", "one")
    back = keeping.undelete_image("tower", "one", request_id=request)
    keeping.delete_image("tower", "one")
    assert keeping.undelete_image("tower", "one", request_id=request) == back
    assert searched(keeping) == {keys["two"]}


def test_what_was_deleted_is_in_no_file_unless_a_reader_needs_it(tmp_path: Path) -> None:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db?timeout=0.05") as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower", description="find me " * 1000), landmark_id="tower")

        def found() -> list[str]:
            return sorted(file.name for file in tmp_path.iterdir() if b"find me find me" in file.read_bytes())

        with catalogue.database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM landmark").scalar_one() == 1
            catalogue.delete_landmark("tower")
            with pytest.raises(UnavailableError, match="try again"):
                catalogue.database.forget_deleted()
        assert found() != []
        catalogue.database.forget_deleted()
        assert found() == []
    with pytest.raises(UnavailableError, match="closed"):
        catalogue.database.forget_deleted()


def test_others_write_while_a_reader_keeps_deleted_rows_from_being_forgotten(tmp_path: Path) -> None:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db?timeout=2") as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
        with ThreadPoolExecutor(1) as pool:
            with catalogue.database.read() as connection:
                assert connection.exec_driver_sql("SELECT count(*) FROM landmark").scalar_one() == 1
                catalogue.delete_landmark("tower")
                forgetting = pool.submit(catalogue.database.forget_deleted)
                for number in range(20):  # between its tries, each has its turn
                    catalogue.create_landmark(LandmarkDraft("Mill"), landmark_id=f"mill-{number}")
                assert not forgetting.done()
            forgetting.result(20.0)
