"""FeatureSets within a budget of bytes: how many features, how precise, and what is refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.delf import Extractor, FeatureSet, ModelRelease, compact, pyramid
from steeple.delf.cells import CellGrid
from steeple.errors import FailedPreconditionError, FeatureSetError, InvalidArgumentError
from steeple.v1.features_pb2 import CompactFeatureSet
from tests.scenes import scene


@pytest.fixture(scope="module")
def release() -> ModelRelease:
    return ModelRelease.load()


@pytest.fixture(scope="module")
def features(release: ModelRelease) -> FeatureSet:
    return Extractor(release).extract(scene(2))


@pytest.mark.parametrize("budget", [128, 256, 512, 1024, 4096, 8192, 20_000])
def test_what_is_packed_fits_and_comes_back_in_its_place(
    release: ModelRelease, features: FeatureSet, budget: int
) -> None:
    message = compact.pack(features, release, budget)
    assert message.ByteSize() <= budget
    again = compact.unpack(CompactFeatureSet.FromString(message.SerializeToString()), release)
    count = len(again)
    assert count == len(features) or message.ByteSize() > budget - 16  # as many as fit
    best = features.best(count)  # in the order of cells, after the trip
    order = np.argsort(CellGrid(640, 480, release.extraction).numbers_of(best.keypoints, best.scales))
    np.testing.assert_allclose(again.keypoints, best.keypoints[order], atol=1e-3)
    np.testing.assert_allclose(again.scales, best.scales[order], rtol=1e-6)
    cosines = (again.unit_descriptors() * best.unit_descriptors()[order]).sum(axis=1)
    assert cosines.mean() > 0.85


def test_four_kilobytes_hold_hundreds_of_features(release: ModelRelease, features: FeatureSet) -> None:
    assert len(compact.unpack(compact.pack(features, release, 4000), release)) > 550


def test_parts_hold_the_best_first_and_together_as_much_as_one(release: ModelRelease, features: FeatureSet) -> None:
    budgets = compact.progressive_budgets(4096)
    assert (sum(budgets), budgets[0]) == (4096, 512)
    parts = [compact.unpack(message, release) for message in compact.pack_parts(features, release, budgets)]
    grid = CellGrid(640, 480, release.extraction)
    ranks = {cell: rank for rank, cell in enumerate(grid.numbers_of(features.keypoints, features.scales).tolist())}
    of_parts = [sorted(ranks[cell] for cell in grid.numbers_of(part.keypoints, part.scales).tolist()) for part in parts]
    assert [rank for ranks_of_part in of_parts for rank in ranks_of_part] == list(range(sum(map(len, parts))))
    whole = len(compact.unpack(compact.pack(features, release, 4096), release))
    assert sum(map(len, parts)) > 0.9 * whole


def test_parts_end_with_the_features(release: ModelRelease, features: FeatureSet) -> None:
    few = features.best(60)
    messages = compact.pack_parts(few, release, [512, 512, 512, 4096])
    assert len(messages) < 4
    assert sum(len(compact.unpack(message, release)) for message in messages) == 60
    nothing = compact.pack_parts(features.best(0), release, [512, 512])
    assert [len(compact.unpack(message, release)) for message in nothing] == [0]


@pytest.mark.parametrize("total", [256, 511, 512, 700, 1023, 1024, 4096, 49_152])
def test_budgets_of_parts_add_up(total: int) -> None:
    budgets = compact.progressive_budgets(total)
    assert sum(budgets) == total
    assert min(budgets) >= min(total, 512)


def test_features_of_other_levels_go_to_the_nearest_cell(release: ModelRelease, features: FeatureSet) -> None:
    moved = FeatureSet(
        features.model,
        features.width,
        features.height,
        features.descriptors,
        np.clip(features.keypoints + 3.0, 0, [639, 479]).astype(np.float32),
        features.scales * np.float32(1.05),
        features.scores,
    )
    again = compact.unpack(compact.pack(moved, release, 20_000), release)
    assert 0.9 * len(features) < len(again) <= len(features)
    widths = release.extraction.stride * again.scales
    distances = np.abs(again.keypoints[:, None] - moved.keypoints[None]).max(axis=2)
    near = distances < 0.51 * widths[:, None]
    assert near.any(axis=1).all()


@given(st.integers(32, 3000), st.integers(32, 3000))
@settings(max_examples=30)
def test_cells_are_numbered_through_all_levels(width: int, height: int) -> None:
    parameters = ModelRelease.load().extraction
    grid = CellGrid(width, height, parameters)
    levels = pyramid.levels(width, height, parameters)
    assert len(grid) == sum(level.width * level.height for level in levels) // parameters.stride**2
    numbers = np.arange(len(grid))
    np.testing.assert_array_equal(grid.numbers_of(*grid.keypoints_of(numbers)), numbers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code_size": 0}, "code_size must be 1 to 12, not 0"),
        ({"code_size": 13}, "code_size must be 1 to 12, not 13"),
        ({"codes": b"1234"}, "multiple of code_size"),
        ({"codes": b"12345"}, "cells are"),
        ({"cells": b""}, "cells end after 0"),
        ({"cell_parameter": 25}, "cell_parameter must be 0 to 24"),
        ({"image_width": 0}, "image size"),
        ({"image_height": 70_000}, "image size"),
        ({"codes": bytes(5 * 4097)}, "at most 4096"),
    ],
)
def test_a_malformed_message_is_refused(
    release: ModelRelease, features: FeatureSet, change: dict[str, object], message: str
) -> None:
    broken = compact.pack(features, release, 512)
    for name, value in change.items():
        setattr(broken, name, value)
    with pytest.raises(FeatureSetError, match=message):
        compact.unpack(broken, release)


def test_any_bytes_are_features_or_refused(release: ModelRelease, features: FeatureSet) -> None:
    whole = compact.pack(features, release, 400).SerializeToString()
    random = np.random.default_rng(5)
    for _ in range(300):
        data = bytearray(whole)
        for place in random.integers(0, len(data), random.integers(1, 6)):
            data[place] = random.integers(256)
        with contextlib.suppress(DecodeError):  # what is no message reaches nobody
            message = CompactFeatureSet.FromString(bytes(data))
            with contextlib.suppress(FeatureSetError):
                found = compact.unpack(message, release)
                assert len(found) == len(message.codes) // message.code_size


def test_a_budget_needs_room_and_a_codebook(release: ModelRelease, features: FeatureSet) -> None:
    with pytest.raises(InvalidArgumentError, match="allow 128 or more"):
        compact.pack(features, release, 127)
    old = ModelRelease.load("delf-base")
    with pytest.raises(FailedPreconditionError, match="cannot be coded with the codebook of delf-base"):
        compact.pack(features, old, 4096)
    with pytest.raises(FeatureSetError, match="delf-base has no compact codebook"):
        compact.unpack(CompactFeatureSet(code_size=6), old)
