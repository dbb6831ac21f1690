from __future__ import annotations

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.server.evaluation.trained_index import TrainedIndex
from steeple.server.index import ExactIndex, FaissIndex
from steeple.server.index_factory import IndexFactory
from tests.server.index.descriptors import descriptors

RELEASE = ModelRelease.load()
FACTORY = IndexFactory.parse("IVF64,PQ20")


def test_its_codebook_is_of_what_it_was_filled_with() -> None:
    trained, foreign, exact = TrainedIndex(RELEASE, FACTORY), FaissIndex(RELEASE), ExactIndex(RELEASE.name)
    for index in (trained, foreign, exact):
        for key in range(40):
            index.add(key, descriptors(key, 300))
    assert 7 in trained
    assert trained.remove(39)
    assert not trained.remove(39)
    exact.remove(39)
    trained.train()
    assert (trained.stats().images, trained.stats().kind.split()[0]) == (39, str(FACTORY))
    moved = np.concatenate([descriptors(key, 300)[:20] for key in range(30)])
    moved = (moved + 0.05 * np.random.default_rng(1).standard_normal(moved.shape)).astype(np.float32)
    wanted = exact.search(moved, 1)

    def recall(index: TrainedIndex | FaissIndex) -> float:
        found = index.search(moved, 1)
        same = (found.image_keys == wanted.image_keys) & (found.feature_numbers == wanted.feature_numbers)
        return float(same.mean())

    assert recall(trained) > max(0.7, recall(foreign))


def test_too_few_descriptors_train_nothing() -> None:
    index = TrainedIndex(RELEASE, FACTORY)
    index.add(1, descriptors(1, 300))
    with pytest.raises(InvalidArgumentError, match=r"trained on 9,984 descriptors at least, .* have 300: .*--fillers"):
        index.train()
