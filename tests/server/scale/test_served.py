"""Data folders with synthetic catalogues, opened by the server's own engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.server.engine import Engine
from steeple.server.scale import Size, SyntheticPhotos, fill, key_of
from steeple.server.scale.served import fill_data_dir
from steeple.server.settings import Settings

RELEASE = ModelRelease.load()


def filled(folder: Path, images: int) -> SyntheticPhotos:
    """An index of so many images in ``folder``, and their photos."""
    built = fill(RELEASE, folder, Size(images), lambda *_: None)
    return SyntheticPhotos(RELEASE.name, built.image, images)


def test_the_engine_takes_index_and_catalogue_as_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEEPLE_DATABASE_URL", f"sqlite:///{tmp_path / 'of-the-user.db'}")
    photos = filled(tmp_path / "index", 20)
    data_dir = tmp_path / "server"
    assert fill_data_dir(data_dir, RELEASE, tmp_path / "index", photos, 20) == 20
    assert not (tmp_path / "of-the-user.db").exists()
    monkeypatch.delenv("STEEPLE_DATABASE_URL")
    with caplog.at_level("INFO"):
        engine = Engine(Settings(data_dir=data_dir))
    try:
        said = [record.getMessage() for record in caplog.records]
        assert "the saved index was restored" in said
        assert "the index was built" not in said
        assert not any("differs" in message for message in said)
        assert (engine.catalogue.image_count(), engine.catalogue.sequence()) == (20, 20)
        query = photos.query(1, planted=True)
        answer = engine.identify(query.features, max_candidates=1)
        assert answer.identified
        assert answer.candidates[0].landmark.id == f"synthetic-{query.image}"
        assert query.image is not None
        stored = engine.catalogue.features([key_of(query.image)])[key_of(query.image)]
        np.testing.assert_array_equal(stored.descriptors, photos.photo(query.image).descriptors)
    finally:
        engine.close()


def test_a_folder_is_filled_further_but_not_emptied(tmp_path: Path) -> None:
    index, data_dir = tmp_path / "index", tmp_path / "server"
    assert fill_data_dir(data_dir, RELEASE, index, filled(index, 20), 20) == 20
    photos = filled(index, 22)
    steps: list[int] = []
    assert fill_data_dir(data_dir, RELEASE, index, photos, 22, lambda: steps.append(1)) == len(steps) == 2
    assert fill_data_dir(data_dir, RELEASE, index, photos, 22) == 0
    engine = Engine(Settings(data_dir=data_dir))
    try:
        assert engine.index_keeper.index.stats().images == engine.catalogue.image_count() == 22
    finally:
        engine.close()
    with pytest.raises(InvalidArgumentError, match="holds 22 images, not 21"):
        fill_data_dir(data_dir, RELEASE, index, photos, 21)


def test_an_index_that_a_server_would_make_anew_is_refused(tmp_path: Path) -> None:
    built = fill(RELEASE, tmp_path, Size(20, lists=4), lambda *_: None)
    photos = SyntheticPhotos(RELEASE.name, built.image, 20)
    with pytest.raises(InvalidArgumentError, match="leave --lists out"):
        fill_data_dir(tmp_path / "server", RELEASE, tmp_path, photos, 20)
