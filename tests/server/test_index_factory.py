"""Factory strings of indexes."""

from __future__ import annotations

from typing import Any

import faiss
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.delf import DIMENSIONS
from steeple.errors import InvalidArgumentError
from steeple.server.index_factory import EXAMPLE, IndexFactory
from steeple.server.settings import Settings


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("IVF1024,PQ20", "IVF1024,PQ20"),
        ("IVF1024,PQ20x8np", "IVF1024,PQ20"),
        ("IVF65536_HNSW,PQ10", "IVF65536_HNSW32,PQ10"),
        ("OPQ8,IVF16_HNSW8,PQ8np", "OPQ8,IVF16_HNSW8,PQ8"),
        (EXAMPLE, EXAMPLE),
    ],
)
def test_equal_indexes_have_one_name(text: str, canonical: str) -> None:
    factory = IndexFactory.parse(text)
    assert str(factory) == canonical
    assert IndexFactory.parse(canonical) == factory
    index = faiss.index_factory(DIMENSIONS, text)
    inverted: Any = faiss.downcast_index(faiss.extract_index_ivf(index))
    assert (inverted.nlist, inverted.pq.M, inverted.pq.nbits) == (factory.lists, factory.sub_quantizers, 8)


@given(
    lists=st.integers(1, 1 << 20),
    subs=st.sampled_from([1, 2, 4, 5, 8, 10, 20, 40]),
    links=st.integers(2, 256) | st.just(0),
    turned=st.booleans(),
)
def test_every_index_can_be_named(lists: int, subs: int, links: int, turned: bool) -> None:
    factory = IndexFactory(lists, subs, links=links, turned=turned)
    assert IndexFactory.parse(str(factory)) == factory


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("IVF1024,PQ20x4fs", "4-bit fast-scan index, whose blocks of 32 codes FAISS cannot map"),
        ("OPQ20,IVF1024,PQ20x4fsr", "fast-scan"),
        ("IVF1024,PQ40x4", "codes of 4 bits"),
        ("IVF0,PQ20", "0 inverted lists"),
        ("IVF9999999,PQ20", "from 1 to 1048576"),
        ("IVF1024,PQ16", "into 16; 1, 2, 4, 5, 8, 10, 20, 40 divide them"),
        ("IVF1024,PQ0", "into 0"),
        ("OPQ10,IVF1024,PQ20", "OPQ10 but has PQ20"),
        ("IVF1024_HNSW1,PQ20", "1 links"),
        ("Flat", "not of the form"),
        ("HNSW32", "not of the form"),
        ("IVF1024,PQ20,RFlat", "not of the form"),
        ("IVF１0,PQ20", "not of the form"),
        (" IVF1024,PQ20", "not of the form"),
        ("PCA20,IVF1024,PQ20", "not of the form"),
    ],
)
def test_other_indexes_are_refused_with_a_reason_and_an_example(text: str, reason: str) -> None:
    for read in (IndexFactory.parse, lambda text: Settings.load(index=text)):
        with pytest.raises(InvalidArgumentError) as caught:
            read(text)
        assert reason in caught.value.message
        assert EXAMPLE in caught.value.message


def test_training_takes_what_faiss_advises() -> None:
    assert IndexFactory.parse("IVF4096,PQ20").training_descriptors == 39 * 4096
    assert IndexFactory.parse("IVF16,PQ20").training_descriptors == 39 * 256
