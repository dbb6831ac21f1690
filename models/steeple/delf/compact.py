"""FeatureSets within a budget of bytes: ``CompactFeatureSet`` of ``steeple/v1/features.proto``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import golomb
from steeple.delf.cells import CellGrid
from steeple.delf.features import DIMENSIONS, MAX_FEATURES, FeatureSet, quantize_descriptors
from steeple.delf.release import ModelRelease
from steeple.delf.residual_quantizer import ResidualQuantizer
from steeple.delf.wire import MODEL_PREFIX, naming_fields
from steeple.errors import FailedPreconditionError, FeatureSetError, InvalidArgumentError
from steeple.v1 import features_pb2

MIN_BYTES: Final = 128
"""Of a budget: less holds too few features to recognise anything by."""

_MESSAGE_FIELDS: Final = {"width": "image_width", "height": "image_height", "keypoints": "cells"}
_FIRST_PART: Final = 512

_CODE_SIZES: Final = (5, 6, 8, 10, 12)
"""Bytes of a code. More features beat finer ones until all are in."""


def pack(features: FeatureSet, release: ModelRelease, max_bytes: int) -> features_pb2.CompactFeatureSet:
    """The best of ``features``, as many as a message of at most ``max_bytes`` holds.

    Args:
        features: Of ``release``.
        release: Has a compact codebook.
        max_bytes: Of the message; at least :data:`MIN_BYTES`.

    Raises:
        InvalidArgumentError: If ``max_bytes`` is less.
        FailedPreconditionError: If the release has no compact codebook, or another one made the features.
    """
    return pack_parts(features, release, [max_bytes])[0]


def pack_parts(
    features: FeatureSet, release: ModelRelease, budgets: Sequence[int]
) -> list[features_pb2.CompactFeatureSet]:
    """``features`` in several messages: the best in the first, the next in the second, and so on.

    Args:
        features: Of ``release``.
        release: Has a compact codebook.
        budgets: Bytes of each message, at most; each at least :data:`MIN_BYTES`.

    Returns:
        At least one message, and none without features beyond it.

    Raises:
        InvalidArgumentError: If a budget is less.
        FailedPreconditionError: If the release has no compact codebook, or another one made the features.
    """
    for budget in budgets:
        if budget < MIN_BYTES:
            raise InvalidArgumentError(f"{budget} bytes hold no useful number of features; allow {MIN_BYTES} or more")
    if features.model != release.name:
        raise FailedPreconditionError(
            f"features of {features.model} cannot be coded with the codebook of {release.name}"
        )
    quantizer = _quantizer_of(release)
    distinct = _one_a_cell(features, release)
    size = _code_size(len(distinct), sum(budgets), quantizer.stages)
    codes = quantizer.encode(distinct.best(sum(budgets) // size).unit_descriptors(), size)
    messages, start = [], 0
    for budget in budgets:
        message = _fitting(distinct, codes, start, release, budget)
        messages.append(message)
        start += len(message.codes) // size
        if start >= len(distinct):
            break
    return messages


def progressive_budgets(max_bytes: int) -> list[int]:
    """Bytes of the parts that a query of ``max_bytes`` goes in: a small one, then each as large as all before it."""
    budgets: list[int] = []
    while (left := max_bytes - sum(budgets)) > 0:
        wanted = max(_FIRST_PART, sum(budgets))
        budgets.append(wanted if left - wanted >= _FIRST_PART else left)
    return budgets


def unpack(message: features_pb2.CompactFeatureSet, release: ModelRelease) -> FeatureSet:
    """The features that a message carries; their attention scores are 0, their order is that of their cells.

    Args:
        message: Of features of ``release``.
        release: The model release that the message names.

    Raises:
        FeatureSetError: If the message is malformed or the release has no compact codebook; the text says how, and its
            metadata ``field`` which field it is.
    """
    with naming_fields(_MESSAGE_FIELDS):
        return _unpacked(message, release)


def _unpacked(message: features_pb2.CompactFeatureSet, release: ModelRelease) -> FeatureSet:
    if release.compact_path is None:
        raise FeatureSetError(f"model release {release.name} has no compact codebook; send a FeatureSet", field="model")
    quantizer = _quantizer_of(release)
    size = message.code_size
    if not 1 <= size <= quantizer.stages:
        raise FeatureSetError(f"code_size must be 1 to {quantizer.stages}, not {size}", field="code_size")
    count, rest = divmod(len(message.codes), size)
    if rest:
        raise FeatureSetError(
            f"codes must be a multiple of code_size, {size} bytes, not {len(message.codes)}", field="codes"
        )
    if count > MAX_FEATURES:
        raise FeatureSetError(
            f"at most {MAX_FEATURES} features are taken, not {count}; send the best by score", field="codes"
        )
    if message.cell_parameter > golomb.MAX_PARAMETER:
        raise FeatureSetError(
            f"cell_parameter must be 0 to {golomb.MAX_PARAMETER}, not {message.cell_parameter}", field="cell_parameter"
        )
    # An empty set first: it checks the image's size before a grid is made of it.
    none = _empty(release.name, message.image_width, message.image_height)
    grid = CellGrid(none.width, none.height, release.extraction)
    numbers = golomb.decode(message.cells, message.cell_parameter, count, len(grid))
    keypoints, scales = grid.keypoints_of(numbers)
    codes = np.frombuffer(message.codes, np.uint8).reshape(count, size)
    return FeatureSet(
        model=release.name,
        width=none.width,
        height=none.height,
        descriptors=quantize_descriptors(quantizer.decode(codes)),
        keypoints=keypoints,
        scales=scales,
        scores=np.zeros(count, np.float32),
    )


def _fitting(
    features: FeatureSet, codes: NDArray[np.uint8], start: int, release: ModelRelease, budget: int
) -> features_pb2.CompactFeatureSet:
    """The message of the features from ``start`` on, as many as fit."""
    grid = CellGrid(features.width, features.height, release.extraction)
    numbers = grid.numbers_of(features.keypoints, features.scales)
    fits, least, most = _message(features, codes, numbers, grid, slice(start, start)), 0, len(codes) - start
    while least < most:
        count = (least + most + 1) // 2
        message = _message(features, codes, numbers, grid, slice(start, start + count))
        if message.ByteSize() <= budget:
            fits, least = message, count
        else:
            most = count - 1
    return fits


def _message(
    features: FeatureSet, codes: NDArray[np.uint8], numbers: NDArray[np.int64], grid: CellGrid, part: slice
) -> features_pb2.CompactFeatureSet:
    order = np.argsort(numbers[part])
    parameter = golomb.parameter_for(len(order), len(grid))
    return features_pb2.CompactFeatureSet(
        model=MODEL_PREFIX + features.model,
        image_width=features.width,
        image_height=features.height,
        code_size=codes.shape[1],
        codes=codes[part][order].tobytes(),
        cells=golomb.encode(numbers[part][order], parameter),
        cell_parameter=parameter,
    )


def _one_a_cell(features: FeatureSet, release: ModelRelease) -> FeatureSet:
    """``features`` less those whose cell has a better one: what an extractor with other levels may make."""
    grid = CellGrid(features.width, features.height, release.extraction)
    _, first = np.unique(grid.numbers_of(features.keypoints, features.scales), return_index=True)
    return features.chosen(np.sort(first))


def _code_size(count: int, budget: int, longest: int) -> int:
    """The shortest code there is, or one as long as the budget has bytes for every feature."""
    fitting = [size for size in _CODE_SIZES if size <= longest and count * (size + 1) <= budget]
    return max(fitting, default=min(_CODE_SIZES[0], longest))


def _empty(model: str, width: int, height: int) -> FeatureSet:
    descriptors, nothing = np.empty((0, DIMENSIONS), np.int8), np.empty(0, np.float32)
    return FeatureSet(model, width, height, descriptors, np.empty((0, 2), np.float32), nothing, nothing)


def _quantizer_of(release: ModelRelease) -> ResidualQuantizer:
    if release.compact_path is None:
        raise FailedPreconditionError(
            f"model release {release.name} has no compact codebook, so its features cannot be packed into a budget of "
            "bytes; use a release that has one, or no budget"
        )
    return _quantizer(release.compact_path, release.tflite_sha256)


@functools.lru_cache(maxsize=8)
def _quantizer(path: Path, _tflite_sha256: str) -> ResidualQuantizer:
    # The release's files were checked when it was loaded.
    return ResidualQuantizer(np.load(path, allow_pickle=False))
