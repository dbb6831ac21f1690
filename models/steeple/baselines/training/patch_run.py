"""A training run of a patch network: photos in, a file of weights out, through interruptions if need be."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from steeple.baselines import releases
from steeple.baselines.training.correspondences import PairParameters
from steeple.baselines.training.patch_objectives import HardNetObjective, LiftObjective, PatchObjective
from steeple.baselines.training.patch_pairs import PatchArrays
from steeple.baselines.training.pool import PatchPhotos, make_pool
from steeple.delf import photo_files
from steeple.delf.progress import Progress
from steeple.delf.training import checkpoint
from steeple.delf.training.batches import ahead
from steeple.errors import InvalidArgumentError

OBJECTIVES: Final[Mapping[str, Callable[[], PatchObjective]]] = {
    "hardnet": HardNetObjective,
    "lift": LiftObjective,
}
"""What can be trained, by name."""

_POOL_SHARE: Final = 0.3  # of the time: when there is no more, training begins with the pairs that there are
_VALIDATION_SHARE: Final = 0.05  # of the pairs that are trained on
_VALIDATION_AT_LEAST: Final = 1000
_VALIDATE_EVERY: Final = 1000
_WARM_UP: Final = 200
_LEAST_RATE: Final = 0.01
_LOG_EVERY: Final = 100
_SCORE: Final = "score"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PatchRecipe:
    """Everything that decides what a run makes.

    Attributes:
        network: One of :data:`OBJECTIVES`.
        seed: Of all randomness.
        steps: Optimiser steps (Adam).
        batch: Pairs a step.
        rate: Highest learning rate; it warms up and falls along a cosine.
        pool: Pairs that are made of the photos; each is seen steps * batch / pool times.
        pairs: How views differ, and which keypoints are taken.
    """

    network: str
    seed: int = 0
    steps: int = 20_000
    batch: int = 1024
    rate: float = 1e-3
    pool: int = 200_000
    pairs: PairParameters = field(default_factory=PairParameters)


def train(
    data: Path,
    output: Path,
    recipe: PatchRecipe,
    progress: Progress,
    *,
    start: releases.TrainedNetwork | None = None,
    seconds: float = math.inf,
    workers: int = 1,
) -> releases.TrainedNetwork:
    """Trains, or goes on training where a run with the same recipe, photos and output was interrupted.

    The pool of pairs and every batch are functions of photos and recipe alone, unless time runs out.

    Args:
        data: A folder with photos anywhere below it.
        output: The file of weights, ``.npz``; the facts are written beside it.
        recipe: All else.
        progress: Told how far it is.
        start: A network of the same kind to train on; None to begin at random.
        seconds: When to end at the latest, from now on. The learning rate falls in time.
        workers: Processes that make pairs.

    Returns:
        The network, in the state that did best on photos held back.

    Raises:
        ImageError: If a photo cannot be read.
        InvalidArgumentError: If there is too little to train on, the output is no .npz file in a folder, or the
            network to train on is of another kind.
        ReleaseError: If a checkpoint is damaged.
    """
    started = time.monotonic()
    if recipe.network not in OBJECTIVES:
        raise InvalidArgumentError(f"no patch network is called {recipe.network}; there are {', '.join(OBJECTIVES)}")
    if output.suffix != ".npz" or not output.parent.is_dir():
        raise InvalidArgumentError(f"{output} must be a file ending in .npz in a folder that is there")
    photos = PatchPhotos.below(data)
    facts = {
        "recipe": dataclasses.asdict(recipe),
        "photos": {
            "training": len(photos.training),
            "validation": len(photos.validation),
            "sha256": photo_files.digest([*photos.training, *photos.validation]),
        },
        "versions": {name: metadata.version(name) for name in ("keras", "numpy", "opencv-python-headless")},
        "backend": keras.backend.backend(),
        "start": start and start.facts,
    }
    keras.utils.set_random_seed(recipe.seed)
    cv2.setNumThreads(1)
    objective = OBJECTIVES[recipe.network]()
    if start:
        objective.begin_with(start.weights)

    def pool(of: tuple[Path, ...], count: int, seed: int, until: float) -> PatchArrays:
        return make_pool(
            of, count, recipe.pairs, objective.patches, seed=seed, workers=workers, progress=progress, until=until
        )

    validation = pool(
        photos.validation,
        max(_VALIDATION_AT_LEAST, round(_VALIDATION_SHARE * recipe.pool)),
        recipe.seed + 1,
        math.inf,
    )
    training = pool(photos.training, recipe.pool, recipe.seed, started + _POOL_SHARE * seconds)
    _log.info("%d pairs of patches to train on, %d to validate on", len(training["photo"]), len(validation["photo"]))
    run = _Run(output, recipe, facts, objective, training, validation)
    run.optimise(progress, started + seconds)
    figures = run.figures()
    _log.info("done: %s", figures)
    trained = releases.save(
        output,
        objective.weights_by_layer(),
        {
            "paper": objective.paper,
            **facts,
            "pairs": {"training": len(training["photo"]), "validation": len(validation["photo"])},
            "steps": run.done,
            "figures": figures,
        },
    )
    for file in (run.checkpoint, run.best):
        file.unlink(missing_ok=True)
    return trained


class _Run:
    def __init__(
        self,
        output: Path,
        recipe: PatchRecipe,
        facts: Mapping[str, Any],
        objective: PatchObjective,
        training: PatchArrays,
        validation: PatchArrays,
    ) -> None:
        self._recipe, self._objective = recipe, objective
        self._training, self._validation = training, validation
        identity = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
        self.checkpoint = output.with_name(f"{output.stem}-{identity}.checkpoint.npz")
        self.best = output.with_name(f"{output.stem}-{identity}.best.npz")
        objective.compile(optimizer=keras.optimizers.Adam(recipe.rate))
        objective(self._batch(0))
        objective.optimizer.build(objective.trainable_variables)
        self.done = checkpoint.restore(self.checkpoint, self._variables()) if self.checkpoint.exists() else 0
        self._best: list[NDArray[np.float32]] = []
        self._best_score = -math.inf
        if self.done and self.best.exists():
            kept = checkpoint.read_arrays(self.best)
            self._best_score = float(kept.pop(_SCORE))
            self._best = list(kept.values())

    def optimise(self, progress: Progress, until: float) -> None:
        """Goes on to the last step or until time is up, and to the best state that was met."""
        recipe, objective = self._recipe, self._objective
        began, first = time.monotonic(), self.done
        sums: Counter[str] = Counter()
        self._judge()
        numbers = range(self.done, recipe.steps)
        with closing(ahead(self._batch, numbers)) as made:
            for number, inputs in zip(numbers, _while(made, until), strict=False):
                share = (number + 1) / recipe.steps
                if math.isfinite(until):
                    share = max(share, (time.monotonic() - began) / max(1.0, until - began))
                warm = min(1.0, (number + 1) / _WARM_UP)
                fallen = _LEAST_RATE + (1 - _LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
                objective.optimizer.learning_rate = recipe.rate * warm * fallen
                objective.reset_metrics()
                logs = objective.train_on_batch(inputs, return_dict=True)
                self.done = number + 1
                sums.update({"steps": 1, **{key: float(value) for key, value in logs.items()}})
                progress(recipe.network, self.done, recipe.steps)
                if self.done % _LOG_EVERY == 0:
                    count = sums.pop("steps")
                    means = {key: round(value / count, 4) for key, value in sums.items()}
                    rate = (self.done - first) / (time.monotonic() - began)
                    _log.info("step %d, %.1f a second: %s", self.done, rate, means)
                    sums.clear()
                if self.done % _VALIDATE_EVERY == 0:
                    self._judge()
                    checkpoint.save(self.checkpoint, self.done, self._variables())
        self._judge()
        objective.set_weights(self._best)

    def figures(self) -> dict[str, float]:
        """On photos held back."""
        return self._objective.figures(self._validation)

    def _judge(self) -> None:
        figures = self.figures()
        _log.info("step %d, on photos held back: %s", self.done, figures)
        score = self._objective.score(figures)
        if score >= self._best_score:
            self._best, self._best_score = self._objective.get_weights(), score
            kept = {str(number): array for number, array in enumerate(self._best)}
            checkpoint.write_arrays(self.best, {_SCORE: np.array(score), **kept})

    def _batch(self, number: int) -> dict[str, NDArray[Any]]:
        return self._objective.batch(self._training, self._recipe.batch, (self._recipe.seed, 2, number))

    def _variables(self) -> list[Any]:
        """All that a step changes or is made from, metrics aside."""
        objective = self._objective
        return [*objective.trainable_variables, *objective.non_trainable_variables, *objective.optimizer.variables]


def _while(made: Iterator[Any], until: float) -> Iterator[Any]:
    for one in made:
        if time.monotonic() >= until:
            return
        yield one
