"""Training of a network of whole photos: hard negatives mined anew every epoch, the best epoch kept."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import Any, Final

import cv2
import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from steeple.baselines.training import global_losses
from steeple.baselines.training.global_methods import Limits, Method
from steeple.baselines.training.global_network import PROJECTION, REGIONS, VECTOR, mac_network, rmac_network
from steeple.baselines.training.global_photos import Collection, load, shown, whole
from steeple.baselines.training.hard_negatives import draw_tuples, leave_one_out
from steeple.delf.training.batches import ahead, threads
from steeple.delf.training.network import Weights, get_weights, set_weights

_EMBEDDED: Final = 32  # pictures at once
_EPOCH_DECAY: Final = math.exp(-0.1)
_MOST_EPOCHS: Final = 10_000
_WHITENED: Final = 800
_SHRINKAGE: Final = 1e-3

_LOSSES: Final[Mapping[str, Callable[[Any, float], Any]]] = {
    "contrastive": global_losses.contrastive,
    "triplet": global_losses.triplet,
}

_log = logging.getLogger(__name__)


class _Objective(keras.Model):  # type: ignore[misc]  # Keras has no types
    def __init__(self, network: keras.Model, method: Method) -> None:
        super().__init__()
        self.network, self.method = network, method

    def call(self, inputs: Any, training: bool = False) -> Any:
        """uint8[T, 2 + N, S, S, 3] to unit float32[T, 2 + N, D]; batch normalisation stays as it is."""
        count, views = inputs.shape[:2]
        images = ops.reshape(inputs, (count * views, *inputs.shape[2:]))
        vectors = self.network(scaled(ops.cast(images, "float32")), training=False)[VECTOR]
        return ops.reshape(vectors, (count, views, -1))

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The method's."""
        return _LOSSES[self.method.loss](y_pred, self.method.margin)


