"""The index in Milvus: histories, consistency, regions, geometry, generations."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.catalogue import LatLng
from steeple.server.catalogue.selection import ImageSelection
from steeple.server.index import ExactIndex
from steeple.server.index.milvus import ImageFacts, MilvusConnection, MilvusIndex, filters
from tests.server.index.descriptors import descriptors

pytestmark = pytest.mark.engines

RELEASE = ModelRelease.load()
QUERIES = np.concatenate([descriptors(seed, 6) for seed in range(4)])
PLACES = (None, LatLng(48.2, 16.4), LatLng(-33.9, 151.2), LatLng(90.0, 180.0))
ROUNDS = 50


@pytest.fixture
def other(milvus_connection: MilvusConnection) -> Iterator[MilvusIndex]:
    """One with collections of its own."""
    index = MilvusIndex(milvus_connection, RELEASE, prefix=f"test_{secrets.token_hex(4)}")
    yield index
    index.drop()


def test_any_history_finds_what_exact_search_finds(milvus_index: MilvusIndex) -> None:
    """Adds, replacements, moves to other regions and removes in any order; what is new is searched exactly."""

    class AnyHistory(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            milvus_index.remove_many(milvus_index.keys())
            self.exact = ExactIndex(RELEASE.name)
            self.images: dict[int, NDArray[np.float32]] = {}

        @rule(
            keys=st.sets(st.integers(0, 5), min_size=1, max_size=3),
            seed=st.integers(0, 20),
            count=st.integers(0, 20),
            place=st.sampled_from(PLACES),
        )
        def add(self, keys: set[int], seed: int, count: int, place: LatLng | None) -> None:
            added = {key: descriptors(seed + 100 * key, count) for key in keys}
            milvus_index.add_many(added, {key: ImageFacts(location=place) for key in keys})
            for key, rows in added.items():
                self.exact.add(key, rows)
            self.images.update(added)

        @rule(key=st.integers(0, 5))
        def remove(self, key: int) -> None:
            assert milvus_index.remove(key) == (self.images.pop(key, None) is not None)
            self.exact.remove(key)

        @rule(keys=st.sets(st.integers(0, 7)))
        def search_among_some(self, keys: set[int]) -> None:
            ours, theirs = (index.search(QUERIES, 9, within=keys) for index in (milvus_index, self.exact))
            np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-4, atol=1e-5)
            assert set(ours.image_keys.ravel().tolist()) <= {*keys, -1}

        @invariant()
        def same_answers(self) -> None:
            ours, theirs = (index.search(QUERIES, 30) for index in (milvus_index, self.exact))
            np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-4, atol=1e-5)
            np.testing.assert_array_equal(ours.image_keys, theirs.image_keys)
            np.testing.assert_array_equal(ours.feature_numbers, theirs.feature_numbers)
            assert milvus_index.stats().descriptors == sum(map(len, self.images.values()))

        def teardown(self) -> None:
            assert milvus_index.keys() == tuple(sorted(self.images))

    run_state_machine_as_test(
        AnyHistory,
        settings=settings(
            max_examples=6,
            stateful_step_count=10,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_what_was_acknowledged_is_found_through_another_connection_at_the_first_search(
    milvus_uri: str, milvus_index: MilvusIndex, shared_milvus_index: MilvusIndex
) -> None:
    connection = MilvusConnection(milvus_uri, timeout=60.0)
    reader = MilvusIndex(connection, RELEASE, prefix=shared_milvus_index.prefix)
    try:
        for number in range(ROUNDS):
            milvus_index.add(number, descriptors(number, 20))
            reader.await_timestamp(milvus_index.timestamp)
            found = reader.search(descriptors(number, 20), 1)
            assert (found.image_keys == number).all()
            if number % 2:
                milvus_index.remove(number)
                reader.await_timestamp(milvus_index.timestamp)
                assert number not in reader.search(descriptors(number, 20), 5).image_keys
    finally:
        connection.close()


def test_two_that_write_by_turns_know_what_the_other_did(
    milvus_connection: MilvusConnection, milvus_index: MilvusIndex
) -> None:
    other = MilvusIndex(milvus_connection, RELEASE, prefix=milvus_index.prefix)
    for number in range(4):
        writer, before = (milvus_index, other) if number % 2 else (other, milvus_index)
        writer.await_timestamp(before.timestamp)
        writer.add(1, descriptors(number, 40 - 10 * number))  # fewer: of those before, some must go
        assert writer.stats().descriptors == 40 - 10 * number
    other.await_timestamp(milvus_index.timestamp)
    assert other.remove(1)
    milvus_index.await_timestamp(other.timestamp)
    assert not milvus_index.remove(1)


def test_what_is_known_of_an_image_is_in_the_collection(
    milvus_connection: MilvusConnection, milvus_index: MilvusIndex
) -> None:
    points, scales = np.array([[1.5, 2.5], [3.5, 4.5]], np.float32), np.array([0.5, 1.0], np.float32)
    about = ImageFacts(7, ["bridge", "old"], LatLng(48.25, 16.5), points, scales)
    milvus_index.add(3, descriptors(3, 2), about)
    columns = ["image_key", "feature", "x", "y", "scale", "landmark_key", "labels", "latitude", "longitude", "region"]
    rows = milvus_index.rows_of(3, columns)
    assert rows == [
        [3, 0, 1.5, 2.5, 0.5, 7, ["bridge", "old"], 48.25, 16.5, 49876],
        [3, 1, 3.5, 4.5, 1.0, 7, ["bridge", "old"], 48.25, 16.5, 49876],
    ]


def test_geometry_that_does_not_belong_to_the_descriptors_is_refused(milvus_index: MilvusIndex) -> None:
    with pytest.raises(InvalidArgumentError, match=r"\(3, 2\), not \(2, 2\)"):
        milvus_index.add(1, descriptors(1, 3), ImageFacts(keypoints=np.zeros((2, 2), np.float32)))
    assert 1 not in milvus_index


def test_a_search_of_a_place_looks_into_its_regions_alone(milvus_index: MilvusIndex) -> None:
    """Regions leave out, keys decide."""
    for key, place in enumerate(PLACES):
        milvus_index.add(key, descriptors(key, 10), ImageFacts(location=place))
    keys = frozenset(range(len(PLACES)))
    regions = {key: ImageFacts(location=place).region for key, place in enumerate(PLACES)}
    for some in ({1}, {0, 2}, {3}, set(keys)):
        chosen = ImageSelection(keys, frozenset(regions[key] for key in some))
        found = milvus_index.search(QUERIES, 40, within=chosen).image_keys
        assert set(found[found >= 0].tolist()) == some
    chosen = ImageSelection(frozenset({0}), frozenset(regions.values()))
    assert set(milvus_index.search(QUERIES, 40, within=chosen).image_keys.ravel().tolist()) == {0, -1}


def test_many_keys_go_into_no_expression(milvus_index: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "_FEW", 3)
    exact = ExactIndex(RELEASE.name)
    for key in range(12):
        milvus_index.add(key, descriptors(key, 10))
        exact.add(key, descriptors(key, 10))
    for within in (range(12), range(4, 12), [1, 3, 5, 7, 9], [*range(5), 99]):
        ours, theirs = (index.search(QUERIES, 15, within=within) for index in (milvus_index, exact))
        np.testing.assert_array_equal(ours.image_keys, theirs.image_keys)


def test_another_collection_takes_over_at_once_for_all(milvus_connection: MilvusConnection, other: MilvusIndex) -> None:
    reader = MilvusIndex(milvus_connection, RELEASE, prefix=other.prefix)
    other.add(1, descriptors(1))
    assert other.generation == reader.generation == 1
    fresh = other.fresh(descriptors=100)
    fresh.add(2, descriptors(2))
    assert 2 not in other
    assert 1 not in fresh
    other.switch_to(fresh)
    reader.await_timestamp(fresh.timestamp)
    for index in (other, reader, fresh):
        assert (index.generation, index.keys()) == (2, (2,))
        assert (index.search(descriptors(2), 1).image_keys == 2).all()
    assert other.fresh().generation == 3


def test_a_collection_of_somebody_else_is_left_alone(milvus_connection: MilvusConnection, other: MilvusIndex) -> None:
    other.add(1, descriptors(1))
    changed = MilvusIndex(milvus_connection, replace(RELEASE, tflite_sha256="0" * 64), prefix=other.prefix)
    with pytest.raises(FailedPreconditionError, match="was made with another"):
        changed.check()
    other.check()


def test_names_that_milvus_would_not_take_are_refused(milvus_connection: MilvusConnection) -> None:
    with pytest.raises(InvalidArgumentError, match="prefix"):
        MilvusIndex(milvus_connection, RELEASE, prefix="my-prefix")
    with pytest.raises(InvalidArgumentError, match="IVF_PQ or GPU_IVF_PQ"):
        MilvusIndex(milvus_connection, RELEASE, kind="HNSW")
