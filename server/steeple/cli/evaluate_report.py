"""``steeple evaluate report``: a run as a page of HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Output
from steeple.cli.writable import check_writable


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of `steeple evaluate run` or `lab`.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.html", help="Default: report.html in RUN.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a run as one page of HTML: tables, charts and failures, which needs nothing else to be shown.

    \b
    Examples:
      steeple evaluate report lab-runs/photos
      steeple evaluate report lab-runs/photos --output table.html
    """
    from steeple.lab.report import write_report
    from steeple.lab.results import read_results

    said = Output(as_json=json)
    path = output or run / "report.html"
    read_results(run)
    check_writable(path, "--output", (".html",))
    write_report(run, path)
    said.document({"run": str(run), "report": str(path)})
    said.say(str(path))