def train(
    method: Method, trunk: str, start: Weights, taught: Collection, held: Collection, limits: Limits
) -> tuple[Weights, dict[str, Any]]:
    """Trains until a limit is reached.

    Args:
        method: What is trained.
        trunk: One of :data:`steeple.delf.training.trunk.TRUNKS`.
        start: ImageNet weights of the trunk and its head, or those of a run of this method.
        taught: To train on.
        held: To validate on.
        limits: When it ends.

    Returns:
        The weights of the epoch with the best mean average precision on ``held``, which may be the start; and facts:
        that figure before and after, and of every epoch.
    """
    began = time.monotonic()
    cv2.setNumThreads(1)  # batches are made by threads enough
    keras.utils.set_random_seed(limits.seed)
    rng = np.random.default_rng(limits.seed)
    network = rmac_network(trunk, method.dimensions) if method.dimensions else mac_network(trunk)
    set_weights(network, start, missing_ok=PROJECTION not in start)
    photos, held_photos = load(taught.paths, threads()), load(held.paths, threads())
    _log.info("%d photos to train on, %d to validate on", len(photos), len(held_photos))
    if PROJECTION not in start and method.dimensions:
        _fit_projection(network, photos, limits.side, rng)
    for layer in network.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)

    objective = _Objective(network, method)
    scores = [_validated(network, held_photos, held, limits.side)]
    best, best_epoch = get_weights(network), 0
    _log.info("before: mAP %.4f", scores[0])
    done, losses = 0, []
    for epoch in range(1, _MOST_EPOCHS):
        if done >= limits.steps or time.monotonic() - began > limits.seconds:
            break
        tuples = draw_tuples(taught, embedded(network, photos, limits.side), method.negatives, rng)
        steps = min(len(tuples) // method.tuples, limits.steps - done)
        if steps == 0:
            break
        if epoch == 1:
            schedule = keras.optimizers.schedules.ExponentialDecay(method.rate, steps, _EPOCH_DECAY, staircase=True)
            objective.compile(optimizer=keras.optimizers.Adam(schedule))
        total = 0.0
        made = 0
        for batch in _batches(tuples, photos, method.tuples, steps, limits, epoch):
            total += float(objective.train_on_batch(batch, return_dict=True)["loss"])
            made += 1
            if time.monotonic() - began > limits.seconds:
                break
        done += made
        losses.append(round(total / max(1, made), 6))
        scores.append(_validated(network, held_photos, held, limits.side))
        if scores[-1] > max(scores[:-1]):
            best, best_epoch = get_weights(network), epoch
        seconds = time.monotonic() - began
        _log.info("epoch %d, step %d, %.0f s: loss %.5f, mAP %.4f", epoch, done, seconds, losses[-1], scores[-1])
    return best, {
        "method": asdict(method),
        "trunk": trunk,
        "backend": keras.backend.backend(),
        "side": limits.side,
        "seed": limits.seed,
        "photos": {"taught": len(photos), "matched": len(taught.matches), "held_out": len(held_photos)},
        "steps": done,
        "seconds": round(time.monotonic() - began, 1),
        "held_out_map": {
            "before": round(scores[0], 4),
            "after": round(max(scores), 4),
            "best_epoch": best_epoch,
            "epochs": [round(one, 4) for one in scores],
        },
        "losses": losses,
    }


def scaled(images: Any) -> Any:
    """Pixels from [0, 255] to [-1, 1], as EfficientNet-Lite was trained."""
    return (images - 127.0) / 128.0


def embedded(
    network: keras.Model, photos: list[NDArray[np.uint8]], side: int, output: str = VECTOR
) -> NDArray[np.float32]:
    """float32[N, ...]: an output of a network for whole photos, ``side`` pixels long."""
    found: list[NDArray[np.float32] | None] = [None] * len(photos)
    for batch, numbers in whole(photos, side, _EMBEDDED):
        made = np.asarray(network.predict_on_batch(scaled(batch.astype(np.float32)))[output], np.float32)
        for number, vector in zip(numbers, made, strict=False):
            found[number] = vector
    return np.stack([one for one in found if one is not None])


def principal_axes(vectors: NDArray[np.float32], dimensions: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """PCA with whitening as a layer: how the fully connected layer begins (Gordo et al., section 3.1).

    Args:
        vectors: float32[N, C].
        dimensions: D, of the result.

    Returns:
        Kernel float32[C, D] and bias float32[D].
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    values, directions = np.linalg.eigh(np.cov(vectors - mean, rowvar=False))
    floor = _SHRINKAGE * float(values.max())
    kernel = directions[:, ::-1][:, :dimensions] / np.sqrt(np.maximum(values[::-1][:dimensions], 0.0) + floor)
    return kernel.astype(np.float32), (-mean @ kernel).astype(np.float32)


def _fit_projection(network: keras.Model, photos: list[NDArray[np.uint8]], side: int, rng: np.random.Generator) -> None:
    chosen = rng.choice(len(photos), min(_WHITENED, len(photos)), replace=False)
    regions = embedded(network, [photos[number] for number in chosen], side, REGIONS)
    layer = network.get_layer(PROJECTION)
    layer.set_weights(list(principal_axes(regions.reshape(-1, regions.shape[-1]), layer.units)))


def _validated(network: keras.Model, photos: list[NDArray[np.uint8]], held: Collection, side: int) -> float:
    return float(leave_one_out(embedded(network, photos, side), held.labels).mean())


def _batches(
    tuples: list[tuple[int, ...]],
    photos: list[NDArray[np.uint8]],
    size: int,
    steps: int,
    limits: Limits,
    epoch: int,
) -> Iterator[NDArray[np.uint8]]:
    """uint8[T, 2 + N, S, S, 3], made by threads; each a function of the seed, the epoch and its number."""

    def make(number: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([limits.seed, epoch, number])
        chosen = tuples[number * size : (number + 1) * size]
        return np.stack([np.stack([shown(photos[one], limits.side, rng) for one in each]) for each in chosen])

    with closing(ahead(make, range(steps))) as made:
        yield from made
