"""Patch networks in training: patches in, loss out, and how well they do. Any Keras backend."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from steeple.baselines.training import patch_losses as losses
from steeple.baselines.training import patch_networks as networks
from steeple.baselines.training.patch_pairs import PatchArrays, PatchParameters
from steeple.baselines.training.pool import PHOTO, SCENE, batch, drawn
from steeple.delf.training.layer_weights import LayerWeights
from steeple.errors import InvalidArgumentError

_STEP: Final = 1000  # patches at once when nothing is learned
_RECALL: Final = 0.95
_AMONG: Final = 1000
_DETECTED_NEAR: Final = 3.0  # pixels of the patch
_TURNED_NEAR: Final = math.radians(20)
_BORDER: Final = 6  # of the detector


class PatchObjective(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Networks that learn from pairs of patches.

    Attributes:
        patches: Which patches are needed.
        paper: Where the method is from.
        networks: By name.
    """

    patches: ClassVar[PatchParameters]
    paper: ClassVar[str]

    def __init__(self, made: dict[str, keras.Model], parts: tuple[str, ...]) -> None:
        super().__init__()
        self.networks = made
        self.parts = {part: keras.metrics.Mean(part) for part in parts}

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """What the networks make of a batch."""
        raise NotImplementedError

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The loss of a batch."""
        raise NotImplementedError

    def batch(self, pool: PatchArrays, size: int, seed: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        """Inputs for a step."""
        raise NotImplementedError

    def figures(self, pool: PatchArrays) -> dict[str, float]:
        """How well pairs that were not trained on do."""
        raise NotImplementedError

    def score(self, figures: dict[str, float]) -> float:
        """The more the better: by which the best state of a run is chosen."""
        raise NotImplementedError

    def weights_by_layer(self) -> LayerWeights:
        """Of all networks, in Keras' order."""
        return {
            layer.name: [np.asarray(array) for array in layer.get_weights()]
            for network in self.networks.values()
            for layer in network.layers
            if layer.weights and not isinstance(layer, keras.layers.Dropout)
        }

    def begin_with(self, weights: LayerWeights) -> None:
        """Sets the weights of all layers.

        Raises:
            InvalidArgumentError: If they are another network's.
        """
        for network in self.networks.values():
            for layer in network.layers:
                if layer.name not in self.weights_by_layer():
                    continue
                given = weights.get(layer.name, [])
                if [array.shape for array in given] != [array.shape for array in layer.get_weights()]:
                    raise InvalidArgumentError(f"the weights to begin with are another network's: see {layer.name}")
                layer.set_weights(given)

    def _report(self, **values: Any) -> None:
        for part, value in values.items():
            self.parts[part].update_state(value)


