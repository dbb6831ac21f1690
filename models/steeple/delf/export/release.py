"""Makes a model release of a trained network: .tflite, codebook, weights and ``release.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from steeple.delf import photo_files, pyramid
from steeple.delf.export import codebook, compact, tflite
from steeple.delf.export.described import CODEBOOK_PHOTOS, describe
from steeple.delf.extractor import Extractor
from steeple.delf.image import read_image
from steeple.delf.progress import Progress
from steeple.delf.release import (
    CODEBOOK,
    COMPACT,
    FORMAT,
    MANIFEST,
    NETWORK,
    WEIGHTS,
    Calibration,
    ExtractionParameters,
    IndexParameters,
    ModelRelease,
    VerificationParameters,
)
from steeple.delf.release_files import file_facts
from steeple.delf.training import weights
from steeple.delf.training.network import (
    ATTENTION,
    FEATURES,
    GLOBAL,
    delf_network,
    for_inference,
    set_weights,
)
from steeple.delf.training.photos import TrainingPhotos
from steeple.delf.training.receptive_field import effective_centre, receptive_field
from steeple.delf.training.recipe import Recipe
from steeple.delf.training.record import RUN, run_facts
from steeple.delf.training.shape import DESCRIPTORS
from steeple.errors import InvalidArgumentError, NotFoundError, ReleaseError

UNCALIBRATED: Final = Calibration(bias=-6.0, weights={"inliers": 2.0}, threshold=0.5)
"""Stands in until :mod:`steeple.server.calibration` has fitted the release's own."""

_RANGE_PHOTOS: Final = 160


@dataclass(frozen=True)
class ReleaseParameters:
    """What a release says of itself beyond its network.

    Attributes:
        name: Of the release.
        extraction: How features are extracted; the stride is the network's.
        index: How descriptors are indexed.
        verification: How candidates are verified.
        in_float: Whether the .tflite computes in float32: to measure what int8 loses, not to be shipped.
    """

    name: str
    extraction: ExtractionParameters = field(
        default_factory=lambda: ExtractionParameters(
            pyramid_scales=(1.0, 0.7937, 0.63, 0.5, 0.3969, 0.315, 0.25),
            stride=16,
            max_pixels=480_000,
            max_features=1000,
            score_threshold=0.0,
            min_pixels=640 * 480,
        )
    )
    index: IndexParameters = field(
        default_factory=lambda: IndexParameters(factory="IVF1024,PQ20np", probes=16, neighbours=20)
    )
    verification: VerificationParameters = field(
        default_factory=lambda: VerificationParameters(candidates=20, finalists=5, inlier_radius=24.0, iterations=1000)
    )
    in_float: bool = False


def finished_run(folder: Path, data: Path) -> tuple[keras.Model, dict[str, Any], list[Path]]:
    """A training run to export.

    Args:
        folder: Of the run.
        data: The photos it was trained on.

    Returns:
        The network, what ``run.json`` holds, and the photos.

    Raises:
        NotFoundError: If there is no finished run.
        InvalidArgumentError: If ``data`` holds other photos.
        ReleaseError: If a file of the run is damaged.
    """
    if not (folder / RUN).is_file() or not (folder / WEIGHTS).is_file():
        raise NotFoundError(
            f"{folder} holds no finished training run; `steeple model train --output {folder}` makes or finishes one",
            resource=str(folder),
        )
    facts = run_facts(folder)
    recipe = Recipe.from_dict(facts["recipe"])
    photos = TrainingPhotos.below(data, recipe.held_back, recipe.held_back_share)
    if photo_files.digest(photos.all) != facts["photos"]["sha256"]:
        raise InvalidArgumentError(f"{data} holds other photos than those that {folder} was trained on")
    keras.utils.clear_session()  # Keras numbers layers through the process, and their names end up in the file
    network = delf_network(recipe.network)
    set_weights(network, weights.load(folder / WEIGHTS))
    return network, facts, photos.all


