"""Short codes for descriptors: residual quantization, in NumPy, as a phone can do it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import l2_normalised
from steeple.errors import InvalidArgumentError

CENTROIDS: Final = 256
"""Of a stage: one byte of a code chooses among them."""

_BEAM: Final = 8
_GROUP: Final = 16
_BLOCK: Final = 256  # descriptors at a time: what they make stays in the processor's cache


class ResidualQuantizer:
    """Codes of any length up to that of the codebook; a longer one begins with what a shorter one could be.

    A code names a centroid of each stage, and stands for their sum. A stage quantizes what those before it left
    (Chen, Guan and Wang, "Approximate nearest neighbor search by residual vector quantization", 2010; FAISS: ``RQ``).
    Product quantization (DELF, section 4.4) takes a fifth more bytes for the same error of 40-D descriptors.

    Args:
        codebook: float[M, 256, D]; centroids of each stage.

    Raises:
        InvalidArgumentError: If the codebook is of another shape or holds what is not finite.
    """

    def __init__(self, codebook: NDArray[np.floating]) -> None:
        if codebook.ndim != 3 or codebook.shape[0] < 1 or codebook.shape[1] != CENTROIDS:
            raise InvalidArgumentError(f"a codebook is float[M, {CENTROIDS}, D], not {list(codebook.shape)}")
        self._centroids = codebook.astype(np.float32)
        if not np.isfinite(self._centroids).all():
            raise InvalidArgumentError("a codebook must be of finite numbers")
        self._energies = (self._centroids**2).sum(axis=2)
        self._minus_twice = np.ascontiguousarray(-2.0 * self._centroids.transpose(0, 2, 1))

    @property
    def stages(self) -> int:
        """M: bytes of the longest code."""
        return len(self._centroids)

    def encode(self, descriptors: NDArray[np.float32], stages: int) -> NDArray[np.uint8]:
        """The codes that stand for descriptors best, as far as a beam search finds them.

        Args:
            descriptors: float32[N, D].
            stages: Bytes of a code, 1 to :attr:`stages`.

        Returns:
            uint8[N, stages].

        Raises:
            InvalidArgumentError: If ``stages`` is out of range.
        """
        self._check(stages)
        blocks = [
            self._encode(descriptors[start : start + _BLOCK], stages) for start in range(0, len(descriptors), _BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, stages), np.uint8)

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N, D], L2-normalised: what codes, uint8[N, 1 to M], stand for.

        Raises:
            InvalidArgumentError: If they are longer than the codebook has stages.
        """
        self._check(codes.shape[1])
        total = np.zeros((len(codes), self._centroids.shape[2]), np.float32)
        for stage in range(codes.shape[1]):
            total += self._centroids[stage, codes[:, stage]]
        return l2_normalised(total)

    def _encode(self, rows: NDArray[np.float32], stages: int) -> NDArray[np.uint8]:
        """Keeps, from stage to stage, the few partial codes of least error of each descriptor."""
        count = len(rows)
        lines = np.arange(count)[:, None]
        left = rows[:, None, :]  # what the partial codes leave, [N, beam, D]
        codes = np.empty((count, 1, 0), np.uint8)
        for stage in range(stages):
            # |left - c|^2 = |left|^2 - 2 left·c + |c|^2
            errors = left @ self._minus_twice[stage]
            errors += self._energies[stage]
            errors += (left**2).sum(axis=2, keepdims=True)
            best = _least(errors.reshape(count, -1), 1 if stage == stages - 1 else _BEAM)
            before, centroid = np.divmod(best, CENTROIDS)
            left = left[lines, before] - self._centroids[stage, centroid]
            codes = np.concatenate([codes[lines, before], centroid[:, :, None].astype(np.uint8)], axis=2)
        return np.ascontiguousarray(codes[:, 0])

    def _check(self, stages: int) -> None:
        if not 1 <= stages <= self.stages:
            raise InvalidArgumentError(f"a code of this codebook is of 1 to {self.stages} bytes, not {stages}")


def _least(errors: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """intp[N, count]: where the least of float32[N, K] are in each row, in no order; K is a multiple of the group."""
    if count == 1:
        return np.asarray(errors.argmin(axis=1)[:, None], np.intp)
    # The least numbers are in the groups of the least minima, and minima are found many times faster than a partition:
    # a group is every n-th number, so that they are compared side by side.
    groups = errors.reshape(len(errors), _GROUP, -1)
    chosen = np.argpartition(groups.min(axis=1), count - 1, axis=1)[:, :count]
    within = np.take_along_axis(groups, chosen[:, None, :], axis=2).reshape(len(errors), -1)
    place, group = np.divmod(np.argpartition(within, count - 1, axis=1)[:, :count], count)
    least: NDArray[np.intp] = np.take_along_axis(chosen, group, axis=1) + place * groups.shape[2]
    return least
