"""Trained networks as files: weights by layer, and beside them, in JSON, what they are and what they come from.

``hardnet.npz`` holds weights (:mod:`steeple.delf.training.layer_weights`); ``hardnet.json`` holds facts, and the
weights' bytes and SHA-256 as ``weights``. A training run writes such a pair; the pairs in this package's ``releases``
are those that the lab runs. If the facts have a ``base``, the weights are differences from ImageNet's of that network
(:mod:`steeple.baselines.differences`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.differences import differences, restored
from steeple.baselines.efficientnet import imagenet_weights
from steeple.delf.training import checkpoint, layer_weights
from steeple.errors import NotFoundError, ReleaseError

RELEASES: Final = Path(__file__).parent / "releases"

_WEIGHTS: Final = "weights"
_BASE: Final = "base"


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network that was trained.

    Attributes:
        name: The file's, without its ending.
        weights: By layer, float32, in Keras' order and layout.
        facts: JSON: the recipe, the photos' digest, figures, versions.
    """

    name: str
    weights: dict[str, list[NDArray[np.float32]]]
    facts: dict[str, Any]


def names(folder: Path = RELEASES) -> list[str]:
    """Of the networks in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.npz"))


def load(name: str, folder: Path = RELEASES) -> TrainedNetwork:
    """A trained network by name.

    Args:
        name: For instance ``hardnet``.
        folder: That holds it; by default the one with this project's own.

    Raises:
        NotFoundError: If there is none of that name.
        ReleaseError: If a file is missing, damaged or altered.
        UnavailableError: If ImageNet's weights, from which it differs, cannot be fetched.
    """
    file = folder / f"{name}.npz"
    if not file.exists():
        known = ", ".join(names(folder)) or "none"
        raise NotFoundError(f"there is no trained network {name} in {folder}; there are: {known}")
    facts_file = file.with_suffix(".json")
    try:
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        stated = dict(facts.pop(_WEIGHTS))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ReleaseError(f"{facts_file} cannot be read: {error}") from error
    if stated != _file_facts(file):
        raise ReleaseError(f"{file} is not the file that {facts_file.name} speaks of; restore both")
    if base := str(facts.get(_BASE, "")):
        return TrainedNetwork(name, restored(checkpoint.read_arrays(file), imagenet_weights(base)), facts)
    return TrainedNetwork(name, layer_weights.read(file), facts)


def save(
    file: Path, weights: layer_weights.LayerWeights, facts: Mapping[str, Any], *, base: str = ""
) -> TrainedNetwork:
    """Writes a trained network: weights in half precision, and the facts beside them.

    Args:
        file: Ends in ``.npz``; its folder exists.
        weights: By layer, in Keras' order and layout.
        facts: JSON values by name.
        base: The network of ImageNet that all layers are tuned from, to keep what they differ by; empty: keep them as
            they are.

    Returns:
        The network as it will be read, that is, rounded to half precision.
    """
    if base:
        checkpoint.write_arrays(file, differences(weights, imagenet_weights(base)), compressed=True)
        facts = {_BASE: base, **facts}
    else:
        layer_weights.write(file, weights)
    content = {_WEIGHTS: _file_facts(file), **facts}
    aside = file.with_name(f".{file.stem}.json.new")
    aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    aside.replace(file.with_suffix(".json"))
    return load(file.stem, file.parent)


def _file_facts(file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
