"""Colours that can be told apart, and icons that can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.app.ui import icons
from steeple.app.ui.theme import PALETTES, SHAPE_PAIRS, TEXT_PAIRS, Palette, contrast, over
from steeple.errors import InvalidArgumentError

WHITE = (1.0, 1.0, 1.0, 1.0)
BLACK = (0.0, 0.0, 0.0, 1.0)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast(WHITE, BLACK) == pytest.approx(21.0)
    assert contrast(BLACK, WHITE) == pytest.approx(21.0)
    grey = (119 / 255, 119 / 255, 119 / 255, 1.0)
    assert contrast(grey, WHITE) == pytest.approx(4.48, abs=0.01)  # the known example that just fails


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
@pytest.mark.parametrize(("text", "below"), TEXT_PAIRS)
def test_text_can_be_read(palette: Palette, text: str, below: str) -> None:
    ground = over(getattr(palette, below), WHITE)
    assert contrast(getattr(palette, text), ground) >= 4.5


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
@pytest.mark.parametrize(("shape", "below"), SHAPE_PAIRS)
def test_shapes_can_be_seen(palette: Palette, shape: str, below: str) -> None:
    ground = over(getattr(palette, below), WHITE)
    assert contrast(getattr(palette, shape), ground) >= 3.0


@pytest.mark.parametrize("name", sorted(icons.DRAWINGS))
def test_icons_are_sharp_and_within_their_square(name: str) -> None:
    small, large = icons.mask(name, 24), icons.mask(name, 96)
    assert small.shape == (24, 24)
    assert large.max() == 255
    share = (large > 127).mean()
    assert 0.05 < share < 0.5
    edges = np.concatenate([large[0], large[-1], large[:, 0], large[:, -1]])
    assert edges.max() < 200
    # Edges are smooth, and few pixels belong to them.
    assert 0 < ((large > 20) & (large < 235)).mean() < 0.2


def test_no_two_icons_are_alike() -> None:
    drawn = {icons.mask(name, 48).tobytes() for name in icons.DRAWINGS}
    assert len(drawn) == len(icons.DRAWINGS)


def test_an_unknown_icon_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match="no icon is named 'none'"):
        icons.mask("none", 24)
    with pytest.raises(InvalidArgumentError, match="1 to 1024"):
        icons.mask("back", 0)
