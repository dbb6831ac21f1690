"""``steeple benchmark bytes``: what recognition loses with fewer bytes a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption, PlotOption
from steeple.cli.output import Column, Output
from steeple.cli.stages import staged
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.server.evaluation import QueryResult

_EXTRACTORS: Final = 2
_LEAST: Final = 256
_IN_PARTS: Final = "in parts"
_IN_ONE: Final = "in one message"


@dataclass(frozen=True)
class BytesPoint:
    """A data set, asked within a budget.

    Attributes:
        max_bytes: Of a query's requests together.
        in_parts: Whether they are sent until the server is certain.
        mean_bytes: That a query took.
        mean_features: That it was answered with.
        recall_at_1: As `steeple evaluate` says, and so are the rest.
        micro_ap: Average precision of all first candidates.
        tpr_at_1pct_fpr: None without distractors.
        ece: Calibration error.
        identified: Share of queries.
        wrongly_identified: Share of queries and distractors.
        intervals: 95 %, by name of the figure.
    """

    max_bytes: int
    in_parts: bool
    mean_bytes: float
    mean_features: float
    recall_at_1: float | None
    micro_ap: float | None
    tpr_at_1pct_fpr: float | None
    ece: float | None
    identified: float | None
    wrongly_identified: float | None
    intervals: dict[str, list[float | None]]


def bytes_(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Photos with known answers, as for `steeple evaluate`.")
    ],
    budgets: Annotated[
        str, typer.Option("--budgets", metavar="A,B,...", help="Bytes of a query's requests, at most.")
    ] = "512,1024,2048,4096,8192,16384,49152",
    model: Annotated[
        str, typer.Option("--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Release to measure.")
    ] = DEFAULT_MODEL,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Measure recognition against the bytes of a query, sent in one message and in parts.

    Photos are extracted once. Each budget is then spent on the best features, coded as the SDK does with max_bytes; in
    parts, a query ends when the server is certain, and strangers cost all of it. A budget that holds all features
    whole sends them so. Bytes are of whole request messages, without what HTTP/2 adds.

    \b
    Examples:
      steeple benchmark bytes photos/
      steeple benchmark bytes photos/ --budgets 1024,4096 --plot bytes.svg --json
    """
    from steeple.cli.writable import CHARTS, check_writable, write_text
    from steeple.delf import ModelRelease
    from steeple.server.evaluation import Dataset, Trial
    from steeple.server.evaluation import budgets as sendings
    from steeple.server.index import FaissIndex

    output = Output(as_json=json)
    sizes = _sizes(budgets)
    if plot is not None:
        check_writable(plot, "--plot", CHARTS)
    dataset = Dataset.open(folder)
    release = ModelRelease.load(model)
    points = []
    with staged(output) as progress:
        trial = Trial(dataset, release, FaissIndex(release), progress, extractors=_EXTRACTORS)
        for size in sizes:
            results = trial.answers(sendings.within(release, size), progress, f"{size:,} bytes")
            points.append(_point(size, False, results))
            results = trial.answers(sendings.in_parts(release, size), progress, f"{size:,} bytes in parts")
            points.append(_point(size, True, results))
    output.document(
        {"model": release.name, "queries": len(dataset.queries), "points": [asdict(point) for point in points]}
    )
    _print(output, points)
    if plot is not None:
        detail = f"{release.name}, {len(dataset.queries)} queries; bands of chance: see the intervals in the JSON"
        write_text(plot, _chart(points, detail))
        output.note(f"drawn: {plot}")


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < _LEAST:
        raise InvalidArgumentError(f"--budgets takes bytes, each {_LEAST} or more, such as 512,4096, not {text!r}")
    return sizes


def _point(max_bytes: int, in_parts: bool, results: Sequence[QueryResult]) -> BytesPoint:
    from steeple.cli.evaluate import report

    facts = report(results)
    names = ("recall_at_1", "micro_ap", "tpr_at_1pct_fpr", "ece", "identified", "wrongly_identified")
    return BytesPoint(
        max_bytes=max_bytes,
        in_parts=in_parts,
        mean_bytes=round(mean(result.query_bytes for result in results), 1),
        mean_features=round(mean(result.recognition.feature_count for result in results), 1),
        intervals=facts["intervals"],
        **{name: facts[name] for name in names},
    )


def _print(output: Output, points: Sequence[BytesPoint]) -> None:
    def text(value: float | None) -> str:
        return "n/a" if value is None else f"{value:.3f}"

    output.table(
        (
            Column("bytes, at most", "right"),
            Column("sent"),
            Column("bytes", "right"),
            Column("features", "right"),
            Column("recall@1", "right"),
            Column("micro-AP", "right"),
            Column("TPR at 1 % FPR", "right"),
            Column("ECE", "right"),
            Column("identified", "right"),
            Column("wrongly", "right"),
        ),
        [
            (
                f"{point.max_bytes:,}",
                _IN_PARTS if point.in_parts else _IN_ONE,
                f"{point.mean_bytes:,.0f}",
                f"{point.mean_features:,.0f}",
                text(point.recall_at_1),
                text(point.micro_ap),
                text(point.tpr_at_1pct_fpr),
                text(point.ece),
                text(point.identified),
                text(point.wrongly_identified),
            )
            for point in points
        ],
    )


def _chart(points: Sequence[BytesPoint], detail: str) -> str:
    from steeple.lab.drawing.chart import Axis, Panel, Series, draw

    def panel(title: str, name: str) -> Panel:
        series = []
        for in_parts in (False, True):
            at = [
                (point.mean_bytes, value)
                for point in points
                if point.in_parts == in_parts and (value := getattr(point, name)) is not None
            ]
            how = _IN_PARTS if in_parts else _IN_ONE
            series.append(Series(how, at, dashed=in_parts))
        return Panel(title, Axis("bytes a query, mean", log=True), Axis(title, high=1.0), series)

    panels = [panel("recall@1", "recall_at_1"), panel("TPR at 1 % FPR", "tpr_at_1pct_fpr")]
    return draw(panels, "Recognition against the bytes of a query", detail)
