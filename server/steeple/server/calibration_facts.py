"""What is known of a calibration: where it comes from, and how far its confidences kept what they promise."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from steeple.delf.release import Calibration, ModelRelease
from steeple.server.calibration_file import FittedCalibration
from steeple.server.evaluation import FalsePositives, ReliabilityBin
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_ECE: Final = "ece"


@dataclass(frozen=True)
class Reliability:
    """What was measured, by cross-validation, when a calibration was fitted.

    Attributes:
        false_positive_rate: Share of strangers that was allowed a name when the threshold was set.
        false_positives: Those that got one; None if none were looked at.
        bins: From 0 to 1.
        ece: Expected calibration error; None if it was not measured.
        figures: Others, by name.
        photos: That it was fitted on, by their role.
    """

    false_positive_rate: float
    false_positives: FalsePositives | None
    bins: tuple[ReliabilityBin, ...]
    ece: float | None
    figures: Mapping[str, float]
    photos: Mapping[str, int]


@dataclass(frozen=True)
class CalibrationFacts:
    """A calibration that is answered by.

    Attributes:
        model: Name of its release.
        calibration: The calibration.
        from_file: Whether it is not the release's own.
        reliability: None if there is nothing to tell.
    """

    model: str
    calibration: Calibration
    from_file: bool
    reliability: Reliability | None


def facts_of(release: ModelRelease, fitted: FittedCalibration | None = None) -> CalibrationFacts:
    """What is known of the calibration of a release.

    Args:
        release: With the calibration that it answers by.
        fitted: Where that comes from; None: from the release itself.
    """
    if fitted is None:
        provenance = release.manifest.get("provenance")
        told = provenance.get("calibration") if isinstance(provenance, Mapping) else None
    else:
        told = fitted.provenance
    return CalibrationFacts(release.name, release.calibration, fitted is not None, _reliability(told, release.name))


def _reliability(told: object, model: str) -> Reliability | None:
    """What a release, or a file, tells; None without a diagram, or if it tells it in a way that is not known."""
    if not isinstance(told, Mapping) or not told.get("reliability"):
        return None
    try:
        return _read(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # a file that somebody has changed, or a newer
        log.warning("what a calibration was measured at cannot be read", extra=facts(model=model, error=error))
        return None


def _read(told: Mapping[str, Any]) -> Reliability:
    figures = {str(name): _number(value) for name, value in told["cross_validated"].items()}
    ece = figures.pop(_ECE, math.nan)
    named = told.get("measured_false_positives")
    return Reliability(
        false_positive_rate=float(told["false_positive_rate"]),
        false_positives=_false_positives(named) if named and named["strangers"] else None,
        bins=tuple(_bin(part) for part in told["reliability"]),
        ece=None if math.isnan(ece) else ece,
        figures={name: value for name, value in figures.items() if not math.isnan(value)},
        photos={str(role): count for role, count in told["photos"].items() if isinstance(count, int)},
    )


def _false_positives(told: Mapping[str, Any]) -> FalsePositives:
    return FalsePositives(
        int(told["strangers"]), int(told["named"]), _number(told["rate"]), _interval(told["interval"])
    )


def _bin(told: Mapping[str, Any]) -> ReliabilityBin:
    return ReliabilityBin(
        low=float(told["low"]),
        high=float(told["high"]),
        answers=int(told["answers"]),
        confidence=_number(told["confidence"]),
        right=_number(told["right"]),
        interval=_interval(told["interval"]),
    )


def _interval(told: Any) -> tuple[float, float]:  # noqa: ANN401 - of a JSON file
    low, high = told
    return _number(low), _number(high)


def _number(told: float | None) -> float:
    """None stands for what is not a number, which JSON does not have."""
    return math.nan if told is None else float(told)
