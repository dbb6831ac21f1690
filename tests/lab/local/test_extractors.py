"""What every local extractor keeps to, and that positions are where the convention says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steeple.delf.release import ModelRelease
from steeple.delf.training import layer_weights
from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.local import EXTRACTORS
from steeple.lab.protocols import LocalExtractor
from tests.lab.local import views
from tests.lab.local.views import PICTURE, Found, View, matched

CELL = 16
COUNT = 800


@dataclass
class Method:
    """A kind, made once, and what it makes of the picture."""

    name: str
    extractor: LocalExtractor
    picture: LocalFeatures = field(init=False)

    def __post_init__(self) -> None:
        self.picture = self.extractor.extract(PICTURE)

    def matched(self, view: View) -> Found:
        return matched(self.picture, self.extractor.extract(view.image), view.homography)


@pytest.fixture(scope="module")
def attentive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a training run that has trained trunk and attention: a release, with a head of random weights."""
    folder = tmp_path_factory.mktemp("run")
    release = ModelRelease.load("delf-lite0-v1")
    weights = layer_weights.read(release.path / "weights.npz")
    random = np.random.default_rng(1)
    hidden, logits = random.normal(0, 0.3, (1, 1, 112, 64)), random.uniform(0, 0.3, (1, 1, 64, 1))
    weights["attention_hidden"] = [hidden.astype(np.float32), np.zeros(64, np.float32)]
    weights["attention_logits"] = [logits.astype(np.float32), np.full(1, 0.5, np.float32)]
    layer_weights.write(folder / "weights.npz", weights)
    recipe = {**release.manifest["provenance"]["training"]["recipe"]}
    recipe["network"] = {**recipe["network"], "learned_attention": True}
    recipe["descriptors"] = {**recipe["descriptors"], "steps": 1}
    (folder / "run.json").write_text(json.dumps({"recipe": recipe, "start": "delf-lite0-v1", "photos": {}}))
    return folder


@pytest.fixture(scope="module")
def made(attentive: Path) -> Callable[[str], Method]:
    parameters: dict[str, dict[str, Any]] = {
        "delf-attention": {"weights": str(attentive)},
        "delf-finetuned": {"weights": str(attentive)},
        "delf-imagenet": {"release": "delf-lite0-v1"},
        "delf-quantized": {"release": "delf-lite0-v1"},
    }
    methods: dict[str, Method] = {}

    def make(name: str) -> Method:
        if name not in methods:
            methods[name] = Method(name, EXTRACTORS[name].make(count=COUNT, **parameters.get(name, {})))
        return methods[name]

    return make


@pytest.fixture(params=list(EXTRACTORS))
def method(request: pytest.FixtureRequest, made: Callable[[str], Method]) -> Method:
    return made(request.param)


BYTES = {"orb": 32}
DIMENSIONS = {"rootsift": 128, "congas-like": 118, "hardnet": 128, "lift-like": 128, "xfeat": 64}


def test_what_comes_out(method: Method) -> None:
    found = method.picture
    assert (found.width, found.height) == (views.WIDTH, views.HEIGHT)
    assert 500 < len(found) <= COUNT
    assert found.positions.shape == (len(found), 2)
    for array in (found.positions, found.scales, found.angles, found.scores):
        assert array.dtype == np.float32
    for array in (found.scales, found.angles, found.scores):
        assert array.shape == (len(found),)
    assert (np.diff(found.scores) <= 0).all(), "the strongest first"
    assert (found.scales > 0).all()
    assert ((found.positions >= -0.5) & (found.positions <= (views.WIDTH - 0.5, views.HEIGHT - 0.5))).all()
    if method.name in BYTES:
        assert found.binary
        assert found.descriptors.shape[1] == BYTES[method.name]
    else:
        assert found.descriptors.dtype == np.float32
        assert found.descriptors.shape[1] == DIMENSIONS.get(method.name, 40)
        np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-4)


def test_the_same_photo_has_the_same_features(method: Method) -> None:
    method.extractor.extract(np.ascontiguousarray(PICTURE[:99, :133]))  # another in between
    again = method.extractor.extract(PICTURE)
    for name in ("positions", "scales", "angles", "scores", "descriptors"):
        np.testing.assert_array_equal(getattr(again, name), getattr(method.picture, name))


@pytest.mark.parametrize("size", [(1, 1), (8, 200), (31, 31)])
def test_a_photo_without_features_has_none(method: Method, size: tuple[int, int]) -> None:
    found = method.extractor.extract(np.full((*size, 3), 90, np.uint8))
    assert (len(found), found.height, found.width) == (0, *size)
    assert found.positions.shape == (0, 2)
    assert found.descriptors.shape == (0, method.picture.descriptors.shape[1])
    assert found.descriptors.dtype == method.picture.descriptors.dtype


@pytest.mark.parametrize("name", ["rootsift", "orb", "congas-like", "xfeat"])
def test_an_even_wall_has_no_keypoints(made: Callable[[str], Method], name: str) -> None:
    assert len(made(name).extractor.extract(np.full((200, 300, 3), 90, np.uint8))) == 0


@pytest.mark.parametrize("name", ["rootsift", "orb", "congas-like"])
@pytest.mark.parametrize("count", [0, -1, 10_001, True, 10.5])
def test_a_count_without_sense_is_refused(name: str, count: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="'count' of a local extractor is a whole number from 1 to 10000"):
        EXTRACTORS[name].make(count=count)


