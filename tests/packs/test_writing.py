"""What is written into a pack comes out of it, or nothing is there."""

from __future__ import annotations

import json
import resource
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from steeple.delf import FeatureSet
from steeple.delf.cells import CellGrid
from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
)
from steeple.packs import Pack, PackLocation, PackManifest, PackWriter, layout
from steeple.packs import writer as writer_module
from tests.packs.samples import EIFFEL, FACTS, RELEASE, features, image, small_codebook, written
from tests.scenes import encoded, scene

JPEG = encoded(scene(1, 64, 48))


def written_manifest(path: Path) -> PackManifest:
    book = small_codebook(turned=True)
    with PackWriter(path, FACTS, book) as writer:
        writer.add(EIFFEL, [image(book, features(1), "front"), image(book, features(2, 30, 300, 800), "side")], JPEG)
        writer.add(replace(EIFFEL, id="louvre", display_name="Louvre", location=None), [image(book, features(3))])
        return writer.finish()


def test_a_pack_says_what_was_written(tmp_path: Path) -> None:
    manifest = written_manifest(tmp_path / "a.pack")
    with Pack.open(tmp_path / "a.pack") as pack:
        assert pack.manifest == manifest
        assert manifest.facts == FACTS
        assert (manifest.landmark_count, manifest.image_count, manifest.feature_count) == (2, 3, 130)
        assert (manifest.lists, manifest.code_size, manifest.exact) == (8, 4, False)
        assert list(pack.landmarks) == ["eiffel-tower", "louvre"]
        assert pack.landmarks["eiffel-tower"] == EIFFEL
        assert pack.landmarks["louvre"].location is None
        assert [(each.key, each.landmark_id, each.id, each.pictured) for each in pack.images] == [
            (0, "eiffel-tower", "front", True),
            (1, "eiffel-tower", "side", False),
            (2, "louvre", "one", True),
        ]
        assert [(each.width, each.height, each.feature_count) for each in pack.images] == [
            (640, 480, 50),
            (300, 800, 30),
            (640, 480, 50),
        ]
        assert pack.thumbnail("eiffel-tower") == JPEG
        assert pack.thumbnail("louvre") is None
        with pytest.raises(NotFoundError, match="no landmarks/big-ben in the pack 'Paris'"):
            pack.thumbnail("big-ben")
        for array, original in (
            (pack.codebook.coarse, small_codebook(turned=True).coarse),
            (pack.codebook.product, small_codebook(turned=True).product),
            (pack.codebook.rotation, small_codebook(turned=True).rotation),
        ):
            assert np.array_equal(np.asarray(array), np.asarray(original))


@pytest.mark.parametrize("exact", [False, True])
def test_features_keep_their_places_and_descriptors(exact: bool, tmp_path: Path) -> None:
    original = features(1, 400, 1200, 900)
    with Pack.open(written(tmp_path / "a.pack", {"one": [original]}, exact=exact)) as pack:
        assert pack.manifest.exact == exact
        found = pack.gallery([0, 1, -1])
        assert list(found) == [0]
        assert found[0].landmark_id == "one"
        stored = found[0].features
        grid = CellGrid(1200, 900, RELEASE.extraction)
        cells = grid.numbers_of(original.keypoints, original.scales)
        order = np.argsort(cells)
        assert np.array_equal(stored.keypoints, original.keypoints[order])
        assert np.array_equal(stored.scales, original.scales[order])
        assert (stored.model, stored.width, stored.height) == (RELEASE.name, 1200, 900)
        if exact:
            assert np.array_equal(stored.descriptors, original.descriptors[order])
        else:
            expected = pack.codebook.decode(pack.lists, pack.codes)
            assert np.abs(stored.unit_descriptors() - expected).max() < 0.01


def test_the_best_are_kept_and_one_a_cell(tmp_path: Path) -> None:
    original = features(1, 300)
    doubled = FeatureSet(
        RELEASE.name,
        640,
        480,
        np.repeat(original.descriptors, 2, axis=0),
        np.repeat(original.keypoints, 2, axis=0),
        np.repeat(original.scales, 2, axis=0),
        np.repeat(original.scores, 2, axis=0),
    )
    with Pack.open(written(tmp_path / "a.pack", {"one": [doubled]}, kept=100, exact=True)) as pack:
        kept = pack.gallery([0])[0].features
        assert len(kept) == 100
        wanted = {tuple(row) for row in original.best(100).descriptors.tolist()}
        assert {tuple(row) for row in kept.descriptors.tolist()} == wanted


def test_sizes_are_as_the_documentation_says(tmp_path: Path) -> None:
    sets = [features(seed, 600) for seed in range(4)]
    one, four = (
        written(tmp_path / f"{count}.pack", {"one": sets[:count]}, thumbnail=JPEG).stat().st_size for count in (1, 4)
    )
    cells = layout.bitmap_bytes(len(CellGrid(640, 480, RELEASE.extraction)))
    # A code of 4 bytes here, 2 bytes for its list, a bit a cell; and the image's line in JSON.
    assert 600 * 6 + cells < (four - one) / 3 < 600 * 6 + cells + 80


