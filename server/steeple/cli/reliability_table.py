"""How far confidences keep what they promise, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from steeple.cli.output import Column, Output, without_nan

if TYPE_CHECKING:
    from steeple.lab.drawing.reliability_diagram import Bin
    from steeple.server.evaluation import FalsePositives, ReliabilityBin


def facts_of(part: ReliabilityBin | FalsePositives) -> dict[str, Any]:
    """A bin, or the count of false positives, as JSON: None for what is NaN, which JSON does not have."""
    return {name: without_nan(value, 6) for name, value in asdict(part).items()}


def print_bins(output: Output, bins: Sequence[Bin]) -> None:
    """A row for each bin of confidence that has answers."""
    output.table(
        (
            Column("confidence"),
            Column("answers", "right"),
            Column("mean confidence", "right"),
            Column("right", "right"),
            Column("95 % interval", "right"),
        ),
        [
            (
                f"{part.low:.1f} to {part.high:.1f}",
                str(part.answers),
                f"{part.confidence:.3f}",
                f"{part.right:.3f}",
                f"{part.interval[0]:.3f} to {part.interval[1]:.3f}",
            )
            for part in bins
            if part.answers
        ],
    )
