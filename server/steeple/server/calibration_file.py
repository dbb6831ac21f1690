"""A calibration of one's own catalogue, kept beside the model release that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from steeple.delf.release import Calibration, ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.server.calibration import EVIDENCE
from steeple.server.durable import write_file

_FORMAT: Final = 1


def save(file: Path, release: ModelRelease, calibration: Calibration, provenance: Mapping[str, Any]) -> None:
    """Writes a calibration as JSON; after a crash there is all of the file or the old one.

    Args:
        file: Replaced if it is there.
        release: Whose confidences it makes.
        calibration: To be written.
        provenance: What it was fitted on, and how well it did.

    Raises:
        InvalidArgumentError: If it cannot be written.
    """
    content = {
        "format": _FORMAT,
        "model": release.name,
        "tflite_sha256": release.tflite_sha256,
        "calibration": asdict(calibration),
        "provenance": dict(provenance),
    }
    try:
        write_file(file, (json.dumps(content, indent=2) + "\n").encode("utf-8"))
    except OSError as error:
        raise InvalidArgumentError(f"{file} cannot be written: {error.strerror}; choose another --output") from error


@dataclass(frozen=True)
class FittedCalibration:
    """A calibration and where it comes from.

    Attributes:
        calibration: To answer by.
        provenance: What it was fitted on, and how well it did, as :func:`save` was told; of any form.
    """

    calibration: Calibration
    provenance: object


def load(file: Path, release: ModelRelease) -> FittedCalibration:
    """What is in a file that :func:`save` wrote.

    Raises:
        InvalidArgumentError: If it cannot be read, is no calibration, or is of another release.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        known, model = content["format"] == _FORMAT, (content["model"], content["tflite_sha256"])
        values = content["calibration"]
        bias, threshold = float(values["bias"]), float(values["threshold"])
        weights = {str(name): float(weight) for name, weight in values["weights"].items()}
    except OSError as error:
        raise InvalidArgumentError(f"the calibration {file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgumentError(f"{file} is no calibration that `steeple calibrate` wrote; make it anew") from error
    if not known:
        raise InvalidArgumentError(f"{file} is of another format; make it anew with `steeple calibrate`")
    if model != (release.name, release.tflite_sha256):
        raise InvalidArgumentError(
            f"the calibration {file} is of {model[0]}, and {release.name} is served; make one for it with "
            f"`steeple calibrate --model {release.name}`"
        )
    if weights.keys() != set(EVIDENCE) or not 0 <= threshold <= 1:
        raise InvalidArgumentError(f"{file} is no calibration of this version; make it anew with `steeple calibrate`")
    return FittedCalibration(Calibration(bias, weights, threshold), content.get("provenance"))
