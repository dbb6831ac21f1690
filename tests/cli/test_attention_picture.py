"""Pictures of attention: that the heat is where the attention is, and the features where they were found."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.cli.attention_picture import draw_attention, heat, shares
from steeple.delf import DIMENSIONS, FeatureSet
from steeple.delf.extractor import AttentionMap
from steeple.delf.pyramid import Level

GREY = 60
WIDTH, HEIGHT = 640, 480


def attention(level: int, *hot: tuple[int, int, float], base: float = 0.0) -> AttentionMap:
    """A level of a photo of 640x480 pixels, ``level`` times halved, with scores at some rows and columns."""
    width, height = WIDTH >> level, HEIGHT >> level
    scores = np.full((height // 16, width // 16), base, np.float32)
    for row, column, score in hot:
        scores[row, column] = score
    return AttentionMap(Level(width, height, 2.0**level), scores)


def features(*found: tuple[float, float, float, float]) -> FeatureSet:
    """Of x, y, scale and score."""
    columns: NDArray[np.float32] = np.array(found, np.float32).reshape(-1, 4)
    descriptors = np.zeros((len(columns), DIMENSIONS), np.int8)
    return FeatureSet("delf-lite2-v1", WIDTH, HEIGHT, descriptors, columns[:, :2], columns[:, 2], columns[:, 3])


def test_the_heat_is_the_highest_of_all_levels_in_its_place() -> None:
    found = heat([attention(0, (2, 5, 3.0)), attention(1, (10, 15, 6.0), base=1.5)], WIDTH, HEIGHT)
    assert found.min() == 0.25
    assert 0.95 < found.max() <= 1
    assert found[2 * 16 + 8, 5 * 16 + 8] == pytest.approx(0.5, abs=0.05)
    assert found[10 * 32 + 16, 15 * 32 + 16] == pytest.approx(1.0, abs=0.05)
    assert found[400, 100] == 0.25, "what neither level finds hot has the base of the other"


def test_a_photo_of_nothing_is_cold() -> None:
    maps = [attention(0), attention(1)]
    assert not heat(maps, 64, 48).any()
    figures = shares(maps, features())
    assert (figures.kept_share, figures.top_tenth_share, figures.highest, figures.lowest_kept) == (0, 0, 0, 0)
    picture = draw_attention(np.full((HEIGHT, WIDTH, 3), GREY, np.uint8), maps, features(), title="x", detail="y")
    assert picture.shape[1] == 1600


def test_shares_of_the_attention() -> None:
    maps = [attention(0, (0, 0, 7.0), base=1.0), attention(1, base=0.0)]
    kept = features((7.5, 7.5, 1.0, 7.0), (23.5, 7.5, 1.0, 1.0), (15.5, 15.5, 2.0, 0.5))
    figures = shares(maps, kept)
    cells, total = 1200 + 300, 1199 + 7.0
    assert (figures.cells, figures.features) == (cells, 3)
    assert figures.kept_share == pytest.approx(8.5 / total)
    assert figures.top_tenth_share == pytest.approx((149 + 7) / total)
    assert (figures.highest, figures.lowest_kept) == (7.0, 0.5)
    assert [(level.cells, level.features, level.attention_share) for level in figures.levels] == [
        (1200, 2, 1.0),
        (300, 1, 0.0),
    ]


def test_heat_and_features_are_drawn_where_they_are() -> None:
    photo = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    maps = [attention(0, (7, 30, 5.0))]
    blank = draw_attention(photo, [attention(0)], features(), title="", detail="").astype(int)
    kept = features((487.5, 119.5, 1.0, 5.0), (159.5, 359.5, 4.0, 1.0))
    changed = np.abs(draw_attention(photo, maps, kept, title="", detail="") - blank).max(axis=2) > 20
    panel = (1600 - 3 * 24) / 2
    scale = panel / WIDTH

    rows, columns = np.nonzero(changed[84:-40, :800])
    assert columns.mean() == pytest.approx(24 + 488 * scale, abs=2)
    assert rows.mean() == pytest.approx(120 * scale, abs=2)

    for x, y, radius in ((488, 120, 8), (160, 360, 32)):
        centre_x, centre_y, reach = 48 + panel + x * scale, 84 + y * scale, radius * scale
        window = changed[round(centre_y - reach - 6) : round(centre_y + reach + 6)]
        columns = np.flatnonzero(window[:, 800:].any(axis=0)) + 800
        near = columns[np.abs(columns - centre_x) < reach + 6]
        assert near.min() == pytest.approx(centre_x - reach, abs=2.5)
        assert near.max() == pytest.approx(centre_x + reach, abs=2.5)


@pytest.mark.parametrize(("width", "height"), [(2000, 100), (100, 2000)])
def test_any_shape_fits(width: int, height: int) -> None:
    entry = AttentionMap(Level(width, height, 1.0), np.ones((height // 16, width // 16), np.float32))
    empty = FeatureSet("m", width, height, *_nothing())
    photo = np.full((height, width, 3), GREY, np.uint8)
    picture = draw_attention(photo, [entry], empty, title="long " * 90, detail="longer " * 90)
    assert picture.shape[1] == 1600
    assert picture.shape[0] < 1600


def _nothing() -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    none = features()
    return none.descriptors, none.keypoints, none.scales, none.scores
