"""Photos through a Keras network: for projections, whitening and mining, where speed is not what matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import l2_normalised
from steeple.delf.progress import Progress
from steeple.delf.pyramid import cell_centres
from steeple.delf.training.network import ATTENTION, FEATURES, GLOBAL
from steeple.delf.training.photos import training_image
from steeple.delf.training.shape import DESCRIPTORS

_SCALES: Final = (1.0, 0.7071, 0.5)
_MOST_FEATURES: Final = 500
_SHRINKAGE: Final = 0.1


class Describer:
    """Local features of training images by a network in float.

    Args:
        network: As :func:`steeple.delf.training.network.delf_network` makes.
        stride: Of the network.
    """

    def __init__(self, network: keras.Model, stride: int) -> None:
        self._network, self._stride = network, stride

    def __call__(
        self, image: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """The features of greatest norm and the mean feature.

        Args:
            image: uint8[H, W, 3], RGB.

        Returns:
            Unit descriptors float32[N, D], keypoints float32[N, 2] in pixels of ``image``, and a
            unit vector float32[C].
        """
        height, width = image.shape[:2]
        descriptors, keypoints, energies, means = [], [], [], []
        for scale in _SCALES:
            made = run(self._network, image, scale, self._stride)
            features, local = made[FEATURES][0], made[DESCRIPTORS][0]
            rows, columns = local.shape[:2]
            descriptors.append(local.reshape(rows * columns, -1))
            keypoints.append(cell_centres(columns, rows, width, height))
            energies.append(np.square(features).sum(axis=-1).ravel())
            means.append(l2_normalised(features).mean(axis=(0, 1)))
        best = np.argsort(-np.concatenate(energies), kind="stable")[:_MOST_FEATURES]
        return (
            l2_normalised(np.concatenate(descriptors)[best]),
            np.concatenate(keypoints)[best],
            l2_normalised(np.mean(means, axis=0)),
        )


def run(network: keras.Model, image: NDArray[np.uint8], scale: float, stride: int) -> dict[str, NDArray[np.float32]]:
    """All outputs of the network for one image at one scale, sides rounded to multiples of the stride."""
    rows, columns = (max(2, round(side * scale / stride)) for side in image.shape[:2])
    resized = cv2.resize(image, (columns * stride, rows * stride), interpolation=cv2.INTER_AREA)
    return _outputs(network, resized[None])


def _outputs(network: keras.Model, images: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    made = network.predict_on_batch((images.astype(np.float32) - 127.0) / 128.0)
    return {name: np.asarray(made[name], np.float32) for name in (FEATURES, DESCRIPTORS, ATTENTION, GLOBAL)}


def features_of(network: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32[B, N, C]: what the heads see of pictures uint8[B, S, S, 3], cells row by row."""
    features = _outputs(network, images)[FEATURES]
    return features.reshape(len(images), -1, features.shape[-1])


def feature_samples(
    network: keras.Model, photos: Sequence[Path], stride: int, progress: Progress
) -> Iterator[NDArray[np.float32]]:
    """float32[N, C]: features of each photo at one scale, each scale in its turn."""
    for number, photo in enumerate(photos):
        progress("projection", number, len(photos))
        features = run(network, training_image(photo), _SCALES[number % len(_SCALES)], stride)[FEATURES]
        yield features.reshape(-1, features.shape[-1])
    progress("projection", len(photos), len(photos))


def whiten_global(network: keras.Model, photos: Sequence[Path], stride: int, progress: Progress) -> None:
    """Makes the global descriptor's components uncorrelated and of even variance over ``photos``.

    PCA whitening with shrinkage, folded into the layer that makes the descriptor.
    """
    collected = []
    for number, photo in enumerate(photos):
        progress("whitening", number, len(photos))
        collected.append(run(network, training_image(photo), 1.0, stride)[GLOBAL][0])
    progress("whitening", len(photos), len(photos))
    made = np.stack(collected)
    vectors = l2_normalised(made).astype(np.float64)
    mean = vectors.mean(axis=0)
    values, directions = np.linalg.eigh(np.cov(vectors - mean, rowvar=False))
    floor = _SHRINKAGE * max(float(values.mean()), 1e-12)
    whitening = directions[:, ::-1] / np.sqrt(np.maximum(values[::-1], 0.0) + floor)
    layer = network.get_layer(GLOBAL)
    kernel, bias = (np.asarray(array, np.float64) for array in layer.get_weights())
    # The vectors were unit and what the layer makes is not: the mean is taken off in proportion to their length.
    length = float(np.linalg.norm(made, axis=1).mean())
    layer.set_weights([kernel @ whitening, (bias - mean * length) @ whitening])
