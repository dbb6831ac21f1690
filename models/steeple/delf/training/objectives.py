"""The two stages of training as Keras models: network in, loss out. Any Keras backend."""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers, ops

from steeple.delf.training import losses
from steeple.delf.training.network import FEATURES, GLOBAL
from steeple.delf.training.recipe import AttentionStage, DescriptorStage
from steeple.delf.training.shape import ATTENTION_LOGITS, DESCRIPTORS

_POOLED_SCALE: Final = 10.0
_GLOBAL_TEMPERATURE: Final = 0.1
_FORGIVENESS: Final = 0.3  # of unreliable cells, when attention learns


class _Objective(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Feeds pictures through the network and keeps the mean of every part of the loss."""

    def __init__(self, network: keras.Model, parts: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.parts = {part: keras.metrics.Mean(part) for part in parts}

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Outputs of the network for all pictures of a batch in one pass, apart again."""
        names = [name for name in ("first", "second", "labelled") if name in inputs]
        sizes = [inputs[name].shape[0] for name in names]
        images = ops.concatenate([inputs[name] for name in names], axis=0)
        # Batch normalisation as it will be in the .tflite, folded: statistics stay those of ImageNet.
        made = self.network((ops.cast(images, "float32") - 127.0) / 128.0, training=False)
        found: dict[str, Any] = {}
        start = 0
        for name, size in zip(names, sizes, strict=True):
            for output in (FEATURES, DESCRIPTORS, ATTENTION_LOGITS):
                cells = made[output][start : start + size]
                found[f"{name}/{output}"] = ops.reshape(cells, (size, -1, cells.shape[-1]))
            found[f"{name}/{GLOBAL}"] = made[GLOBAL][start : start + size]
            start += size
        return found

    def _report(self, **values: Any) -> None:
        for part, value in values.items():
            self.parts[part].update_state(value)


class DescriptorObjective(_Objective):
    """Stage one (DELF, section 4.2.1, and local metric learning beside it).

    Args:
        network: From :func:`steeple.delf.training.network.delf_network`.
        classes: Landmarks, and one more for photos of none.
        stage: Weights of the losses.
        stride: Of the network.
        teacher: uint8-valued float32[B, S, S, 3] to unit float32[B, N, D'], or None.
    """

    def __init__(
        self,
        network: keras.Model,
        classes: int,
        stage: DescriptorStage,
        stride: int,
        teacher: Any | None = None,
    ) -> None:
        super().__init__(network, ("matching", "matched", "classification", "distillation"))
        self.stage, self.stride, self.teacher = stage, stride, teacher
        self.classifier = layers.Dense(classes, name="classifier")

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Adds the classifier's logits and the teacher's descriptors."""
        found = super().call(inputs, training)
        if "labelled" in inputs:
            found["logits"] = self.classifier(ops.mean(losses.unit(found[f"labelled/{FEATURES}"]), axis=1))
        if self.teacher is not None:
            for name in ("first", "second"):
                found[f"{name}/teacher"] = ops.stop_gradient(self.teacher(ops.cast(inputs[name], "float32")))
        return found

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The weighted sum of the losses."""
        first, second = (losses.unit(y_pred[f"{name}/{DESCRIPTORS}"]) for name in ("first", "second"))
        each = losses.matching(
            first,
            second,
            y["targets"],
            y["positions"],
            y["scenes"],
            self.stage.temperature,
            self.stride,
            self.stage.clearance,
        )
        matching = losses.weighted_mean(each, y["valid"])
        total = losses.weighted_mean(losses.forgiving(each, self.stage.forgiveness), y["valid"])
        # How often the right cell is more likely than all others together.
        self._report(matching=matching, matched=losses.weighted_mean(ops.cast(each < 0.693, "float32"), y["valid"]))
        if "logits" in y_pred:
            classification = _cross_entropy(y["classes"], y_pred["logits"])
            total = total + self.stage.classification * classification
            self._report(classification=classification)
        if self.teacher is not None:
            distillation = losses.weighted_mean(
                losses.similarity_distillation(
                    first, second, (y_pred["first/teacher"], y_pred["second/teacher"]), self.stage.temperature
                ),
                y["valid"],
            )
            total = total + self.stage.distillation * distillation
            self._report(distillation=distillation)
        return total


class AttentionObjective(_Objective):
    """Stage two: y = W sum(attention * feature), with the local descriptors frozen (DELF, section 4.2.2).

    A photo of no landmark should find no weight on any of them: its class has a bias and no weights, so it is
    recognised by attention that stays away. The global descriptor learns in the same pass, from the same pictures: to
    find a view among the others of the batch, and to tell landmarks apart.

    Args:
        network: Trained in stage one.
        landmarks: Their number.
        stage: Weights of the losses.
        stride: Of the network.
        temperature: Of the softmax that tells how reliably a cell matches.
        learned: Whether attention has a head that learns; without, only the global descriptor does.
    """

    def __init__(
        self,
        network: keras.Model,
        landmarks: int,
        stage: AttentionStage,
        stride: int,
        temperature: float,
        *,
        learned: bool,
    ) -> None:
        local = ("classification", "recognised", "reliability") if learned else ()
        super().__init__(network, (*local, "global", "global_classification"))
        self.stage, self.stride, self.temperature, self.learned = stage, stride, temperature, learned
        # Made even if unused: seeds are dealt out in order, and the next layer's should not depend on it.
        self.classifier = layers.Dense(landmarks, use_bias=False, name="attention_classifier")
        self.global_classifier = layers.Dense(landmarks + 1, name="global_classifier")
        if learned:
            self.no_landmark = self.add_weight(shape=(1,), initializer="zeros", name="no_landmark")

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Adds the classifiers' logits; the class of no landmark is the last."""
        found = super().call(inputs, training)
        found["global_logits"] = self.global_classifier(_POOLED_SCALE * losses.unit(found[f"labelled/{GLOBAL}"]))
        if self.learned:
            attention = losses.leaking_relu(found[f"labelled/{ATTENTION_LOGITS}"])
            pooled = ops.mean(attention * losses.unit(found[f"labelled/{FEATURES}"]), axis=1)
            logits = self.classifier(_POOLED_SCALE * pooled)
            none = ops.broadcast_to(self.no_landmark[None], (logits.shape[0], 1))
            found["logits"] = ops.concatenate([logits, none], axis=1)
        return found

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """Cross-entropy, and how far attention is from how well cells match; the same two of the global descriptor."""
        one, other = (losses.unit(y_pred[f"{name}/{GLOBAL}"]) for name in ("first", "second"))
        whole = losses.instance(one, other, y["scenes"], _GLOBAL_TEMPERATURE)
        classification = _cross_entropy(y["classes"], y_pred["global_logits"])
        self._report(**{"global": whole, "global_classification": classification})
        total = whole + classification
        return total + self._attention_loss(y, y_pred) if self.learned else total

    def _attention_loss(self, wanted: dict[str, Any], made: dict[str, Any]) -> Any:
        logits, classes = made["logits"], wanted["classes"]
        classification = _cross_entropy(classes, logits)
        right = ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=1), "int32"), classes), "float32")
        first, second = (losses.unit(made[f"{name}/{DESCRIPTORS}"]) for name in ("first", "second"))
        each = losses.matching(
            first, second, wanted["targets"], wanted["positions"], wanted["scenes"], self.temperature, self.stride
        )
        # Attention foretells how likely a cell is found again.
        found_again = ops.stop_gradient(ops.exp(-_FORGIVENESS * each))
        attention = losses.leaking_relu(made[f"first/{ATTENTION_LOGITS}"][..., 0])
        reliability = losses.weighted_mean(ops.square(attention - found_again), wanted["valid"])
        self._report(classification=classification, recognised=ops.mean(right), reliability=reliability)
        return self.stage.classification * classification + self.stage.reliability * reliability


def _cross_entropy(classes: Any, logits: Any) -> Any:
    return ops.mean(keras.losses.sparse_categorical_crossentropy(classes, logits, from_logits=True))
