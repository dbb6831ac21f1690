"""Resource names, taken apart."""

from __future__ import annotations

import pytest

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import check_chosen_id, image_name, parse_image, parse_landmark, parse_model


def test_well_formed_names_are_taken_apart() -> None:
    longest = "a" * 63
    assert parse_landmark(f"landmarks/{longest}") == longest
    assert parse_image(image_name("big-ben", "0")) == ("big-ben", "0")
    assert parse_model("models/delf-lite2-v1") == "delf-lite2-v1"
    assert check_chosen_id("", "landmark_id") == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "landmarks",
        "landmarks/",
        "landmark/a",
        "landmarks/a/",
        "landmarks/A",
        "landmarks/-a",
        "landmarks/a-",
        "landmarks/a\n",
        "landmarks/ä",
        "landmarks/..",
        "landmarks/" + "a" * 64,
        "/landmarks/a",
    ],
)
def test_a_name_that_does_not_parse_is_refused_with_its_field(name: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse_landmark(name, "parent")
    assert caught.value.metadata["field"] == "parent"
    assert "parent must" in caught.value.message


@pytest.mark.parametrize("name", ["landmarks/a", "landmarks/a/images/", "landmarks//images/b", "landmarks/a/photos/b"])
def test_image_names_need_both_ids(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"landmarks/\{landmark\}/images/\{image\}"):
        parse_image(name)


@pytest.mark.parametrize("name", ["delf-lite2-v1", "models/", "model/x"])
def test_model_names_need_their_prefix(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"models/\{model\}"):
        parse_model(name)
