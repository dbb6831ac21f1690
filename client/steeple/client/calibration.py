"""The model of confidence that a server answers by, and how far it keeps what it promises."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


class CalibrationSource(enum.Enum):
    """Where a calibration comes from.

    Attributes:
        RELEASE: From the model release.
        FILE: From a file of ``steeple calibrate``, that the server's settings name.
        OTHER: Something that this version of the SDK does not know.
    """

    RELEASE = "release"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of about one confidence: a bar of a reliability diagram.

    Attributes:
        low: Least confidence.
        high: Confidence below which it ends; the last bin includes it.
        answers: Their number.
        confidence: Their mean confidence; NaN if there are none.
        right: Share of them that is right; NaN if there are none.
        interval: 95 % interval of ``right``; NaN if there are none.
    """

    low: float
    high: float
    answers: int
    confidence: float
    right: float
    interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for what is NaN."""
        facts = asdict(self) | {"interval": list(self.interval)}
        return facts if self.answers else facts | {"confidence": None, "right": None, "interval": [None, None]}


@dataclass(frozen=True)
class FalsePositives:
    """Photos of no landmark of the catalogue, and those of them that got a name.

    Attributes:
        strangers: All of them.
        named: Those that got one.
        rate: Their share.
        interval: 95 % interval of ``rate``.
    """

    strangers: int
    named: int
    rate: float
    interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"interval": list(self.interval)}


@dataclass(frozen=True)
class Reliability:
    """How far confidences kept what they promised, on photos whose landmarks were known; by cross-validation.

    Attributes:
        false_positive_rate: Share of strangers that was allowed a name when the threshold was set.
        false_positives: The strangers that got one; None if none were looked at.
        bins: From 0 to 1.
        ece: Expected calibration error; None if it was not measured.
        figures: Others, by name, such as ``recall_at_1``.
        photos: That it was fitted on, by their role.
    """

    false_positive_rate: float
    false_positives: FalsePositives | None
    bins: tuple[ReliabilityBin, ...]
    ece: float | None
    figures: Mapping[str, float] = field(default_factory=dict, hash=False)
    photos: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def answers(self) -> int:
        """Of all bins."""
        return sum(part.answers for part in self.bins)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "false_positive_rate": self.false_positive_rate,
            "false_positives": None if self.false_positives is None else self.false_positives.to_dict(),
            "bins": [part.to_dict() for part in self.bins],
            "ece": self.ece,
            "figures": dict(sorted(self.figures.items())),
            "photos": dict(sorted(self.photos.items())),
        }


@dataclass(frozen=True)
class Calibration:
    """A model of confidence: ``1 / (1 + exp(-(bias + sum(weight * evidence))))``.

    Attributes:
        model: ``models/{model}``, whose answers are given by it.
        source: Where it comes from.
        threshold: Confidence from which an answer is an identification.
        bias: Of the sum.
        weights: By the name of the evidence.
        reliability: None if the release or the file does not tell.
    """

    model: str
    source: CalibrationSource
    threshold: float
    bias: float
    weights: Mapping[str, float] = field(hash=False)
    reliability: Reliability | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "model": self.model,
            "source": self.source.value,
            "threshold": self.threshold,
            "bias": self.bias,
            "weights": dict(sorted(self.weights.items())),
            "reliability": None if self.reliability is None else self.reliability.to_dict(),
        }
