"""What lists can be filtered and sorted by, and that nothing else gets through."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql.base import PGDialect

from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, Quality, filters, landmarks, reference_images
from tests.engines.catalogues import Catalogues

MakeFeatures = Callable[..., FeatureSet]
ODD = 'a "b".c\\é'  # a key of metadata that no path expression of a database takes


@pytest.fixture(scope="module")
def filled(catalogues: Catalogues, make_features: MakeFeatures) -> Iterator[Catalogue]:
    with catalogues.lent() as url, Catalogue.open(url) as catalogue:
        drafts = {
            "eiffel": LandmarkDraft(
                "Tour Eiffel", aliases={"de": ["Eiffelturm"]}, labels=["iron", "tower"], metadata={"city": "Paris"}
            ),
            "coeur": LandmarkDraft("Sacré-Cœur", labels=["church"], metadata={"city": "Paris", ODD: "x'y"}),
            "ben": LandmarkDraft("Big Ben 100%_", labels=["tower"], active=False, metadata={"note": "50% off"}),
        }
        for landmark_id, draft in drafts.items():
            catalogue.create_landmark(draft, landmark_id=landmark_id)
        for number, grade in enumerate((1, 4, 4)):
            image = ImageDraft(make_features(number, count=10 + number), quality=Quality(grade))
            catalogue.create_image("eiffel", image, image_id=f"i{number}")
        catalogue.create_image("eiffel", ImageDraft(make_features(9)), image_id="ungraded")
        yield catalogue


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", "ben coeur eiffel"),
        ("labels:tower", "ben eiffel"),
        ("labels:tower AND active = true", "eiffel"),
        ("best_grade >= 4", "eiffel"),
        ("best_grade < 4", ""),
        ("best_grade != 4", "ben coeur"),
        ("deleted = true", ""),
        ("deleted = false labels:tower", "ben eiffel"),
        ("labels:tower labels:iron", "eiffel"),
        ("NOT labels:tower", "coeur"),
        ("labels:tow", ""),
        ("labels:*", "ben coeur eiffel"),
        ("sacre", "coeur"),
        ('"SACRÉ-COEUR"', "coeur"),
        ("names:eiffelturm", "eiffel"),
        ('names:"100%"', "ben"),
        ('names:"0%b"', ""),
        ("names:b_n", ""),
        ("metadata.city = Paris", "coeur eiffel"),
        ("metadata.city != Paris", "ben"),
        ("metadata:city", "coeur eiffel"),
        ("metadata.note:*", "ben"),
        ("metadata.note = '50% off'", "ben"),
        ('metadata."a \\"b\\".c\\\\é" = "x\'y"', "coeur"),
        ("metadata:'a \"b\".c\\\\é'", "coeur"),
        ("reference_image_count > 0", "eiffel"),
        ("reference_image_count <= +0", "ben coeur"),
        ("create_time < '2020-01-01'", ""),
        ("create_time >= '2020-01-01T00:00:00+01:00'", "ben coeur eiffel"),
        ("id = ben OR id = coeur", "ben coeur"),
        # OR binds tighter than AND, as in AIP-160
        ("labels:tower AND id = ben OR id = coeur", "ben"),
        ("(labels:tower AND id = ben) OR id = coeur", "ben coeur"),
        ("NOT (id = ben OR id = coeur)", "eiffel"),
        ("NOT active = true", "ben"),
        ('display_name = "Tour Eiffel\'; DROP TABLE landmark; --"', ""),
    ],
)
def test_filters_of_landmarks(filled: Catalogue, text: str, ids: str) -> None:
    page = filled.list_landmarks(filter=text)
    assert [landmark.id for landmark in page.items] == ids.split()
    assert page.total_size == len(page.items)


def test_the_best_grade_is_of_the_images_that_are_there(url: str, make_features: MakeFeatures) -> None:
    with Catalogue.open(url, timedelta(days=1)) as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")

        def found() -> list[int]:
            return [grade for grade in range(6) if catalogue.list_landmarks(filter=f"best_grade = {grade}").items]

        assert found() == []
        for grade in (2, 4):
            image = ImageDraft(make_features(grade, count=10), quality=Quality(grade))
            catalogue.create_image("tower", image, image_id=f"i{grade}")
            assert found() == [grade]
        catalogue.delete_image("tower", "i4")
        assert found() == [2]
        catalogue.undelete_image("tower", "i4")
        assert found() == [4]
        catalogue.delete_image("tower", "i2")
        catalogue.delete_image("tower", "i4")
        assert found() == []
        catalogue.delete_landmark("tower")
        assert catalogue.list_landmarks(filter="deleted = true").items == ()
        (gone,) = catalogue.list_landmarks(filter="deleted = true", show_deleted=True).items
        assert gone.id == "tower"


def test_the_best_grade_is_that_of_what_is_left_for_good(url: str, make_features: MakeFeatures) -> None:
    with Catalogue.open(url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
        for grade in (2, 4):
            image = ImageDraft(make_features(grade, count=10), quality=Quality(grade))
            catalogue.create_image("tower", image, image_id=f"i{grade}")
        catalogue.delete_image("tower", "i4")
        assert len(catalogue.list_landmarks(filter="best_grade = 2 reference_image_count = 1").items) == 1


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("quality_grade < 3", "i0"),
        ("quality_grade != 4", "i0 ungraded"),
        ("NOT quality_grade >= 0", "ungraded"),
        ("feature_count > 10 AND quality_grade = 4", "i1 i2"),
        ("model = 'models/delf-lite2-v1' identify_count = 0", "i0 i1 i2 ungraded"),
    ],
)
def test_filters_of_reference_images(filled: Catalogue, text: str, ids: str) -> None:
    assert [image.id for image in filled.list_images("eiffel", filter=text).items] == ids.split()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = red", "character 1: there is no field 'colour'; those there are: active, best_grade, create_time"),
        ("id = ", "character 6: a value is expected here"),
        ("id = a AND", "character 11: a field, a text or a parenthesis is expected here"),
        ("id = a) OR id = b", "character 7: '\\)' is not expected here; at the arrow: id = a→\\) OR id"),
        ("(id = a", "character 8: the parenthesis of character 1 is not closed"),
        ("'id' = a", "character 1: a field stands left of an operator"),
        ('id = "a', "character 6: this quotation mark has no partner"),
        ("id = a\\b", "is not expected; quote texts"),
        ("id < a", "id takes = !=, not <"),
        ("id.x = a", "id has no keys"),
        ("labels = a", "labels takes :, not ="),
        ("active = yes", "true or false is expected"),
        ("reference_image_count > many", "a whole number is expected"),
        ("reference_image_count > 9999999999999999999", "the number is too large"),
        ("create_time > yesterday", "a time such as"),
        ("create_time > '0001-01-01T00:00:00+14:00'", "a time such as"),
        ("metadata = a", "a key is expected"),
        ("metadata.a:b", "to ask for a key, write field:key"),
        ("names:' '", "a text to look for is expected"),
        ("(" * 21 + "id = a" + ")" * 21, "parentheses may be nested 20 deep"),
        ("a" * 2001, "at most 2000 characters"),
        ("a\0", "NUL"),
    ],
)
def test_what_is_wrong_with_a_filter_is_said_with_its_place(filled: Catalogue, text: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        filled.list_landmarks(filter=text)
    assert caught.value.metadata["field"] == "filter"


def test_images_are_not_looked_for_by_text(filled: Catalogue) -> None:
    with pytest.raises(InvalidArgumentError, match="a text alone is not looked for here"):
        filled.list_images("eiffel", filter="tower")


WORDS = st.sampled_from(
    [
        *landmarks.FILTERS,
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        "=",
        "!=",
        "<",
        ":",
        "*",
        "true",
        "7",
        "metadata.",
        "'é'",
        '"',
        "-",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_filter_is_answered_or_refused(filled: Catalogue, text: str) -> None:
    with contextlib.suppress(InvalidArgumentError):
        page = filled.list_landmarks(filter=text)
        assert page.total_size == len(page.items) <= 3


def test_filters_have_a_postgresql_form() -> None:
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    where = filters.condition("labels:a OR metadata.k = v OR tour", landmarks.FILTERS)
    text = str(where.compile(dialect=dialect))
    assert text.count("landmark.key IN (SELECT landmark_term.landmark_key") == 2
    assert "landmark.search_names LIKE" in text
    assert "MATCH" not in text
    where = filters.condition("metadata.k = v", reference_images.FILTERS)
    assert "json_each_text((reference_image.metadata))" in str(where.compile(dialect=dialect))


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("", "ben coeur eiffel"),
        ("id desc", "eiffel coeur ben"),
        ("display_name", "ben coeur eiffel"),
        ("reference_image_count desc, display_name desc", "eiffel coeur ben"),
        ("create_time", "eiffel coeur ben"),
        (" update_time  desc ", "ben coeur eiffel"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 50])
def test_the_order_holds_over_pages(filled: Catalogue, order: str, ids: str, size: int) -> None:
    found, token = list[str](), ""
    while True:
        page = filled.list_landmarks(size, token, order_by=order, filter="NOT id = zzz")
        found += [landmark.id for landmark in page.items]
        token = page.next_page_token
        if not token:
            break
    assert found == ids.split()


@pytest.mark.parametrize(
    "order", ["colour", "id down", "id, id", "create_time desc desc", ",", "id;", "display_name, "]
)
def test_an_order_of_other_fields_is_refused(filled: Catalogue, order: str) -> None:
    with pytest.raises(InvalidArgumentError, match="order_by") as caught:
        filled.list_landmarks(order_by=order)
    assert caught.value.metadata["field"] == "order_by"


def test_a_filter_of_more_parts_than_a_database_takes_is_refused(catalogue: Catalogue) -> None:
    assert catalogue.list_landmarks(filter="a " * 100).total_size == 0
    assert catalogue.list_landmarks(filter="NOT a " * 100).total_size == catalogue.list_landmarks().total_size
    for text in ("a " * 101, "a OR " * 100 + "a", "(a b) " * 51, "labels:a " * 101):
        with pytest.raises(InvalidArgumentError, match="may have 100 comparisons") as caught:
            catalogue.list_landmarks(filter=text)
        assert caught.value.metadata["field"] == "filter"


def test_a_text_that_is_long_when_written_out_is_refused(catalogue: Catalogue) -> None:
    """U+FDFA is one letter, and eighteen without its ligature."""
    assert catalogue.list_landmarks(filter="\ufdfa" * 55).total_size == 0
    with pytest.raises(InvalidArgumentError, match="at most 1000 characters"):
        catalogue.list_landmarks(filter="\ufdfa" * 56)
