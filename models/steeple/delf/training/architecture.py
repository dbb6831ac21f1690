"""What an EfficientNet-Lite consists of, apart from any framework."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Stage:
    """Inverted residual blocks one after the other.

    Attributes:
        kernel: Width of the depthwise convolution, pixels.
        stride: Of its first block; the others have 1.
        expansion: Channels within a block for each channel that enters it.
        channels: That leave it.
        repeats: Number of blocks.
    """

    kernel: int
    stride: int
    expansion: int
    channels: int
    repeats: int


@dataclass(frozen=True)
class Block:
    """One inverted residual block: expansion, depthwise convolution, projection.

    Attributes:
        name: Of its layers' names, what comes before the underscore.
        kernel: Width of the depthwise convolution, pixels.
        stride: Of the depthwise convolution.
        inputs: Channels that enter.
        expanded: Channels within; as many as enter: there is no expansion.
        channels: Channels that leave.
    """

    name: str
    kernel: int
    stride: int
    inputs: int
    expanded: int
    channels: int

    @property
    def residual(self) -> bool:
        """Whether what enters is added to what leaves."""
        return self.stride == 1 and self.inputs == self.channels


_STAGES: Final = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
STEM_CHANNELS: Final = 32
HEAD_CHANNELS: Final = 1280
EPSILON: Final = 1e-3
"""Of batch normalisation."""
_CHANNEL_STEP: Final = 8


@dataclass(frozen=True)
class Architecture:
    """A member of the EfficientNet-Lite family: ReLU6 throughout and no squeeze-and-excitation, which fits int8.

    Attributes:
        width: Factor of the channels, as in EfficientNet (Tan and Le, 2019); rounded to multiples of 8.
        depth: Factor of the repeats of a block, rounded up; the first and the last stage are not repeated.
    """

    width: float
    depth: float

    @property
    def stages(self) -> tuple[Stage, ...]:
        """From the image on."""
        ends = (_STAGES[0], _STAGES[-1])
        return tuple(
            replace(
                stage,
                channels=_rounded(stage.channels * self.width),
                repeats=stage.repeats if stage in ends else math.ceil(stage.repeats * self.depth),
            )
            for stage in _STAGES
        )

    def blocks(self, last_block: int | None = None) -> Iterator[Block]:
        """From the stem on.

        Args:
            last_block: Number of the last one, from 0; None: all.
        """
        number, inputs = 0, STEM_CHANNELS
        for stage in self.stages:
            for repeat in range(stage.repeats):
                if last_block is not None and number > last_block:
                    return
                stride = stage.stride if repeat == 0 else 1
                expanded = inputs * stage.expansion
                yield Block(f"block{number}", stage.kernel, stride, inputs, expanded, stage.channels)
                number, inputs = number + 1, stage.channels

    def last_block(self, stride: int) -> int:
        """Number of the last block whose output has a stride.

        Args:
            stride: 2, 4, 8, 16 or 32.
        """
        reached, count = 2, 0  # after the stem
        for stage in self.stages:
            reached *= stage.stride
            if reached > stride:
                break
            count += stage.repeats
        return count - 1


ARCHITECTURES: Final = {
    "efficientnet-lite0": Architecture(1.0, 1.0),
    "efficientnet-lite1": Architecture(1.0, 1.1),
    "efficientnet-lite2": Architecture(1.1, 1.2),
}
"""By the name that a recipe gives: those whose ImageNet weights a package ships."""


def _rounded(channels: float) -> int:
    nearest = max(_CHANNEL_STEP, int(channels + _CHANNEL_STEP / 2) // _CHANNEL_STEP * _CHANNEL_STEP)
    return nearest + _CHANNEL_STEP if nearest < 0.9 * channels else nearest
