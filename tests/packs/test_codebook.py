"""Codebooks as arrays against FAISS."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import pytest

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.packs import PackCodebook
from steeple.recognition.products import columns_of, inner_products
from steeple.server.index.codebook import Codebook
from steeple.server.index.segments import LiveSegment
from tests.packs.samples import RELEASE, encoded, release_codebook, small_codebook
from tests.server.index.descriptors import descriptors


def made(factory: str) -> Codebook:
    """As if it had been trained: descriptors as centroids of lists, and any centroids of sub-quantizers."""
    index: Any = faiss.index_factory(40, factory)
    inner: Any = faiss.downcast_index(faiss.extract_index_ivf(index))
    faiss.downcast_index(inner.quantizer).add(descriptors(1, inner.nlist))
    rng = np.random.default_rng(0)
    count = inner.pq.M * inner.pq.ksub * inner.pq.dsub
    faiss.copy_array_to_vector((0.1 * rng.standard_normal(count)).astype(np.float32), inner.pq.centroids)
    inner.is_trained = index.is_trained = True
    if isinstance(index, faiss.IndexPreTransform):
        chain: Any = index.chain
        turn: Any = faiss.downcast_VectorTransform(chain.at(0))
        rotation = np.linalg.qr(rng.standard_normal((40, 40)))[0].astype(np.float32)
        faiss.copy_array_to_vector(rotation.ravel(), turn.A)
        turn.is_trained = True
    return Codebook(faiss.serialize_index(index).tobytes(), 8, "a codebook")


@pytest.mark.parametrize("factory", ["IVF64,PQ20", "OPQ10,IVF32,PQ10", "IVF64_HNSW8,PQ8"])
def test_a_codebook_encodes_and_decodes_as_faiss_does(factory: str) -> None:
    codebook = made(factory)
    arrays = codebook.of_pack()
    assert (arrays.lists, arrays.code_size) == (codebook.lists, codebook.code_size)
    assert (arrays.rotation is not None) == codebook.factory.turned
    rows = descriptors(2, 500)
    lists, codes = codebook.encode(rows)
    found_lists, found_codes = encoded(arrays, rows)
    # A graph finds the nearest list nearly always; sums in another order turn over what is all but as near.
    alike = lists == found_lists
    assert alike.mean() > 0.98
    assert (codes[alike] == found_codes[alike]).mean() > 0.999
    expected = codebook.decode(lists, codes)
    expected = expected if arrays.rotation is None else expected @ arrays.rotation
    np.testing.assert_allclose(arrays.decode(lists, codes), expected, atol=1e-6)


def test_codes_are_those_that_an_index_has() -> None:
    codebook, rows = Codebook.of(RELEASE), descriptors(4, 300)
    segment = LiveSegment(codebook)
    segment.add(codebook.assign(rows, 1), 0)
    lists, codes = codebook.encode(rows)
    for number in np.unique(lists):
        found, rows_of = segment.inverted_list(int(number))
        assert np.array_equal(np.sort(rows_of), np.flatnonzero(lists == number))
        assert np.array_equal(found, codes[rows_of])


def test_the_codes_of_a_release_come_near_to_the_descriptors() -> None:
    book = release_codebook()
    from_faiss = Codebook.of(RELEASE)
    rows = from_faiss.decode(*from_faiss.encode(descriptors(3, 300)))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.median((rows * descriptors(3, 300)).sum(axis=1)) > 0.85, "even of descriptors that no photo has"
    lists, codes = from_faiss.encode(rows)
    assert np.median((book.decode(lists, codes) * rows).sum(axis=1)) > 0.97


def test_codes_of_other_than_8_bits_are_refused() -> None:
    with pytest.raises(FailedPreconditionError, match="8 bits a sub-quantizer, not 6"):
        made("IVF16,PQ20x6").of_pack()


def test_all_lists_are_visited_if_there_are_no_more() -> None:
    book = small_codebook()
    assert np.array_equal(book.nearest_lists(descriptors(1, 3), 99), np.tile(np.arange(8), (3, 1)))
    nearest = book.nearest_lists(book.coarse, 1)
    assert np.array_equal(nearest[:, 0], np.arange(8))


@pytest.mark.parametrize(
    ("part", "shape", "message"),
    [
        ("coarse", (8, 39), "coarse centroids"),
        ("coarse", (0, 40), "coarse centroids"),
        ("product", (3, 256, 13), "centroids of sub-quantizers"),
        ("product", (4, 255, 10), "centroids of sub-quantizers"),
        ("product", (4, 2560), "centroids of sub-quantizers"),
        ("rotation", (40, 40), "orthonormal"),
        ("rotation", (40, 20), "orthonormal"),
    ],
)
def test_arrays_that_are_no_codebook_are_refused(part: str, shape: tuple[int, ...], message: str) -> None:
    arrays = {"coarse": small_codebook().coarse, "product": small_codebook().product, part: np.ones(shape, np.float32)}
    with pytest.raises(InvalidArgumentError, match=message):
        PackCodebook(**arrays)


def test_numbers_that_are_not_finite_are_refused() -> None:
    coarse = small_codebook().coarse.copy()
    coarse[3, 3] = np.nan
    with pytest.raises(InvalidArgumentError, match="finite float32"):
        PackCodebook(coarse, small_codebook().product)
    with pytest.raises(InvalidArgumentError, match="finite float32"):
        PackCodebook(small_codebook().coarse.astype(np.float64), small_codebook().product)


def test_products_are_the_same_without_blas() -> None:
    rows, others = descriptors(1, 70), descriptors(2, 130)
    expected = (rows[:, None].astype(np.float64) * others[None]).sum(axis=2)
    columns = columns_of(others)
    assert columns.flags.c_contiguous
    for blas in (True, False):
        np.testing.assert_allclose(inner_products(rows, columns, blas=blas), expected, atol=1e-6)
