"""The projection that training starts from."""

from __future__ import annotations

import numpy as np

from steeple.delf.training import projection


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
