"""Makes the page of a run: one file that needs no other."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from steeple.errors import InvalidArgumentError
from steeple.lab.report.charts import cost_charts, featured, precision_chart, reliability_charts
from steeple.lab.report.model import Figure, RunResults, SystemResults
from steeple.lab.report.pictures import Thumbnails, worst_failures
from steeple.lab.report.read import read_run
from steeple.lab.report.words import SMALLER_IS_BETTER, figure_title, group_title, milliseconds, share, size

_FOLDER: Final = Path(__file__).parent / "templates"
_FIGURES: Final = (
    "micro_ap", "recall_at_1", "tpr_at_1pct_fpr", "map", "map_medium", "map_hard", "map_at_100", "n_s_score", "ece",
)  # fmt: skip
"""Columns of the table, as far as there are any; all others are told with each system."""

_SHOWN_FAILURES: Final = 2  # systems
_BAR: Final = 100  # units of a bar for an interval


@dataclass(frozen=True)
class Cell:
    """A figure in the table.

    Attributes:
        figure: The figure.
        best: Whether no other system has a better one.
        low: Left end of the interval in a bar of 100 units.
        width: Of the interval.
        place: Of the figure.
    """

    figure: Figure
    best: bool
    low: float
    width: float
    place: float


def write_report(run: Path, output: Path) -> None:
    """Writes the report of a finished run: one HTML file with everything in it.

    Args:
        run: Folder of the run.
        output: The file.

    Raises:
        NotFoundError: If the folder holds no results.
        DataLossError: If they are damaged, or of another version.
        InvalidArgumentError: If the file cannot be written.
    """
    page = render(read_run(run))
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidArgumentError(f"{output} cannot be written: {error.strerror}; choose another file") from error


def render(run: RunResults) -> str:
    """The page of a run, HTML."""
    templates = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(share=share, size=size, milliseconds=milliseconds, json=_json, svg=_svg)
    columns = [name for name in _columns(run) if any(_known(system, name) for system in run.systems)]
    script = (_FOLDER / "sort.js").read_text(encoding="utf-8")
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    thumbnails = Thumbnails()
    precision = precision_chart(run)
    shown = _with_failures(run)
    return templates.get_template("report.html").render(
        run=run,
        columns=[(name, figure_title(name)) for name in columns],
        rows=[(system, group_title(system.group), _cells(run, system, columns)) for system in run.systems],
        rest={system.name: _rest(system, columns) for system in run.systems},
        charts=[*cost_charts(run), *([] if precision is None else [precision])],
        reliability=list(reliability_charts(run)),
        failures=[(system, worst_failures(run, system, thumbnails)) for system in shown],
        style=Markup(style),  # noqa: S704 - files of this package
        script=Markup(script),  # noqa: S704
        # Nothing is fetched, and no script runs but this one, whatever names of systems and photos hold.
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{_sha256(script)}'",
    )


def _columns(run: RunResults) -> list[str]:
    return list(dict.fromkeys([run.primary, *_FIGURES] if run.primary else _FIGURES))


def _known(system: SystemResults, name: str) -> bool:
    return name in system.figures and not math.isnan(system.figures[name].value)


def _cells(run: RunResults, system: SystemResults, columns: Sequence[str]) -> list[Cell]:
    return [_cell(run, system, name) for name in columns]


def _cell(run: RunResults, system: SystemResults, name: str) -> Cell:
    figure = system.figures.get(name, Figure(math.nan, math.nan, math.nan))
    values = [each.figures[name].value for each in run.systems if _known(each, name)]
    highest = 4.0 if name == "n_s_score" else 1.0
    low, high, place = (
        0.0 if math.isnan(each) else each / highest * _BAR for each in (figure.low, figure.high, figure.value)
    )
    best = (min if name in SMALLER_IS_BETTER else max)(values, default=math.nan)
    return Cell(figure, figure.value == best, round(low, 1), round(high - low, 1), round(place, 1))


def _rest(system: SystemResults, columns: Sequence[str]) -> list[tuple[str, Figure]]:
    """Figures that the table has no column for."""
    return [(figure_title(name), figure) for name, figure in system.figures.items() if name not in columns]


def _with_failures(run: RunResults) -> list[SystemResults]:
    """Systems whose failures are shown: the best one, and Steeple as it is or the best of another group."""
    by_accuracy = sorted(featured(run), key=lambda system: -system.figures[run.primary].value)
    products = [system for system in by_accuracy if system.group == "product"]
    chosen = {system.name: system for system in (*by_accuracy[:1], *products, *by_accuracy)}
    return list(chosen.values())[:_SHOWN_FAILURES]


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _svg(document: str) -> Markup:
    return Markup(document)  # noqa: S704 - drawn by this package, which escapes what it is given


def _sha256(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
