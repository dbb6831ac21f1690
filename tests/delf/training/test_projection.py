"""The projection that training starts from."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.delf.training import projection

Features: TypeAlias = NDArray[Any]


def test_the_projection_finds_the_directions_of_most_energy() -> None:
    random = np.random.default_rng(3)
    basis = np.linalg.qr(random.standard_normal((12, 12)))[0]
    energy = np.array([9, 6, 4, *[0.05] * 9])
    samples = (random.standard_normal((5000, 12)) * energy @ basis.T).astype(np.float32)
    found = projection.principal_components([samples[:2000], samples[2000:]], 3)
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(np.abs((found * basis[:, :3]).sum(axis=0)), 1.0, atol=0.01)
    assert (found[np.abs(found).argmax(axis=0), np.arange(3)] > 0).all(), "signs are fixed"
    np.testing.assert_allclose(projection.principal_components([samples], 3), found, atol=1e-5)
    np.testing.assert_allclose(projection.principal_components([samples * 7], 3), found, atol=1e-5)


def corresponding(random: np.random.Generator, noise: list[float]) -> tuple[Features, Features, Features]:
    """Features of 5 directions of falling energy, and how much views differ along each."""
    basis = np.linalg.qr(random.standard_normal((10, 10)))[0]
    energy = np.array([6, 5, 4, 3, 2, *[0.1] * 5])
    shared = random.standard_normal((6000, 10)) * energy
    first, second = (shared + random.standard_normal((6000, 10)) * np.array(noise + [0.1] * 5) for _ in range(2))
    return (first @ basis.T).astype(np.float32), (second @ basis.T).astype(np.float32), basis


def kept(found: Features, basis: Features) -> list[int]:
    """Directions of ``basis`` that lie within the span of what was found."""
    span = np.linalg.qr(found)[0]
    return list(np.flatnonzero(np.square(span.T @ basis[:, :5]).sum(axis=0) > 0.5))


def test_a_direction_in_which_views_differ_is_given_up_for_steady_ones() -> None:
    first, second, basis = corresponding(np.random.default_rng(4), [6.0, 0.1, 0.1, 0.1, 0.1])
    halves = [(first[:3000], second[:3000]), (first[3000:], second[3000:])]
    assert kept(projection.discriminant(halves, 3, whitening=0.0), basis) == [0, 1, 2]
    found = projection.discriminant(halves, 3, whitening=1.0)
    assert kept(found, basis) == [1, 2, 3]
    assert (found[np.abs(found).argmax(axis=0), np.arange(3)] > 0).all(), "signs are fixed"
    np.testing.assert_allclose(projection.discriminant([(first, second)], 3, whitening=1.0), found, atol=1e-4)
    np.testing.assert_allclose(projection.discriminant([(9 * second, 9 * first)], 3, whitening=1.0), found, atol=1e-4)


def test_where_views_differ_evenly_discriminants_are_principal_components() -> None:
    first, second, basis = corresponding(np.random.default_rng(5), [0.1] * 5)
    for whitening in (0.0, 0.5, 1.0):
        assert kept(projection.discriminant([(first, second)], 3, whitening), basis) == [0, 1, 2]


def test_features_of_little_energy_have_little_say() -> None:
    """Attention drops them. Nine of ten features lie along the first axis, but the tenth is a hundred times as long."""
    random = np.random.default_rng(6)
    along = np.repeat(np.eye(4)[:2], (900, 100), axis=0)
    lengths = np.repeat([1.0, 100.0], (900, 100))[:, None]
    first, second = (
        (lengths * (along + 0.05 * random.standard_normal(along.shape))).astype(np.float32) for _ in range(2)
    )
    for whitening in (0.0, 0.5):
        found = projection.discriminant([(first, second)], 1, whitening)
        assert int(np.abs(found[:, 0]).argmax()) == 1
