"""How far confidences keep what they promise, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steeple.cli.output import Column, Output

if TYPE_CHECKING:
    from steeple.cli.reliability_diagram import Bin


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
