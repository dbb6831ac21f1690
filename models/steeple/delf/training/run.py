"""A training run: from pretrained weights and folders of photos to a network, through interruptions if need be."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from steeple.delf import photo_files
from steeple.delf.progress import Progress
from steeple.delf.release import WEIGHTS
from steeple.delf.training import checkpoint, mining, weights
from steeple.delf.training.batches import Batch, BatchMaker, ahead
from steeple.delf.training.describe import Describer, feature_samples, features_of, whiten_global
from steeple.delf.training.network import delf_network, set_weights
from steeple.delf.training.objectives import AttentionObjective, DescriptorObjective
from steeple.delf.training.photos import TrainingPhotos
from steeple.delf.training.projection import discriminant, principal_components
from steeple.delf.training.receptive_field import receptive_field
from steeple.delf.training.recipe import Recipe
from steeple.delf.training.record import RUN, run_facts
from steeple.delf.training.shape import DESCRIPTORS
from steeple.delf.training.teacher import xfeat_teacher
from steeple.errors import AlreadyExistsError, InvalidArgumentError

LOG: Final = "log.jsonl"
_CHECKPOINT: Final = "checkpoint.npz"
_PAIRS: Final = "pairs.json"

_SAVE_EVERY: Final = 100
_LOG_EVERY: Final = 20
_WARM_UP: Final = 100
_PROJECTION_PHOTOS: Final = 400
_PROJECTION_PAIRS: Final = 12
_PROJECTION_BATCHES: Final = 80
_STRANGERS: Final = 0.5  # share of the classifiers' pictures

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """What a run begins with.

    Attributes:
        name: Of a release, or of the package with ImageNet weights.
        weights: By layer; the heads may be missing.
    """

    name: str
    weights: Mapping[str, list[NDArray[np.float32]]]


class TrainingRun:
    """A run in a folder of its own. Made anew over the same folder, it goes on where it stopped.

    With the same photos, recipe, package versions and kind of processor the weights are the same bit for bit,
    interrupted or not, if TensorFlow was told to use one thread before it was imported (``TF_NUM_INTRAOP_THREADS``).

    Args:
        folder: Of the run; made if missing.
        photos: To train on.
        recipe: All else.
        start: Weights to begin with.

    Raises:
        AlreadyExistsError: If the folder holds a run of another recipe, other photos or another start.
        InvalidArgumentError: If the folder cannot be written, or attention is to be learned of no landmark.
        ReleaseError: If the folder holds a run that is damaged.
    """

    def __init__(self, folder: Path, photos: TrainingPhotos, recipe: Recipe, start: Start) -> None:
        self.folder, self.photos, self.recipe, self._start = folder, photos, recipe, start
        if recipe.attention.steps and not photos.landmarks:
            raise InvalidArgumentError(
                f"{photos.folder} has no folder of a landmark, and attention is learned from landmarks' names; "
                "add some, or set attention.steps to 0 in the recipe"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidArgumentError(f"{folder} cannot be made: {error.strerror}; choose another folder") from error
        facts = {
            "recipe": recipe.to_dict(),
            "start": start.name,
            "backend": keras.backend.backend(),
            "photos": {
                "count": len(photos.all),
                "landmarks": list(photos.landmarks),
                "sha256": photo_files.digest(photos.all),
            },
        }
        file = folder / RUN
        if not file.exists():
            file.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        elif run_facts(folder) != facts:
            raise AlreadyExistsError(
                f"{folder} holds a run of another recipe, start or set of photos; train into another folder"
            )
        _deterministic(recipe.seed)
        self.network = delf_network(recipe.network)
        self.stride = receptive_field(self.network, DESCRIPTORS).stride

    @property
    def finished(self) -> bool:
        """Whether the weights are there."""
        return (self.folder / WEIGHTS).exists()

    def train(self, progress: Progress) -> keras.Model:
        """Goes through what is left of the run.

        Args:
            progress: Told how far it is.

        Returns:
            The network, with the weights that ``weights.npz`` holds.

        Raises:
            ReleaseError: If a file of the run is damaged.
            UnavailableError: If the teacher's package cannot be fetched.
        """
        if not self.finished:
            set_weights(self.network, self._start.weights, missing_ok=True)
            if DESCRIPTORS not in self._start.weights:
                self._fit_projection(progress)
            self._train_descriptors(progress)
            if self.recipe.attention.steps:
                self._train_attention(progress)
            weights.save(self.network, self.folder / WEIGHTS)
            for file in self.folder.glob(f"*-{_CHECKPOINT}"):
                file.unlink()
        set_weights(self.network, weights.load(self.folder / WEIGHTS))
        return self.network

    def _fit_projection(self, progress: Progress) -> None:
        """PCA (DELF, section 4.3) or discriminants: where a projection learned by descent starts."""
        chosen = photo_files.evenly(self.photos.all, _PROJECTION_PHOTOS)
        samples = feature_samples(self.network, chosen, self.stride, progress)
        head = self.network.get_layer(DESCRIPTORS)
        head.set_weights([principal_components(samples, self.recipe.network.dimensions)[None, None]])
        stage = self.recipe.descriptors
        pairs = self._mined(0, progress) if stage.whitening else []
        if pairs:
            features = self._corresponding(pairs, progress)
            head.set_weights([discriminant(features, self.recipe.network.dimensions, stage.whitening)[None, None]])

    def _corresponding(
        self, mined: list[mining.MinedPair], progress: Progress
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """float32[N, C] twice: features of cells that show one spot in two photos."""
        make = BatchMaker(
            photos=self.photos,
            mined=mined,
            views=self.recipe.views,
            stride=self.stride,
            pairs=_PROJECTION_PAIRS,
            labelled=0,
            strangers=0.0,
            mined_share=1.0,
            seed=(self.recipe.seed, 0),
        )
        batches = range(_PROJECTION_BATCHES)
        with closing(ahead(make, batches)) as made:
            for number, (inputs, wanted) in enumerate(made):
                progress("pairs of cells", number, len(batches))
                first, second = (features_of(self.network, inputs[name]) for name in ("first", "second"))
                valid = wanted["valid"] > 0
                found = np.take_along_axis(second, wanted["targets"][..., None], axis=1)
                yield first[valid], found[valid]
        progress("pairs of cells", len(batches), len(batches))

    def _train_descriptors(self, progress: Progress) -> None:
        stage = self.recipe.descriptors
        if not stage.steps:
            return
        trains = False
        for layer in self.network.layers:
            trains = trains or layer.name.startswith(f"block{stage.first_block}_")
            head = layer.name.startswith(("fusion", DESCRIPTORS))
            layer.trainable = head or (
                trains
                and not layer.name.startswith(("attention", "global"))
                and not isinstance(layer, keras.layers.BatchNormalization)
            )
        teacher = xfeat_teacher(self.stride) if stage.distillation else None
        objective = DescriptorObjective(self.network, len(self.photos.landmarks) + 1, stage, self.stride, teacher)
        labelled = stage.labelled if stage.classification and self.photos.landmarks else 0

        def batches(first: int) -> Callable[[int], Batch]:
            return BatchMaker(
                photos=self.photos,
                mined=self._mined(first, progress) if stage.mined else (),
                views=self.recipe.views,
                stride=self.stride,
                pairs=stage.pairs,
                labelled=labelled,
                strangers=_STRANGERS,
                mined_share=stage.mined,
                seed=(self.recipe.seed, 1),
            )

        rounds = max(1, stage.rounds) if stage.mined and self.photos.landmarks else 1
        starts = [stage.steps * number // rounds for number in range(rounds)]
        self._optimise("descriptors", objective, stage.steps, stage.rate, batches, starts, progress)

    def _train_attention(self, progress: Progress) -> None:
        stage = self.recipe.attention
        # Attention that is the norm stays the norm.
        learned = self.recipe.network.learned_attention
        for layer in self.network.layers:
            layer.trainable = layer.name.startswith(("attention", "global") if learned else ("global",))
        objective = AttentionObjective(
            self.network,
            len(self.photos.landmarks),
            stage,
            self.stride,
            self.recipe.descriptors.temperature,
            learned=learned,
        )

        def batches(_: int) -> Callable[[int], Batch]:
            return BatchMaker(
                photos=self.photos,
                mined=(),
                views=self.recipe.views,
                stride=self.stride,
                pairs=stage.pairs,
                labelled=stage.labelled,
                strangers=_STRANGERS,
                mined_share=0.0,
                seed=(self.recipe.seed, 2),
            )

        self._optimise("attention", objective, stage.steps, stage.rate, batches, [0], progress)
        whiten_global(self.network, photo_files.evenly(self.photos.all, 2 * _PROJECTION_PHOTOS), self.stride, progress)

    def _mined(self, step: int, progress: Progress) -> list[mining.MinedPair]:
        """Pairs as the model of ``step`` finds them; kept, so that a run that goes on has the same."""
        if not self.photos.landmarks:
            return []
        file = self.folder / f"{step:06d}-{_PAIRS}"
        if not file.exists():
            mining.save(mining.mine(self.photos, Describer(self.network, self.stride), progress), file)
        found = mining.load(file)
        _log.info("%d pairs of photos show one scene", len(found))
        return found

    def _optimise(
        self,
        name: str,
        objective: keras.Model,
        steps: int,
        rate: float,
        batches: Callable[[int], Callable[[int], Batch]],
        starts: list[int],
        progress: Progress,
    ) -> None:
        """Runs a stage, from its last checkpoint if there is one.

        Args:
            name: Of the stage.
            objective: Its loss.
            steps: Of the optimiser.
            rate: Highest learning rate.
            batches: What makes batches from a step of ``starts`` on.
            starts: Steps at which batches are made anew.
            progress: Told how far it is.
        """
        file = self.folder / f"{name}-{_CHECKPOINT}"
        warm_up = min(_WARM_UP, steps // 4)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warm_up), alpha=0.01, warmup_target=rate, warmup_steps=warm_up
        )
        objective.compile(optimizer=keras.optimizers.Adam(schedule))
        # Variables exist once a batch has gone through; then the last checkpoint can fill them.
        inputs, _ = batches(0)(0)
        objective(inputs)
        objective.optimizer.build(objective.trainable_variables)
        done = checkpoint.restore(file, _variables(objective)) if file.exists() else 0
        for first, end in zip(starts, [*starts[1:], steps], strict=True):
            if done < end:
                self._steps(name, objective, batches(first), range(done, end), steps, progress)
                done = end

    def _steps(
        self,
        name: str,
        objective: keras.Model,
        make: Callable[[int], Batch],
        numbers: range,
        steps: int,
        progress: Progress,
    ) -> None:
        sums: Counter[str] = Counter()
        with (self.folder / LOG).open("a", encoding="utf-8") as log, closing(ahead(make, numbers)) as made:
            for done, batch in enumerate(made, start=numbers.start + 1):
                objective.reset_metrics()
                logs = objective.train_on_batch(*batch, return_dict=True)
                sums.update({"steps": 1, **{key: float(value) for key, value in logs.items()}})
                progress(name, done, steps)
                if done % _LOG_EVERY == 0 or done == steps:
                    count = sums.pop("steps")
                    means = {key: round(sums[key] / count, 5) for key in sorted(sums)}
                    log.write(json.dumps({"stage": name, "step": done, **means}) + "\n")
                    log.flush()
                    sums.clear()
                if done % _SAVE_EVERY == 0 or done == steps:
                    checkpoint.save(self.folder / f"{name}-{_CHECKPOINT}", done, _variables(objective))


def _variables(objective: keras.Model) -> list[Any]:
    """All that a step changes or is made from, metrics aside."""
    return [*objective.trainable_variables, *objective.non_trainable_variables, *objective.optimizer.variables]


def _deterministic(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    keras.utils.clear_session()
    cv2.setNumThreads(1)  # the threads that make batches are threads enough
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - not there with another backend

        tf.config.experimental.enable_op_determinism()
