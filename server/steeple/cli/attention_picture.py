"""Pictures of what a network attends to: a heat map over the photo, and the features that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.cli.canvas import BACKGROUND, OVERSAMPLING, QUIET, TEXT, Box, Image, averaged_down, show, write
from steeple.delf import FeatureSet
from steeple.delf.extractor import AttentionMap

_COLOURS: Final = cv2.COLORMAP_INFERNO
_HEADER: Final = 84
_FOOTER: Final = 40
_MARGIN: Final = 24
_FRACTION_BITS: Final = 4  # OpenCV draws at 1/16 pixel


@dataclass(frozen=True)
class LevelShare:
    """What one pyramid level has of a photo's attention.

    Attributes:
        scale: Photo pixels per pixel of the level.
        width: Of the level, pixels.
        height: Of the level, pixels.
        cells: Of the network's output.
        features: Cells that were kept.
        attention_share: The level's share of the attention of all levels; 0 if there is none.
    """

    scale: float
    width: int
    height: int
    cells: int
    features: int
    attention_share: float


@dataclass(frozen=True)
class AttentionShares:
    """How a photo's attention is spread over the cells of all levels. Shares are 0 if there is no attention.

    Attributes:
        cells: Of all levels.
        features: Cells that were kept.
        kept_share: Share of the attention that the kept cells have.
        top_tenth_share: Share that the tenth of the cells of highest score has: 0.1 if all are alike.
        highest: Attention score.
        lowest_kept: Attention score of the last cell that was kept; 0 if none was.
        levels: Largest first.
    """

    cells: int
    features: int
    kept_share: float
    top_tenth_share: float
    highest: float
    lowest_kept: float
    levels: tuple[LevelShare, ...]


def shares(maps: Sequence[AttentionMap], features: FeatureSet) -> AttentionShares:
    """The figures of one photo.

    Args:
        maps: Its attention on every level.
        features: What was kept.
    """
    scores = np.sort(np.concatenate([level.scores.reshape(-1) for level in maps]))[::-1].astype(np.float64)
    total = float(scores.sum()) or 1.0
    return AttentionShares(
        cells=len(scores),
        features=len(features),
        kept_share=float(features.scores.sum(dtype=np.float64)) / total,
        top_tenth_share=float(scores[: max(1, len(scores) // 10)].sum()) / total,
        highest=float(scores[0]),
        lowest_kept=float(features.scores[-1]) if len(features) else 0.0,
        levels=tuple(
            LevelShare(
                scale=entry.level.scale,
                width=entry.level.width,
                height=entry.level.height,
                cells=entry.scores.size,
                features=int((features.scales == np.float32(entry.level.scale)).sum()),
                attention_share=float(entry.scores.sum(dtype=np.float64)) / total,
            )
            for entry in maps
        ),
    )


def heat(maps: Sequence[AttentionMap], width: int, height: int) -> NDArray[np.float32]:
    """float32[height, width] from 0 to 1: the highest score of any level, as a share of the highest of all.

    Args:
        maps: A photo's attention on every level.
        width: Of the result, pixels.
        height: Of the result, pixels.
    """
    combined = np.zeros((height, width), np.float32)
    for entry in maps:
        enlarged = cv2.resize(entry.scores, (width, height), interpolation=cv2.INTER_LINEAR)
        np.maximum(combined, np.asarray(enlarged, np.float32), out=combined)
    highest = max(float(entry.scores.max()) for entry in maps)
    return combined / np.float32(highest) if highest > 0 else combined


def draw_attention(
    photo: Image, maps: Sequence[AttentionMap], features: FeatureSet, *, title: str, detail: str, width: int = 1600
) -> Image:
    """The photo under its attention on the left, and with the features that were kept on the right.

    Args:
        photo: uint8[H, W, 3], RGB.
        maps: Its attention on every level.
        features: What was kept. A circle has the colour of the score and the width of the cell.
        title: Heading.
        detail: A line below it.
        width: Of the result, pixels.

    Returns:
        uint8[h, width, 3]; its height follows the photo's shape, within limits.
    """
    unit = OVERSAMPLING
    margin, header, footer = _MARGIN * unit, _HEADER * unit, _FOOTER * unit
    panel_width = (width * unit - 3 * margin) // 2
    panel_height = round(panel_width * min(1.5, max(0.25, photo.shape[0] / photo.shape[1])))
    canvas = np.full((header + panel_height + footer, width * unit, 3), BACKGROUND, np.uint8)
    room = canvas.shape[1] - 2 * margin
    write(canvas, title, (margin, 38 * unit), 20 * unit, TEXT, room=room)
    write(canvas, detail, (margin, 68 * unit), 14 * unit, QUIET, room=room)
    left = Box(margin, header, panel_width, panel_height)
    right = Box(2 * margin + panel_width, header, panel_width, panel_height)
    _heat_over(canvas, show(canvas, left, photo), maps)
    _draw_features(canvas, show(canvas, right, photo, brightness=0.55), features, maps)
    for panel, caption in (
        (left, "attention, the highest of all pyramid levels"),
        (right, f"the {len(features)} features kept; colour: score, size: scale"),
    ):
        write(canvas, caption, (panel.x, panel.y + panel.height + 27 * unit), 13 * unit, QUIET, room=panel.width)
    return averaged_down(canvas)


def _heat_over(canvas: Image, shown: Box, maps: Sequence[AttentionMap]) -> None:
    part = canvas[shown.y : shown.y + shown.height, shown.x : shown.x + shown.width]
    share = heat(maps, shown.width, shown.height)
    # What is not attended to stays visible, but dark and grey; what is glows in its own place.
    grey = np.repeat(part.mean(axis=2, keepdims=True), 3, axis=2) * 0.6
    strength = 0.15 + 0.6 * share[..., None]
    part[:] = np.rint(grey * (1 - strength) + _coloured(share) * strength).astype(np.uint8)


def _draw_features(canvas: Image, shown: Box, features: FeatureSet, maps: Sequence[AttentionMap]) -> None:
    if not len(features):
        return
    stride = maps[0].level.width / maps[0].scores.shape[1]
    low, high = float(features.scores[-1]), float(features.scores[0])
    ranks = (features.scores - low) / max(high - low, 1e-9)
    colours = _coloured(0.25 + 0.75 * ranks[None])[0]  # the darkest colours would not be seen
    centres = shown.place(features.keypoints)
    radii = 0.5 * stride * features.scales * shown.scale
    one = 2**_FRACTION_BITS
    for number in reversed(range(len(features))):  # the best on top
        centre = np.rint(centres[number] * one).astype(int).tolist()
        colour = [int(value) for value in colours[number]]
        cv2.circle(canvas, centre, round(float(radii[number]) * one), colour, OVERSAMPLING, cv2.LINE_AA, _FRACTION_BITS)


def _coloured(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[h, w, 3], RGB from 0 to 255, of float32[h, w] from 0 to 1."""
    bgr = cv2.applyColorMap(np.rint(share * 255).astype(np.uint8), _COLOURS)
    return np.asarray(bgr[..., ::-1], np.float32)
