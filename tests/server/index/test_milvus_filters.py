"""Searches limited to some images, as they are put to Milvus; here exact search reads the expressions."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.recognition.neighbours import Neighbours
from steeple.server.catalogue.selection import ImageSelection
from steeple.server.index import ExactIndex
from steeple.server.index.milvus import filters
from tests.server.index.descriptors import descriptors

RELEASE = ModelRelease.load()
IMAGES = 60
REGIONS = 6
QUERIES = np.concatenate([descriptors(seed, 2) for seed in (3, 7, 500)])


class Asked:
    """An exact index of images in regions, key modulo 6, and what it was asked."""

    def __init__(self) -> None:
        self.index = ExactIndex(RELEASE.name)
        for key in range(IMAGES):
            self.index.add(key, descriptors(key, 4))
        self.asked: list[tuple[int, int, str]] = []

    def search(self, queries: NDArray[np.float32], neighbours: int, expression: str) -> Neighbours:
        self.asked.append((len(queries), neighbours, expression))
        keys = set(range(IMAGES))
        for part in expression.split(" and ") if expression else ():
            field, _, values = part.partition(" in ")
            some = set(ast.literal_eval(values))
            keys &= some if field == "image_key" else {key for key in keys if key % REGIONS in some}
        return self.index.search(queries, neighbours, within=keys)

    def within(self, within: set[int] | ImageSelection, neighbours: int = 5) -> Neighbours:
        return filters.search_within(QUERIES, neighbours, within, lambda: IMAGES, self.search)


@pytest.fixture(scope="module")
def index() -> Asked:
    return Asked()


@pytest.fixture(autouse=True)
def asked(index: Asked, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, str]]:
    monkeypatch.setattr(filters, "_FEW", 8)
    monkeypatch.setattr(filters, "_MANY", 10)
    monkeypatch.setattr(filters, "_MOST_SPARE", 40)
    index.asked.clear()
    return index.asked


def assert_exact(index: Asked, found: Neighbours, within: set[int], neighbours: int = 5) -> None:
    exact = index.index.search(QUERIES, neighbours, within=within)
    np.testing.assert_array_equal(found.image_keys, exact.image_keys)
    np.testing.assert_array_equal(found.feature_numbers, exact.feature_numbers)
    np.testing.assert_allclose(found.distances, exact.distances, rtol=1e-5)


@given(within=st.sets(st.integers(0, IMAGES + 5)), neighbours=st.integers(1, 30), cells=st.booleans())
def test_what_is_found_is_what_exact_search_finds(index: Asked, within: set[int], neighbours: int, cells: bool) -> None:
    regions = frozenset(key % REGIONS for key in within) if cells else None
    found = index.within(ImageSelection(frozenset(within), regions), neighbours)
    assert_exact(index, found, within, neighbours)


def test_few_keys_are_an_expression(index: Asked, asked: list[tuple[int, int, str]]) -> None:
    assert_exact(index, index.within({1, 2}), {1, 2})
    assert asked == [(len(QUERIES), 5, "image_key in [1, 2]")]


def test_many_keys_are_none(index: Asked, asked: list[tuple[int, int, str]]) -> None:
    """Half of all images: three times as many neighbours are fetched as wanted."""
    even = set(range(0, IMAGES, 2))
    assert_exact(index, index.within(ImageSelection(frozenset(even), frozenset({0, 2, 4}))), even)
    assert asked[0] == (len(QUERIES), 15, "region in [0, 2, 4]")


def test_keys_that_are_rare_go_into_expressions_in_parts(index: Asked, asked: list[tuple[int, int, str]]) -> None:
    some = set(range(12))
    assert_exact(index, index.within(some, 20), some, 20)
    assert [(count, neighbours) for count, neighbours, _ in asked] == [(len(QUERIES), 20)] * 2


def test_only_descriptors_that_lack_neighbours_are_asked_about_again(
    index: Asked, asked: list[tuple[int, int, str]]
) -> None:
    far = set(
        np.argsort([index.index.search(QUERIES[:1], 1, within=[key]).distances[0, 0] for key in range(IMAGES)])[
            20:
        ].tolist()
    )
    assert_exact(index, index.within(far), far)
    assert len(asked) > 1
    assert all(0 < count < len(QUERIES) for count, _, _ in asked[1:])


def test_no_keys_ask_nothing(index: Asked, asked: list[tuple[int, int, str]]) -> None:
    assert (index.within(set()).image_keys == -1).all()
    assert not asked
