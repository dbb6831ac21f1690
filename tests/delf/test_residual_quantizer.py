"""Short codes of descriptors: their error, and that they are the best that a search finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from steeple.delf import Extractor, ModelRelease
from steeple.delf.residual_quantizer import ResidualQuantizer
from steeple.errors import InvalidArgumentError
from tests.scenes import scene


@pytest.fixture(scope="module")
def quantizer() -> ResidualQuantizer:
    path = ModelRelease.load().compact_path
    assert path is not None
    return ResidualQuantizer(np.load(path))


@pytest.fixture(scope="module")
def descriptors() -> np.ndarray:
    return Extractor().extract(scene(3)).unit_descriptors()


def error(quantizer: ResidualQuantizer, rows: np.ndarray, stages: int) -> float:
    decoded = quantizer.decode(quantizer.encode(rows, stages))
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), 1.0, atol=1e-5)
    return float(((decoded - rows) ** 2).sum(axis=1).mean())


def test_longer_codes_are_closer(quantizer: ResidualQuantizer, descriptors: np.ndarray) -> None:
    errors = [error(quantizer, descriptors, stages) for stages in (1, 2, 4, 6, 8, 12)]
    assert all(longer < shorter for shorter, longer in itertools.pairwise(errors))
    # Pictures made on the spot, which the codebook was not trained on; of photos it is .14 and .03.
    assert errors[3] < 0.25
    assert errors[5] < 0.08


def test_the_beam_finds_what_trying_all_codes_finds() -> None:
    rng = np.random.default_rng(0)
    codebook = rng.standard_normal((2, 256, 4)).astype(np.float32)
    codebook[1] *= 0.3  # what a first stage leaves
    rows = rng.standard_normal((200, 4)).astype(np.float32)
    sums = (codebook[0][:, None] + codebook[1][None]).reshape(-1, 4)
    best = ((rows[:, None] - sums[None]) ** 2).sum(axis=2).min(axis=1)
    codes = ResidualQuantizer(codebook).encode(rows, 2)
    found = ((rows - codebook[0, codes[:, 0]] - codebook[1, codes[:, 1]]) ** 2).sum(axis=1)
    assert np.mean(found <= 1.0001 * best) > 0.9


def test_what_is_no_code_is_refused(quantizer: ResidualQuantizer) -> None:
    rows = np.zeros((1, 40), np.float32)
    for stages in (0, 13):
        with pytest.raises(InvalidArgumentError, match=f"1 to 12 bytes, not {stages}"):
            quantizer.encode(rows, stages)
    with pytest.raises(InvalidArgumentError, match="float"):
        ResidualQuantizer(np.zeros((2, 255, 40), np.float32))
    with pytest.raises(InvalidArgumentError, match="finite"):
        ResidualQuantizer(np.full((1, 256, 4), np.nan, np.float32))
    assert quantizer.encode(np.empty((0, 40), np.float32), 6).shape == (0, 6)
    assert quantizer.decode(np.empty((0, 6), np.uint8)).shape == (0, 40)
