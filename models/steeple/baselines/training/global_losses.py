"""What networks of whole photos are trained to minimise. Any Keras backend."""

from __future__ import annotations

from typing import Any

from keras import ops


def contrastive(vectors: Any, margin: float) -> Any:
    """The contrastive loss of siaMAC (Radenovic et al., ECCV 2016, section 3.2), mean over pairs.

    Half the squared distance of a matching pair, and half the square of how much closer than ``margin`` a pair is that
    does not match.

    Args:
        vectors: float32[T, 2 + N, D], unit; of T tuples the query, a photo that matches and N that do not.
        margin: Distance that photos which do not match should have.

    Returns:
        float32 scalar.
    """
    apart = ops.sum(ops.square(vectors[:, 1:] - vectors[:, :1]), axis=-1)
    # Without the small number the root of zero would have no gradient.
    close = ops.maximum(0.0, margin - ops.sqrt(apart[:, 1:] + 1e-12))
    return 0.5 * ops.mean(ops.concatenate([apart[:, :1], ops.square(close)], axis=1))


def triplet(vectors: Any, margin: float) -> Any:
    """The ranking loss of Deep Image Retrieval (Gordo et al., IJCV 2017, section 3.2), mean over triplets.

    Args:
        vectors: float32[T, 2 + N, D], unit; of T tuples the query, a photo that matches and N that do not.
        margin: How much farther, squared, a photo that does not match should be.

    Returns:
        float32 scalar: half of margin + d(query, positive)^2 - d(query, negative)^2, where that is above 0.
    """
    apart = ops.sum(ops.square(vectors[:, 1:] - vectors[:, :1]), axis=-1)
    return 0.5 * ops.mean(ops.maximum(0.0, margin + apart[:, :1] - apart[:, 1:]))