def export(
    network: keras.Model,
    parameters: ReleaseParameters,
    photos: Sequence[Path],
    output: Path,
    provenance: Mapping[str, Any],
    progress: Progress,
) -> ModelRelease:
    """Makes the release, but for its calibration. The same network, photos and package versions give the same bytes.

    Args:
        network: As :func:`steeple.delf.training.network.delf_network` makes, trained.
        parameters: All else.
        photos: To measure the ranges of activations and train the codebook on.
        output: The release's folder; made if missing.
        provenance: Stands in ``release.json``, with what is added here.
        progress: Told how far it is.

    Raises:
        ReleaseError: If the network cannot be quantized as the extractor needs it.
    """
    output.mkdir(parents=True, exist_ok=True)
    field_of_view = receptive_field(network, DESCRIPTORS)
    if field_of_view.stride != parameters.extraction.stride:
        raise ReleaseError(f"the network's stride is {field_of_view.stride}, not {parameters.extraction.stride}")
    centre = effective_centre(network, FEATURES, field_of_view.stride)
    inference = for_inference(network)
    model = keras.Model(inference.input, [inference.output[name] for name in (DESCRIPTORS, ATTENTION, GLOBAL)])
    if parameters.in_float:
        content = tflite.in_float(model)
    else:
        ranges = photo_files.evenly(photos, _RANGE_PHOTOS)
        content = tflite.quantized(model, lambda: _pyramid_images(ranges, parameters.extraction, progress))
        if not tflite.input_is_exact(content):
            raise ReleaseError("the quantized network does not take p - 128 for a pixel p; use more varied photos")
    (output / NETWORK).write_bytes(content)
    weights.save(network, output / WEIGHTS)

    # The codebook is trained on what the finished extractor makes, so the release is loaded on the way.
    (output / CODEBOOK).write_bytes(b"")
    (output / COMPACT).write_bytes(b"")
    write_manifest(output, parameters, {})
    fitted_on = photo_files.evenly(photos, CODEBOOK_PHOTOS)
    descriptors = describe(Extractor(ModelRelease.load(output)), fitted_on, progress)
    progress("codebook", 0, 2)
    (output / CODEBOOK).write_bytes(codebook.train(parameters.index.factory, descriptors))
    progress("codebook", 1, 2)
    (output / COMPACT).write_bytes(compact.train(descriptors))
    progress("codebook", 2, 2)
    write_manifest(
        output,
        parameters,
        {
            **provenance,
            "receptive_field": {**asdict(field_of_view), "effective_centre": [round(each, 2) for each in centre]},
            "codebook_descriptors": len(descriptors),
            "made_with": {name: version(name) for name in ("tensorflow", "keras", "faiss-cpu", "numpy")},
        },
    )
    return ModelRelease.load(output)


def write_manifest(output: Path, parameters: ReleaseParameters, provenance: Mapping[str, Any]) -> None:
    """Writes ``release.json`` over the files in ``output``."""
    names = (NETWORK, CODEBOOK, COMPACT, WEIGHTS)
    manifest = {
        "format": FORMAT,
        "name": parameters.name,
        "files": {name: file_facts(output / name) for name in names},
        "extraction": asdict(parameters.extraction),
        "index": asdict(parameters.index),
        "verification": asdict(parameters.verification),
        "calibration": asdict(UNCALIBRATED),
        "provenance": dict(provenance),
    }
    (output / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _pyramid_images(
    chosen: Sequence[Path], parameters: ExtractionParameters, progress: Progress
) -> Iterator[NDArray[np.uint8]]:
    for number, photo in enumerate(chosen):
        progress("quantization", number, len(chosen))
        image = read_image(photo)
        height, width = image.shape[:2]
        every = pyramid.levels(width, height, parameters)
        # One level a photo, each in turn: every scale has its say at a fraction of the cost.
        yield from pyramid.resized(image, [every[number % len(every)]])
    progress("quantization", len(chosen), len(chosen))
