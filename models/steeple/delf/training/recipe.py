"""Everything that decides what a training run makes, in one record."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from steeple.errors import InvalidArgumentError

TRUNKS: Final = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
"""Trunks that there are ImageNet weights of."""


@dataclass(frozen=True)
class LightParameters:
    """Probabilities of photometric changes."""

    toned: float = 0.8
    night: float = 0.15
    grey: float = 0.1
    blurred: float = 0.25
    noisy: float = 0.25
    compressed: float = 0.3
    occluded: float = 0.2


@dataclass(frozen=True)
class ViewParameters:
    """How far two views of a scene may differ.

    Attributes:
        side: Pixels of the square views.
        least_crop: Smallest extent of a first view, as a share of the photo's shorter side.
        jitter: Perspective of the first view: how far its corners move, as a share of its side.
        perspective: The same of the second view.
        scale_spread: Standard deviation of the factor between the views' scales, as a factor.
        scale_limit: The factor is at most this, and at least its inverse.
        rotation: Standard deviation of the angle between the views, degrees.
        turned_share: Share of pairs whose angle may be any.
        shift: How far the second view looks aside, as a share of the first's extent.
        light: Photometric changes.
    """

    side: int = 224
    least_crop: float = 0.5
    jitter: float = 0.04
    perspective: float = 0.15
    scale_spread: float = 1.4
    scale_limit: float = 3.0
    rotation: float = 12.0
    turned_share: float = 0.05
    shift: float = 0.15
    light: LightParameters = field(default_factory=LightParameters)


@dataclass(frozen=True)
class NetworkParameters:
    """The shape of a network.

    Attributes:
        trunk: One of :data:`TRUNKS`.
        last_block: Where it is cut. The last block at stride 16 is 10 of Lite0, 14 of Lite1 and Lite2.
        fusion: Whether features of stride 8 are led around the deeper blocks and added at their end.
        learned_attention: Whether attention has a head of its own, or is the squared norm of the feature.
        dimensions: Of a local descriptor.
        attention_channels: Of the attention head's hidden layer.
        global_dimensions: Of the global descriptor.
    """

    trunk: str = "efficientnet-lite0"
    last_block: int = 10
    fusion: bool = False
    learned_attention: bool = False
    dimensions: int = 40
    attention_channels: int = 64
    global_dimensions: int = 256


@dataclass(frozen=True)
class DescriptorStage:
    """Stage one: descriptors.

    Attributes:
        steps: Optimiser steps.
        pairs: View pairs a step.
        labelled: Labelled photos a step, for the classifier.
        rate: Highest learning rate; it warms up and falls along a cosine.
        first_block: First block of the trunk that learns; the earlier ones stay as they are.
        temperature: Of the softmax over descriptors.
        whitening: How much of what changes between two photos of a scene the first projection scales down, 0 to 1; 0
            is PCA.
        clearance: Cells of the right picture that are this close to the right cell are not held against it, in cells.
        forgiveness: How little cells that cannot be matched count, from 0 to 1.
        classification: Weight of the classifier's loss (DELF, section 4.2.1).
        distillation: Weight of the teacher's.
        mined: Share of pairs that are two photos of a landmark, where such were found.
        rounds: How often such are looked for anew, at even distances, with the model of that moment.
    """

    steps: int = 0
    pairs: int = 12
    labelled: int = 4
    rate: float = 1.5e-4
    first_block: int = 5
    temperature: float = 0.06
    whitening: float = 0.0
    clearance: float = 1.5
    forgiveness: float = 0.3
    classification: float = 0.1
    distillation: float = 0.0
    mined: float = 0.3
    rounds: int = 2


@dataclass(frozen=True)
class AttentionStage:
    """Stage two: attention, and the global descriptor, with local descriptors frozen (DELF, section 4.2.2).

    Attributes:
        steps: Optimiser steps.
        labelled: Photos a step for the classifiers, half of them of no landmark.
        pairs: View pairs a step.
        rate: Highest learning rate.
        classification: Weight of the loss that asks for attention to what tells landmarks apart.
        reliability: Weight of the loss that asks for attention where descriptors match: its squared distance from how
            likely the cell is found again.
    """

    steps: int = 300
    labelled: int = 16
    pairs: int = 12
    rate: float = 1e-3
    classification: float = 0.3
    reliability: float = 5.0


@dataclass(frozen=True)
class Recipe:
    """All of a run but its photos.

    Attributes:
        seed: Of all randomness.
        held_back: Landmarks that are not trained on: to choose by, and to calibrate the confidence on.
        held_back_share: Share of the photos of no landmark that are not trained on either.
        network: Its shape.
        views: What is shown to it.
        descriptors: Stage one.
        attention: Stage two.
    """

    seed: int = 1
    held_back: tuple[str, ...] = ()
    held_back_share: float = 0.0
    network: NetworkParameters = field(default_factory=NetworkParameters)
    views: ViewParameters = field(default_factory=ViewParameters)
    descriptors: DescriptorStage = field(default_factory=DescriptorStage)
    attention: AttentionStage = field(default_factory=AttentionStage)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**dataclasses.asdict(self), "held_back": list(self.held_back)}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Recipe:
        """From :meth:`to_dict`; what is left out has its default.

        Raises:
            InvalidArgumentError: If a name is unknown, or a value of another type or out of range.
        """
        recipe = _record(Recipe, values, "")
        for name, value in _numbers(recipe.to_dict(), ""):
            least = _LEAST.get(name, 0.0)
            most = 1.0 if name in _SHARES or name.startswith("views.light.") else _MOST
            if not least <= value <= most:
                limits = f"from {least:g} to {most:g}" if most < _MOST else f"at least {least:g}"
                raise InvalidArgumentError(f"{name!r} of a recipe is {limits}, not {value:g}")
        if recipe.network.trunk not in TRUNKS:
            known = ", ".join(TRUNKS)
            raise InvalidArgumentError(f"'network.trunk' of a recipe is one of {known}, not {recipe.network.trunk!r}")
        if recipe.views.side % _CELL:
            raise InvalidArgumentError(f"'views.side' of a recipe is a multiple of {_CELL}, not {recipe.views.side}")
        return recipe


_SHARES: Final = (
    "held_back_share",
    "views.least_crop",
    "views.turned_share",
    "descriptors.whitening",
    "descriptors.forgiveness",
    "descriptors.mined",
)
_LEAST: Final = {
    "views.side": 32,
    "views.least_crop": 0.05,
    "views.scale_spread": 1.0,
    "views.scale_limit": 1.0,
    "network.dimensions": 1,
    "network.attention_channels": 1,
    "network.global_dimensions": 1,
    "descriptors.pairs": 1,
    "descriptors.temperature": 1e-3,
    "attention.pairs": 1,
    "attention.labelled": 1,
}
_MOST: Final = 2**32 - 1  # the greatest seed, and far above all else
_CELL: Final = 16  # pixels: views are of whole cells


def _numbers(values: Mapping[str, Any], where: str) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{where}{name}.")
        elif isinstance(value, (int, float)):
            yield f"{where}{name}", value


_Record = TypeVar("_Record")


def _record(kind: type[_Record], values: Mapping[str, Any], where: str) -> _Record:
    defaults = kind()
    known = {item.name: getattr(defaults, item.name) for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{where}{name}"
        if name not in known:
            raise InvalidArgumentError(f"a recipe has no {path!r}; there is {', '.join(known)}")
        default = known[name]
        if dataclasses.is_dataclass(default):
            if not isinstance(value, Mapping):
                raise InvalidArgumentError(f"{path!r} of a recipe is a table, not {value!r}")
            given[name] = _record(type(default), value, f"{path}.")
        elif isinstance(default, tuple):
            if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
                raise InvalidArgumentError(f"{path!r} of a recipe is a list of names, not {value!r}")
            given[name] = tuple(value)
        elif isinstance(value, bool) is not isinstance(default, bool) or not isinstance(
            value, (int, float) if isinstance(default, float) else type(default)
        ):
            raise InvalidArgumentError(f"{path!r} of a recipe is like {default!r}, not {value!r}")
        else:
            given[name] = type(default)(value)
    return kind(**given)
