"""A catalogue of synthetic rows is one that the API could have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue
from steeple.server.scale.catalogue_rows import LARGEST, CatalogueSize, fill_rows
from tests.server.catalogue.derived import check_derived

SIZE = CatalogueSize(landmarks=200, images=3000)


def test_rows_are_of_the_size_that_is_wanted_and_what_is_derived_is_right(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    assert fill_rows(tmp_path / "a", SIZE, lambda *step: told.append(step))
    assert told == [("landmarks", 200, 200), ("reference images", 3000, 3000)]
    assert not fill_rows(tmp_path / "a", SIZE)
    with Catalogue.open(f"sqlite:///{tmp_path}/a/catalogue.db") as catalogue:
        with catalogue.database.write() as connection:
            check_derived(connection)
        assert catalogue.list_landmarks(show_deleted=True).total_size == 200
        assert catalogue.list_images(LARGEST, show_deleted=True).total_size >= 30
        (most,) = catalogue.list_landmarks(1, order_by="reference_image_count desc").items
        assert most.id == LARGEST
        assert catalogue.sequence() == 0, "there is nothing for an index to load"
        assert list(catalogue.iterate_features("delf-lite2-v1")) == []
        # What else there is in the folder does not matter.
        catalogue.update_landmark(LARGEST, labels=["other"])
        first = catalogue.list_landmarks().items
    assert not fill_rows(tmp_path / "a", SIZE)
    fill_rows(tmp_path / "b", SIZE)
    with Catalogue.open(f"sqlite:///{tmp_path}/b/catalogue.db") as catalogue:
        same = catalogue.list_landmarks().items
    assert [(one.id, one.display_name, one.location) for one in first] == [
        (one.id, one.display_name, one.location) for one in same
    ]


def test_another_catalogue_is_left_alone(tmp_path: Path) -> None:
    fill_rows(tmp_path, SIZE)
    with pytest.raises(InvalidArgumentError, match="holds 200 landmarks and 3,000 images, not 100 and 3,000"):
        fill_rows(tmp_path, CatalogueSize(100, 3000))
