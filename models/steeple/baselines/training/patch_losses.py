"""What patch networks are trained to minimise. Any Keras backend."""

from __future__ import annotations

import math
from typing import Any, Final

from keras import ops

_NEVER: Final = 10.0  # farther than unit vectors can be from each other
_EPSILON: Final = 1e-6


def distances(first: Any, second: Any) -> Any:
    """float32[N, M]: between unit vectors float32[N, D] and float32[M, D]."""
    return ops.sqrt(ops.maximum(2.0 - 2.0 * ops.matmul(first, ops.transpose(second)), 0.0) + _EPSILON)


def _right_and_wrong(first: Any, second: Any, photos: Any, scenes: Any) -> tuple[Any, Any]:
    """float32[N]: distances of pairs; and float32[N, N]: of all else, what may show the same made as if far apart."""
    every = distances(first, second)
    own = ops.eye(first.shape[0], dtype="float32")
    photo, scene = (ops.cast(ids[:, None] == ids[None], "float32") for ids in (photos, scenes))
    return ops.sum(every * own, axis=1), every + _NEVER * ops.maximum(own, photo - scene)


def hardest_in_batch(first: Any, second: Any, photos: Any, scenes: Any, margin: float) -> Any:
    """The triplet margin loss with the nearest wrong partner in the batch (Mishchuk et al., section 3.1).

    Args:
        first: float32[N, D], unit.
        second: float32[N, D], unit; the partners.
        photos: int32[N]; views of one photo show the same things again, and are not held against each other.
        scenes: int32[N]; patches of one scene, the same two views of a photo, are.
        margin: By which the wrong ones should be farther.

    Returns:
        float32[N].
    """
    right, wrong = _right_and_wrong(first, second, photos, scenes)
    nearest = ops.minimum(ops.min(wrong, axis=0), ops.min(wrong, axis=1))
    return ops.maximum(margin + right - nearest, 0.0)


def pairwise_hinge(first: Any, second: Any, photos: Any, scenes: Any, margin: float, mined: int) -> Any:
    """The distance of pairs, and how far others are within a margin (Yi et al., section 3.2).

    Args:
        first: float32[N, D], unit.
        second: float32[N, D], unit; the partners.
        photos: int32[N]; views of one photo show the same things again, and are not held against each other.
        scenes: int32[N]; patches of one scene, the same two views of a photo, are.
        margin: Beyond which others cost nothing.
        mined: The nearest so many others of each are counted; all would be too easy (Simo-Serra et al., section 3.3).

    Returns:
        float32[N].
    """
    right, wrong = _right_and_wrong(first, second, photos, scenes)
    nearest = -ops.top_k(-wrong, mined)[0]
    return right + ops.mean(ops.maximum(margin - nearest, 0.0), axis=1)


def turned_apart(first: Any, second: Any, turn: Any) -> Any:
    """1 - cosine of the angle by which the orientations of a pair differ from what is known.

    Args:
        first: float32[N, 2]; cosine and sine.
        second: float32[N, 2].
        turn: float32[N]; radians by which the second should be turned further.

    Returns:
        float32[N], 0 to 2.
    """
    cos, sin = ops.cos(turn), ops.sin(turn)
    expected = ops.stack([cos * first[:, 0] - sin * first[:, 1], sin * first[:, 0] + cos * first[:, 1]], axis=1)
    return 1.0 - ops.sum(expected * second, axis=1)


def soft_position(scores: Any, sharpness: float, border: float) -> Any:
    """float32[N, 2]: x, y of where scores float32[N, H, W] are high: their spatial soft argmax (Yi et al., equation 8).

    Args:
        scores: Of each pixel.
        sharpness: Of the softmax.
        border: Pixels by which a position in the patch is more than one in the scores.
    """
    count, height, width = scores.shape
    weights = ops.reshape(ops.softmax(ops.reshape(scores, (count, -1)) * sharpness, axis=-1), (count, height, width))
    x = ops.sum(ops.sum(weights, axis=1) * ops.arange(width, dtype="float32"), axis=1)
    y = ops.sum(ops.sum(weights, axis=2) * ops.arange(height, dtype="float32"), axis=1)
    return ops.stack([x, y], axis=1) + border


def elsewhere(scores: Any, places: Any, sharpness: float, border: float) -> Any:
    """How unlikely it is to look at a place: -log of the softmax of scores, by a Gaussian of one pixel around it.

    Args:
        scores: float32[N, H, W].
        places: float32[N, 2]; x, y in pixels of the patch.
        sharpness: Of the softmax.
        border: Pixels by which a position in the patch is more than one in the scores.

    Returns:
        float32[N].
    """
    count, height, width = scores.shape
    x = ops.square(ops.arange(width, dtype="float32")[None] + border - places[:, :1])
    y = ops.square(ops.arange(height, dtype="float32")[None] + border - places[:, 1:])
    near = ops.softmax(-0.5 * ops.reshape(y[:, :, None] + x[:, None], (count, -1)), axis=-1)
    return -ops.sum(near * ops.log_softmax(ops.reshape(scores, (count, -1)) * sharpness, axis=-1), axis=1)


def carried(positions: Any, transform: Any) -> Any:
    """float32[N, 2]: positions float32[N, 2] through affine transforms float32[N, 2, 3]."""
    return ops.matmul(transform[:, :, :2], positions[:, :, None])[:, :, 0] + transform[:, :, 2]


def presence(scores: Any, sharpness: float, present: bool) -> Any:
    """How far the highest score of patches is on the wrong side of 1 or -1, squared (Yi et al., equation 5).

    Args:
        scores: float32[N, H, W].
        sharpness: Of the soft maximum.
        present: Whether there is a keypoint.

    Returns:
        float32[N].
    """
    count, height, width = scores.shape
    highest = ops.logsumexp(ops.reshape(scores, (count, -1)) * sharpness, axis=1) - math.log(height * width)
    return ops.square(ops.maximum(1.0 - (highest if present else -highest) / sharpness, 0.0))
