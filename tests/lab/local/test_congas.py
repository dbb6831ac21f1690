"""What is particular to the feature that is like CONGAS."""

from __future__ import annotations

import numpy as np

from steeple.lab.local.congas import CongasLike, wavelets
from tests.scenes import scene


def test_wavelets_answer_to_waves_of_their_length_and_direction_alone() -> None:
    bank = wavelets()
    assert bank.shape == (118, 32 * 32)
    np.testing.assert_allclose(np.abs(bank @ np.ones(32 * 32)), 0, atol=1e-5)
    _, x = np.mgrid[:32, :32] - 15.5
    answers = np.abs(bank @ np.cos(2 * np.pi * x / 6).ravel())
    along, across = answers[0], answers[2]  # at the centre, of wavelength 6, 0 and 90 degrees
    assert along > 0.4
    assert across < 0.05 * along
    assert answers[76:].max() < 0.3 * along, "those of wavelength 12"


def test_brightness_and_contrast_do_not_matter() -> None:
    picture = scene(7, 320, 240)
    changed = (picture // 2 + 60).astype(np.uint8)
    first, second = (CongasLike(contrast=0.02).extract(image) for image in (picture, changed))
    apart = np.linalg.norm(first.positions[:, None] - second.positions[None], axis=2)
    turned = np.abs(first.angles[:, None] - second.angles[None])
    rows, others = np.nonzero((apart < 0.1) & (turned < 0.05))
    assert len(rows) > 50
    assert np.median((first.descriptors[rows] * second.descriptors[others]).sum(axis=1)) > 0.995
