"""What descriptors and attention are trained to minimise. Any Keras backend."""

from __future__ import annotations

from typing import Any

from keras import ops

_NEVER = -1e4


def unit(vectors: Any) -> Any:
    """L2-normalised along the last axis."""
    return vectors / ops.sqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True) + 1e-12)


def matching(
    first: Any,
    second: Any,
    targets: Any,
    positions: Any,
    scenes: Any,
    temperature: float,
    stride: int,
    clearance: float = 1.5,
) -> Any:
    """How hard it is to find each cell's counterpart among all cells of the batch: -log of its softmax, both ways.

    The softmax form of HardNet's loss: at a low temperature the hardest negative in the batch decides. Cells close
    to the right one are neither right nor wrong and are left out, and so is all of another pair of the same scene.

    Args:
        first: float32[P, N, D], unit; descriptors of the first views.
        second: float32[P, N, D], unit; of the second views.
        targets: int32[P, N]; number of the cell of the second view that shows what the cell of the first shows.
        positions: float32[P, N, 2]; where that is, in pixels of the second view.
        scenes: int32[P]; equal for pairs of one scene.
        temperature: Of the softmax.
        stride: Pixels between cells.
        clearance: How close a cell is left out, in cells.

    Returns:
        float32[P, N]; to be weighted by which targets are valid.
    """
    pairs, cells, dimensions = first.shape
    side = round(cells**0.5)
    axis = (ops.arange(side, dtype="float32") + 0.5) * stride - 0.5
    centres = ops.reshape(ops.stack(ops.meshgrid(axis, axis), axis=-1), (1, 1, cells, 2))
    near = clearance * stride
    to_cells = ops.cast(_distance(positions[:, :, None], centres) < near, "float32")
    to_each_other = ops.cast(_distance(positions[:, :, None], positions[:, None]) < near, "float32")
    same = ops.cast(scenes[:, None] == scenes[None], "float32")
    own = ops.eye(pairs, dtype="float32")
    of_others = ((same - own) * _NEVER)[:, None, :, None]

    def loss(queries: Any, keys: Any, right: Any, ambiguous: Any) -> Any:
        flat = ops.reshape(keys, (pairs * cells, dimensions))
        logits = ops.matmul(ops.reshape(queries, (pairs * cells, dimensions)), ops.transpose(flat)) / temperature
        logits = ops.reshape(logits, (pairs, cells, pairs, cells)) + of_others
        hidden = (ambiguous - ops.one_hot(right, cells, dtype="float32")) * _NEVER
        logits = logits + ops.minimum(hidden, 0.0)[:, :, None] * own[:, None, :, None]
        numbers = right + ops.arange(pairs, dtype="int32")[:, None] * cells
        logits = ops.reshape(logits, (pairs * cells, pairs * cells))
        positive = ops.take_along_axis(logits, ops.reshape(numbers, (-1, 1)), axis=1)[:, 0]
        return ops.reshape(ops.logsumexp(logits, axis=1) - positive, (pairs, cells))

    found = ops.take_along_axis(second, targets[:, :, None], axis=1)
    themselves = ops.broadcast_to(ops.arange(cells, dtype="int32")[None], (pairs, cells))
    return 0.5 * (loss(first, second, targets, to_cells) + loss(found, first, themselves, to_each_other))


def forgiving(losses: Any, forgiveness: float) -> Any:
    """Generalised cross-entropy (Zhang and Sabuncu, 2018): (1 - p^q) / q, where the loss was -log p.

    Sky, water and what is hidden in one view cannot be matched. Plain cross-entropy spends itself on them; this
    one gives up on what is hopeless.

    Args:
        losses: -log p.
        forgiveness: q; 0 leaves the losses as they are.
    """
    return losses if forgiveness == 0 else (1.0 - ops.exp(-forgiveness * losses)) / forgiveness


def leaking_relu(values: Any) -> Any:
    """ReLU whose gradient is 0.1 where it is 0, so that a cell once ignored can come back."""
    leak = 0.1 * ops.minimum(values, 0.0)
    return ops.relu(values) + leak - ops.stop_gradient(leak)


def similarity_distillation(first: Any, second: Any, teacher: tuple[Any, Any], temperature: float) -> Any:
    """Cross-entropy between a teacher's and the student's softmax over the cells of the other view.

    Args:
        first: float32[P, N, D], unit; the student's descriptors of the first views.
        second: float32[P, N, D], unit; of the second.
        teacher: The teacher's of both, float32[P, N, D'], unit.
        temperature: Of both softmaxes.

    Returns:
        float32[P, N].
    """
    student = ops.log_softmax(ops.matmul(first, ops.transpose(second, (0, 2, 1))) / temperature, axis=-1)
    wanted = ops.softmax(ops.matmul(teacher[0], ops.transpose(teacher[1], (0, 2, 1))) / temperature, axis=-1)
    return -ops.sum(wanted * student, axis=-1)


def instance(first: Any, second: Any, scenes: Any, temperature: float) -> Any:
    """How hard it is to find each picture's other view among the batch: -log of its softmax, both ways.

    Args:
        first: float32[P, G], unit.
        second: float32[P, G], unit.
        scenes: int32[P]; pairs of one scene are not held against each other.
        temperature: Of the softmax.

    Returns:
        float32 scalar.
    """
    pairs = first.shape[0]
    own = ops.eye(pairs, dtype="float32")
    same = ops.cast(scenes[:, None] == scenes[None], "float32")
    logits = ops.matmul(first, ops.transpose(second)) / temperature + (same - own) * _NEVER
    positive = ops.sum(logits * own, axis=1)
    return ops.mean(0.5 * (ops.logsumexp(logits, axis=0) + ops.logsumexp(logits, axis=1)) - positive)


def weighted_mean(values: Any, weights: Any) -> Any:
    """Mean of ``values`` by ``weights``; 0 if all weights are 0."""
    return ops.sum(values * weights) / (ops.sum(weights) + 1e-6)


def _distance(first: Any, second: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(first - second), axis=-1) + 1e-9)