def test_the_same_makes_the_same_bytes_and_a_new_pack_takes_the_place_of_the_old(tmp_path: Path) -> None:
    for name in ("a.pack", "b.pack", "b.pack"):
        written_manifest(tmp_path / name)
    assert (tmp_path / "a.pack").read_bytes() == (tmp_path / "b.pack").read_bytes()
    with Pack.open(tmp_path / "a.pack") as old:
        assert written(tmp_path / "a.pack", {"one": [features(9)]})
        assert old.thumbnail("eiffel-tower") == JPEG, "who has it open goes on with the old one"
        assert len(old.gallery([0, 1, 2])) == 3
        with Pack.open(tmp_path / "a.pack") as new:
            assert list(new.landmarks) == ["one"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pack", "b.pack"]


def test_any_zip_tool_reads_a_pack(tmp_path: Path) -> None:
    written_manifest(tmp_path / "a.pack")
    with zipfile.ZipFile(tmp_path / "a.pack") as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json"))["display_name"] == "Paris"
        with archive.open("codes.npy") as file:
            assert np.load(file).shape == (130, 4)
        assert archive.read("thumbnails/eiffel-tower.jpg") == JPEG


def test_a_pack_without_landmarks_is_one(tmp_path: Path) -> None:
    with Pack.open(written(tmp_path / "a.pack", {})) as pack:
        assert (pack.landmarks, pack.images, pack.gallery([0])) == ({}, (), {})


def test_nothing_is_left_of_what_is_given_up(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pack", {"one": [features(1)]})
    before = path.read_bytes()
    book = small_codebook()
    writer = PackWriter(path, FACTS, book)
    with writer:
        writer.add(EIFFEL, [image(book, features(2))], JPEG)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FailedPreconditionError, match="make another writer"):
        writer.add(EIFFEL, [image(book, features(2))])
    with pytest.raises(FailedPreconditionError, match="make another writer"):
        writer.finish()


def test_what_does_not_belong_into_a_pack_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    book = small_codebook()
    good = image(book, features(1))
    foreign = replace(good, features=replace(good.features, model="delf-base"))
    with PackWriter(tmp_path / "a.pack", FACTS, book) as writer:
        writer.add(EIFFEL, [good])
        other = replace(EIFFEL, id="other")
        for landmark, images, message in (
            (EIFFEL, [good], "in the pack already"),
            (replace(EIFFEL, id="../up"), [good], "id must be an id"),
            (other, [], "has no image"),
            (other, [replace(good, id="A")], r"images\[0\]: id must be an id"),
            (other, [foreign], "of 'delf-base'; the pack is of 'delf-lite2-v1'"),
            (other, [replace(good, lists=good.lists[1:])], "wanted were, of each, int64 and 4 uint8"),
            (other, [replace(good, codes=good.codes[:, 1:])], "wanted were, of each, int64 and 4 uint8"),
            (other, [replace(good, codes=good.codes.astype(np.int64))], r"codes int64\[50, 4\]; wanted"),
            (other, [good, replace(good, lists=good.lists + 8)], "lists that the codebook does not have"),
        ):
            with pytest.raises(InvalidArgumentError, match=message):
                writer.add(landmark, images)
        with pytest.raises(InvalidArgumentError, match="no JPEG of at most 256 pixels"):
            writer.add(other, [good], encoded(scene(1, 300, 20)))
        manifest = writer.finish()
    assert (manifest.landmark_count, manifest.feature_count) == (1, 50)
    assert list(Pack.open(tmp_path / "a.pack").landmarks) == ["eiffel-tower"]


def test_a_place_that_cannot_be_taken_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.pack").mkdir()
    with PackWriter(tmp_path / "a.pack", FACTS, small_codebook()) as writer, pytest.raises(IsADirectoryError):
        writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["a.pack"]


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    book = small_codebook()
    images = [image(book, features(seed, 1000), f"photo-{seed}") for seed in range(4)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))  # a write beyond fails as on a full disk
    try:
        with PackWriter(tmp_path / "a.pack", FACTS, book) as writer:
            with pytest.raises(OSError, match="File too large"):
                writer.add(EIFFEL, images, JPEG)
            with pytest.raises(FailedPreconditionError, match="make another writer"):
                writer.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_facts_that_no_pack_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="id must be an id of lower-case letters"):
        PackWriter(tmp_path / "a.pack", replace(FACTS, id="Paris!"), small_codebook())
    with pytest.raises(InvalidArgumentError, match="1 to 4096 features of an image, not 0"):
        PackWriter(tmp_path / "a.pack", FACTS, small_codebook(), features=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "name", "most"),
    [
        (layout, "MAX_LANDMARKS", 1),
        (layout, "MAX_IMAGES", 3),
        (layout, "LONGEST_LANDMARKS", 1500),
        (writer_module, "MAX_BYTES", (1 << 20) + small_codebook().size_bytes + 3500),
    ],
)
def test_a_pack_does_not_grow_beyond_what_it_can_be(
    module: ModuleType, name: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, most)
    book = small_codebook()
    images = [image(book, features(seed), f"photo-{seed}") for seed in (1, 2)]
    with PackWriter(tmp_path / "a.pack", FACTS, book) as writer:
        writer.add(EIFFEL, images)
        with pytest.raises(ResourceExhaustedError, match="make several, of smaller regions"):
            writer.add(replace(EIFFEL, id="other"), images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"display_name": ""}, r"landmarks\[0\]: display_name must be a text of 1 to 200 characters"),
        ({"description": "\ud800"}, "cannot say this in JSON: .* surrogates not allowed"),
        ({"location": PackLocation(float("nan"), 0.0)}, "cannot say this in JSON"),
        ({"labels": ("x",) * 65}, "labels must be a list of at most 64"),
        ({"location": PackLocation(91.0, 0.0)}, "latitude must be a number of -90 to 90"),
    ],
)
def test_what_the_reader_would_refuse_is_not_written(change: Any, message: str, tmp_path: Path) -> None:
    book = small_codebook()
    with PackWriter(tmp_path / "a.pack", FACTS, book) as writer:
        with pytest.raises(InvalidArgumentError, match=message):
            writer.add(replace(EIFFEL, **change), [image(book, features(1))])
        writer.add(EIFFEL, [image(book, features(1, 0))])
        writer.finish()
    with Pack.open(tmp_path / "a.pack") as pack:
        assert len(pack.gallery([0])[0].features) == 0
