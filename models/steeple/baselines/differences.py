"""Weights in half precision as differences from those that training began with: smaller, and bit for bit the same.

Training on moves most weights by little. Numbers of half precision, in their order on the line, are numbered; what is
kept is by how many numbers a weight has moved. Low and high bytes lie apart, as the high ones are mostly 0, which
compresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.training.layer_weights import LayerWeights
from steeple.errors import ReleaseError

_SIGN: Final = np.uint16(0x8000)


def differences(weights: LayerWeights, base: LayerWeights) -> dict[str, NDArray[np.uint8]]:
    """What weights differ by.

    Args:
        weights: By layer, in Keras' order and layout; kept as float16.
        base: What they are tuned from; layers that they lack do not count.

    Returns:
        uint8[2, ...] by layer name and number: the low bytes, then the high ones.

    Raises:
        ReleaseError: If a layer is not one of the base, or of another shape there.
    """
    found = {}
    for layer, arrays in weights.items():
        for number, array in enumerate(arrays):
            moved = (_numbered(array) - _numbered(_of(base, layer, number, array.shape))).view(np.int16)
            folded = ((moved << 1) ^ (moved >> 15)).view(np.uint16)  # 0, -1, 1, -2, ...: small ones have no high byte
            found[f"{layer}:{number}"] = np.stack([folded & 0xFF, folded >> 8]).astype(np.uint8)
    return found


def restored(found: Mapping[str, NDArray[Any]], base: LayerWeights) -> dict[str, list[NDArray[np.float32]]]:
    """The weights, float32, of what :func:`differences` found.

    Raises:
        ReleaseError: If they are differences from another network.
    """
    weights: dict[str, list[NDArray[np.float32]]] = {}
    for name, planes in found.items():
        if planes.dtype != np.uint8 or planes.ndim < 1 or len(planes) != 2:
            raise ReleaseError(f"{name} holds no differences of weights")
        layer, _, number = name.rpartition(":")
        folded = planes[0].astype(np.uint16) | (planes[1].astype(np.uint16) << 8)
        moved = (folded >> 1) ^ (np.uint16(0) - (folded & 1))
        numbers = _numbered(_of(base, layer, int(number), folded.shape)) + moved
        halves = np.where(numbers & _SIGN, numbers ^ _SIGN, ~numbers).astype(np.uint16).view(np.float16)
        weights.setdefault(layer, []).append(halves.astype(np.float32))
    return weights


def _numbered(array: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Places of numbers, rounded to float16, in the order of all float16 numbers."""
    bits = np.ascontiguousarray(array, np.float16).view(np.uint16)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN).astype(np.uint16)


def _of(base: LayerWeights, layer: str, number: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    arrays = base.get(layer, ())
    if number >= len(arrays) or arrays[number].shape != shape:
        raise ReleaseError(
            f"{layer} is no layer of the network that these weights are tuned from, or another one there"
        )
    return arrays[number]