def test_values_without_sense_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="whole number from 1 to 4096, not 5000"):
        EXTRACTORS["delf-quantized"].make(count=5000)
    for name, parameter in (("rootsift", "contrast"), ("congas-like", "contrast"), ("xfeat", "threshold")):
        for value in (-0.1, 1.0, float("nan")):
            with pytest.raises(
                InvalidArgumentError, match=f"'{parameter}' of a local extractor is from 0 to less than 1"
            ):
                EXTRACTORS[name].make(**{parameter: value})


def test_fewer_are_the_strongest(made: Callable[[str], Method]) -> None:
    """Not for RootSIFT and ORB, whose detectors are told how many there are to be."""
    for name, parameters in (("xfeat", {}), ("delf-imagenet", {"release": "delf-lite0-v1"})):
        few = EXTRACTORS[name].make(count=50, **parameters).extract(PICTURE)
        np.testing.assert_array_equal(few.positions, made(name).picture.first(50).positions)
        np.testing.assert_allclose(few.descriptors, made(name).picture.first(50).descriptors, atol=1e-5)


MATCHES = {
    "rootsift": (3.0, 0.8),
    "orb": (3.0, 0.85),
    "congas-like": (3.0, 0.8),
    "hardnet": (3.0, 0.8),
    "lift-like": (4.0, 0.7),
    "xfeat": (5.0, 0.8),
    "delf-imagenet": (24.0, 0.6),
    "delf-finetuned": (24.0, 0.7),
    "delf-attention": (24.0, 0.6),
    "delf-quantized": (24.0, 0.7),
}
"""Radius in pixels, and the least share of right matches. DELF's keypoints are centres of cells, 16 pixels and more."""


def test_two_views_of_a_wall_are_matched(method: Method) -> None:
    radius, least = MATCHES[method.name]
    found = method.matched(views.tilted())
    assert len(found.errors) > 100
    assert found.share(radius) > least


SHIFTS = {
    "rootsift": (21, 13, 0.05),
    "orb": (21, 13, 0.6),
    "congas-like": (21, 13, 0.05),
    "hardnet": (21, 13, 0.05),
    "lift-like": (21, 13, 0.5),
    "xfeat": (32, 64, 1.5),
}


def test_positions_move_with_the_picture(method: Method) -> None:
    """By whole pixels; with DELF by whole cells, among which the pyramid's other levels have cells at other places."""
    x, y, most = SHIFTS.get(method.name, (2 * CELL, CELL, CELL / 2))
    found = method.matched(views.shifted(x, y)).right(2 * CELL)
    assert len(found.errors) > 150
    assert np.median(found.errors) <= most
    assert np.abs(np.median(found.offsets, axis=0)).max() <= most / 2


@pytest.mark.parametrize(("name", "most"), [("rootsift", 0.08), ("congas-like", 0.08), ("orb", 0.3), ("xfeat", 0.6)])
def test_positions_grow_with_the_picture(made: Callable[[str], Method], name: str, most: float) -> None:
    """The middle of pixel x lies at 2x + 1/2: conventions that differ by half a pixel differ by as much here."""
    found = made(name).matched(views.doubled()).right(4.0)
    assert len(found.errors) > 100
    assert np.abs(np.median(found.offsets, axis=0)).max() <= most


@pytest.mark.parametrize("name", ["rootsift", "orb", "congas-like"])
@pytest.mark.parametrize(("view", "turn"), [(views.quarter_turned, 90.0), (views.half_turned, 180.0)])
def test_positions_and_angles_turn_with_the_picture(
    made: Callable[[str], Method], name: str, view: Callable[[], View], turn: float
) -> None:
    """Exactly: no pixel changes. Positions with an offset, as ORB's from OpenCV, are off by twice the offset."""
    found = made(name).matched(view())
    assert found.share(1.0) > 0.95
    assert np.median(found.errors) < 0.05
    off = np.angle(np.exp(1j * (found.right(1.0).turns - np.deg2rad(turn))))
    assert abs(np.rad2deg(np.median(off))) < 3


def test_delf_enlarges_a_thumbnail_and_has_its_cells_in_place(made: Callable[[str], Method]) -> None:
    """Both have the same working size, and so the same cells."""
    method = made("delf-finetuned")
    half = cv2.resize(PICTURE, (views.WIDTH // 2, views.HEIGHT // 2), interpolation=cv2.INTER_AREA)
    found = matched(method.extractor.extract(np.asarray(half, np.uint8)), method.picture, views.doubled().homography)
    assert len(found.errors) > 300
    assert np.median(found.right(CELL).errors) < 0.01


def test_attention_chooses_other_cells_of_the_same(made: Callable[[str], Method]) -> None:
    learned, energetic = made("delf-attention").picture, made("delf-finetuned").picture
    places = {tuple(row) for row in np.column_stack([energetic.positions, energetic.scales]).round(2).tolist()}
    rows = [tuple(row) in places for row in np.column_stack([learned.positions, learned.scales]).round(2).tolist()]
    assert 0.1 < np.mean(rows) < 0.95


def test_a_variant_is_what_its_name_says(attentive: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="has learned no attention"):
        EXTRACTORS["delf-attention"].make(weights="delf-lite0-v1")
    with pytest.raises(InvalidArgumentError, match="knows ImageNet alone"):
        EXTRACTORS["delf-finetuned"].make(weights="delf-lite0-v1")


def test_quantization_changes_little(made: Callable[[str], Method]) -> None:
    quantized, exact = made("delf-quantized").picture, made("delf-imagenet").picture
    found = matched(exact, quantized, np.eye(3))
    assert len(found.errors) > 0.8 * COUNT
    assert found.share(0.5) > 0.95
