"""What ``steeple benchmark index`` measured: as tables, as JSON and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from steeple.cli.output import Column, Output
from steeple.lab.drawing.chart import Axis, Mark, Panel, Series, draw
from steeple.lab.drawing.svg import numeral
from steeple.server.scale import FactoryFigures, OperatingPoint, QueryFigures

_STAGES: Final = {
    "search": "search",
    "faiss": "FAISS alone",
    "verify": "votes and verification",
    "total": "all",
    "round_trip": "round trip",
}


@dataclass(frozen=True)
class Measured:
    """The index, and what filling it took.

    Attributes:
        index: As :class:`~steeple.server.index.IndexStats` calls it.
        descriptors: In it.
        train_seconds: Of the codebook; 0 if it is the release's.
        add_seconds: Until the last image was searchable.
        save_seconds: Until the file was on the disk.
        file_bytes_per_descriptor: Of all files of the snapshot.
        resident_bytes_per_descriptor: How much more memory the process has resident after all searches than before
            the index was opened from its snapshot.
    """

    index: str
    descriptors: int
    train_seconds: float
    add_seconds: float
    save_seconds: float
    file_bytes_per_descriptor: float
    resident_bytes_per_descriptor: float


@dataclass(frozen=True)
class Report:
    """All that was measured.

    Attributes:
        model: Name of the release.
        released_probes: That a server visits.
        measured: The index.
        points: Its operating points.
        compared: Other kinds of index.
        within_process: Whole queries, by the recogniser alone.
        through_server: Whole queries, by a server.
    """

    model: str
    released_probes: int
    measured: Measured
    points: Sequence[OperatingPoint]
    compared: Sequence[FactoryFigures] = ()
    within_process: Sequence[QueryFigures] = ()
    through_server: Sequence[QueryFigures] = ()

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "model": self.model,
            "catalogue": f"synthetic, drawn from the codebook of {self.model}",
            **asdict(self.measured),
            "points": [asdict(point) for point in self.points],
            "compared": [asdict(figures) for figures in self.compared],
            "within_process": [asdict(figures) for figures in self.within_process],
            "through_server": [asdict(figures) for figures in self.through_server],
        }


def show(output: Output, report: Report) -> None:
    """Prints it as text."""
    measured, points = report.measured, report.points
    output.facts(
        [
            ("index", f"{measured.index}, {measured.descriptors:,} synthetic descriptors"),
            ("drawn from", f"the codebook of {report.model}"),
            (
                "built in",
                f"{measured.train_seconds:.1f} s for the codebook, {measured.add_seconds:.1f} s to add them",
            ),
            (
                "bytes a descriptor",
                f"{measured.resident_bytes_per_descriptor:.1f} resident, "
                f"{measured.file_bytes_per_descriptor:.1f} in files",
            ),
        ]
    )
    distances = list(points[0].recall)
    recalls = [Column(f"recall at {distance}", "right") for distance in distances]
    timed = (Column("ms", "right"), Column("FAISS ms", "right"), Column("ratio", "right"))
    output.table(
        (Column("probes", "right"), *recalls, *timed),
        [
            (
                str(point.probes),
                *(f"{point.recall[distance]:.3f}" for distance in distances),
                f"{point.milliseconds:.1f}",
                f"{point.raw_milliseconds:.1f}",
                f"{point.ratio:.2f}",
            )
            for point in points
        ],
    )
    if report.compared:
        output.say("")
        _show_compared(output, report.compared, distances, recalls)
    for title, figures in (
        ("whole queries, in this process", report.within_process),
        ("whole queries, through a server", report.through_server),
    ):
        if figures:
            output.say("")
            _show_queries(output, title, figures)


def _show_compared(
    output: Output, compared: Sequence[FactoryFigures], distances: Sequence[float], recalls: Sequence[Column]
) -> None:
    after = (Column("ms", "right"), Column("bytes a descriptor", "right"), Column("built in s", "right"))
    output.table(
        (Column("FAISS alone, in memory"), Column("probes", "right"), *recalls, *after),
        [
            (
                figures.factory,
                str(point.probes or "all"),
                *(f"{point.recall[distance]:.3f}" for distance in distances),
                f"{point.milliseconds:.1f}",
                f"{figures.bytes_per_descriptor:.1f}",
                f"{figures.build_seconds:.1f}",
            )
            for figures in compared
            for point in figures.points
        ],
    )


def _show_queries(output: Output, title: str, figures: Sequence[QueryFigures]) -> None:
    kinds = [("an image is shown" if each.planted else "none is shown") for each in figures]
    columns = [Column("milliseconds")]
    for kind in kinds:
        columns += [Column(f"{kind}: p50", "right"), Column("p90", "right")]
    rows = [
        (
            _STAGES[stage],
            *(f"{value:.1f}" for each in figures for value in asdict(each.milliseconds[stage]).values()),
        )
        for stage in _STAGES
        if stage in figures[0].milliseconds
    ]
    output.table(columns, rows, title=title)
    for kind, each in zip(kinds, figures, strict=True):
        found = f"found {each.found:.0%}, " if each.planted else ""
        output.say(
            f"{kind}: {found}identified {each.identified:.0%} of {each.queries}; search / FAISS {each.ratio:.2f}"
        )


def chart(report: Report) -> str:
    """As SVG: a panel for each distance of the copies."""
    ours = f"Steeple, {report.measured.index.removesuffix(' on CPU')}"
    alone = "FAISS alone on the same file"
    panels = []
    for distance in report.points[0].recall:
        series = [
            Series(ours, [(point.milliseconds, point.recall[distance]) for point in report.points]),
            Series(
                alone,
                [(point.raw_milliseconds, point.recall[distance]) for point in report.points],
                dashed=True,
                beside=ours,
            ),
        ]
        series += [
            Series(
                f"FAISS alone, {figures.factory}",
                [(point.milliseconds, point.recall[distance]) for point in figures.points],
            )
            for figures in report.compared
        ]
        marks = [
            Mark(point.milliseconds, point.recall[distance], f"{point.probes} probes, as served")
            for point in report.points
            if point.probes == report.released_probes
        ]
        panels.append(
            Panel(
                f"copies moved by {distance}",
                Axis("milliseconds, median", log=True),
                Axis("recall@1", low=0.0, high=1.0),
                series,
                marks,
            )
        )
    return draw(
        panels,
        f"The index at {numeral(report.measured.descriptors)} descriptors: recall against time",
        f"Synthetic descriptors, drawn from the codebook of {report.model}; a query of 500 descriptors, 20 neighbours "
        f"each; a point for each number of probes, {', '.join(str(point.probes) for point in report.points)}",
    )
