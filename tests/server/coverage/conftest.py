"""Photos whose views are known: of two buildings, and of something else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.delf.release import ModelRelease
from tests.scenes import encoded
from tests.server.discovery.conftest import photographs

Features = Mapping[str, FeatureSet]

FEATURES = 400


@pytest.fixture(scope="package")
def features() -> Features:
    """By name: a0, a1, a2 and burst see one building, b0, b1, b2 the other, both sees both, stranger neither."""
    extractor = Extractor(ModelRelease.load())
    return {
        name: extractor.extract(read_image(encoded(picture, ".png"))).best(FEATURES)
        for name, picture in photographs().items()
    }