class HardNetObjective(PatchObjective):
    """HardNet.

    Args:
        channels: See :func:`steeple.baselines.training.patch_networks.hardnet`.
        dimensions: Of the descriptor.
        dropout: Before the last layer.
        margin: Of the loss.
    """

    patches = PatchParameters()
    paper = "Mishchuk, Mishkin, Radenovic, Matas: Working hard to know your neighbor's margins, NeurIPS 2017"

    def __init__(self, channels: int = 16, dimensions: int = 128, dropout: float = 0.3, margin: float = 1.0) -> None:
        super().__init__({"descriptor": networks.hardnet(channels, dimensions, dropout)}, ("descriptor",))
        self.margin = margin

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Descriptors of both, each batch normalised on its own as the paper's code has it."""
        network = self.networks["descriptor"]
        return {name: network(networks.normalised(inputs[name]), training=training) for name in ("first", "second")}

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The triplet margin loss with the hardest in the batch."""
        loss = ops.mean(losses.hardest_in_batch(y_pred["first"], y_pred["second"], x[PHOTO], x[SCENE], self.margin))
        self._report(descriptor=loss)
        return loss

    def batch(self, pool: PatchArrays, size: int, seed: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        """Pairs, mirrored and turned."""
        return batch(pool, size, seed)

    def figures(self, pool: PatchArrays) -> dict[str, float]:
        """See :func:`descriptor_figures`."""
        return _described(self.networks["descriptor"], pool)

    def score(self, figures: dict[str, float]) -> float:
        """By what is matched among other photos, and within one."""
        return figures["matched"] + figures["within"]


class LiftObjective(PatchObjective):
    """The parts of LIFT, each with a loss of its own.

    Args:
        margin: Of descriptors that are of different places.
        mined: Of these, how many count for each.
        sharpness: Of the soft maxima of the detector.
    """

    patches = PatchParameters(spun=True, detection=True)
    paper = "Yi, Trulls, Lepetit, Fua: LIFT: Learned Invariant Feature Transform, ECCV 2016"

    def __init__(self, margin: float = 1.2, mined: int = 8, sharpness: float = 10.0) -> None:
        made = {
            "descriptor": networks.lift_descriptor(),
            "orientation": networks.lift_orientation(),
            "detector": networks.lift_detector(),
        }
        super().__init__(made, ("descriptor", "orientation", "position", "elsewhere", "presence"))
        self.margin, self.mined, self.sharpness = margin, mined, sharpness

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Descriptors, orientations and scores of both patches of each pair, and scores of where nothing is."""
        descriptor, orientation, detector = (self.networks[name] for name in ("descriptor", "orientation", "detector"))
        made = {}
        for name in ("first", "second"):
            made[name] = descriptor(networks.normalised(inputs[name]))
            made[f"turned_{name}"] = orientation(networks.normalised(inputs[f"turned_{name}"]))
            made[f"wide_{name}"] = detector(networks.grey(inputs[f"wide_{name}"]))
        made["blank"] = detector(networks.grey(inputs["blank"]))
        return made

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The sum of the parts'."""
        descriptor = ops.mean(
            losses.pairwise_hinge(y_pred["first"], y_pred["second"], x[PHOTO], x[SCENE], self.margin, self.mined)
        )
        orientation = ops.mean(losses.turned_apart(y_pred["turned_first"], y_pred["turned_second"], x["turn"]))
        at_first, at_second = (
            losses.soft_position(y_pred[f"wide_{name}"], self.sharpness, _BORDER) for name in ("first", "second")
        )
        apart = ops.sum(ops.square(losses.carried(at_first, x["transform"]) - at_second), axis=1)
        position = ops.mean(ops.sqrt(apart + 1.0) - 1.0)  # pixels; not squared far away, where there is no telling
        elsewhere = 0.5 * ops.mean(
            losses.elsewhere(y_pred["wide_first"], x["place_first"], self.sharpness, _BORDER)
            + losses.elsewhere(y_pred["wide_second"], x["place_second"], self.sharpness, _BORDER)
        )
        presence = ops.mean(
            losses.presence(y_pred["wide_first"], self.sharpness, present=True)
            + losses.presence(y_pred["wide_second"], self.sharpness, present=True)
            + losses.presence(y_pred["blank"], self.sharpness, present=False)
        )
        self._report(
            descriptor=descriptor,
            orientation=orientation,
            position=position,
            elsewhere=elsewhere,
            presence=presence,
        )
        return descriptor + orientation + 0.1 * position + elsewhere + 0.2 * presence

    def batch(self, pool: PatchArrays, size: int, seed: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        """Pairs as they are: patches were turned when they were made."""
        chosen = drawn(pool, size, seed)
        return {name: array[chosen] for name, array in pool.items()}

    def figures(self, pool: PatchArrays) -> dict[str, float]:
        """What :func:`descriptor_figures` says of the descriptor, and three more.

        ``turned``: share of pairs whose orientations agree to 20 degrees.
        ``detected``: share of pairs in which the highest scores are at the same place, to 3 pixels of the patch.
        ``blank``: share of places without keypoints whose highest score is positive.
        """
        orientation, detector = self.networks["orientation"], self.networks["detector"]
        first, second = (
            _predicted(orientation, networks.normalised, pool[f"turned_{name}"]) for name in ("first", "second")
        )
        apart = np.asarray(losses.turned_apart(first, second, pool["turn"]))
        peaks = [_peaks(detector, pool[f"wide_{name}"]) for name in ("first", "second")]
        transform = pool["transform"].astype(np.float32)
        expected = (transform[:, :, :2] @ peaks[0][:, :, None])[:, :, 0] + transform[:, :, 2]
        near = np.linalg.norm(expected - peaks[1], axis=1) <= _DETECTED_NEAR
        blank = _predicted(detector, networks.grey, pool["blank"])
        return {
            **_described(self.networks["descriptor"], pool),
            "turned": round(float((apart < 1 - math.cos(_TURNED_NEAR)).mean()), 4),
            "detected": round(float(near.mean()), 4),
            "blank": round(float((blank.max(axis=(1, 2)) > 0).mean()), 4),
        }

    def score(self, figures: dict[str, float]) -> float:
        """By what all three get right."""
        return figures["matched"] + figures["within"] + figures["turned"] + figures["detected"]


def descriptor_figures(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    photos: NDArray[np.integer],
    scenes: NDArray[np.integer],
) -> dict[str, float]:
    """How well descriptors tell pairs from others.

    Args:
        first: float32[N, D], unit.
        second: float32[N, D], unit; the partners.
        photos: int[N]; of each pair.
        scenes: int[N]; the views that they are in.

    Returns:
        ``fpr95``: share of wrong pairs, of two photos, that are as near as the nearest 95 % of the right ones (Brown
        et al., TPAMI 2011); ``matched``: share of the first whose nearest among a thousand of the second is its
        partner; ``within``: share of those whose nearest in the same view is.
    """
    rng = np.random.default_rng(0)
    others = rng.permutation(len(first))
    wrong = photos != photos[others]
    right_distances = np.linalg.norm(first - second, axis=1)
    wrong_distances = np.linalg.norm(first - second[others], axis=1)[wrong]
    limit = np.quantile(right_distances, _RECALL)
    matched = []
    for start in range(0, len(first), _AMONG):
        part = slice(start, start + _AMONG)
        chosen = others[part]
        likeness = first[chosen] @ second[chosen].T
        matched.append(likeness.argmax(axis=1) == np.arange(len(chosen)))
    within = []
    for scene in np.unique(scenes):
        of_scene = np.flatnonzero(scenes == scene)
        nearest = (first[of_scene] @ second[of_scene].T).argmax(axis=1)
        within.append(nearest == np.arange(len(of_scene)))
    return {
        "fpr95": round(float((wrong_distances <= limit).mean()), 5),
        "matched": round(float(np.concatenate(matched).mean()), 4),
        "within": round(float(np.concatenate(within).mean()), 4),
    }


def _described(network: keras.Model, pool: PatchArrays) -> dict[str, float]:
    first, second = (_predicted(network, networks.normalised, pool[name]) for name in ("first", "second"))
    return descriptor_figures(first, second, pool[PHOTO], pool[SCENE])


def _predicted(network: keras.Model, prepare: Any, patches: NDArray[Any]) -> NDArray[np.float32]:
    parts = [
        np.asarray(network(prepare(patches[start : start + _STEP]), training=False))
        for start in range(0, len(patches), _STEP)
    ]
    return np.concatenate(parts)


def _peaks(detector: keras.Model, patches: NDArray[Any]) -> NDArray[np.float32]:
    """float32[N, 2]: x, y of the highest scores."""
    scores = _predicted(detector, networks.grey, patches)
    highest = scores.reshape(len(scores), -1).argmax(axis=1)
    rows, columns = np.unravel_index(highest, scores.shape[1:])
    return np.stack([columns, rows], axis=1).astype(np.float32) + _BORDER
