"""``steeple model calibration``: what a server's confidences are made by, and how far they keep their promise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Output
from steeple.cli.reliability_table import print_bins
from steeple.cli.writable import CHARTS, check_writable, write_text
from steeple.errors import NotFoundError

if TYPE_CHECKING:
    from steeple.client import Calibration, Reliability


def calibration(
    release: Annotated[
        str,
        typer.Argument(metavar="[RELEASE]", autocompletion=completion.releases, help="Default: the server's default."),
    ] = "",
    diagram: Annotated[
        Path | None, typer.Option("--diagram", metavar="FILE.svg", help="Draw the reliability diagram.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show what a server's confidences are computed by, and how often answers of each confidence were right.

    The figures are those of when the calibration was fitted, by `steeple calibrate` or for the release.

    \b
    Examples:
      steeple model calibration
      steeple model calibration delf-lite0-v1 --diagram reliability.svg
      steeple model calibration --json | jq .reliability.ece
    """
    output = Output(as_json=json)
    if diagram is not None:
        check_writable(diagram, "--diagram", CHARTS)
    with connect(server) as client:
        found = client.calibration(release)
    measured = found.reliability
    if diagram is not None:
        _draw(found, diagram)
    output.document(found.to_dict())
    output.facts(
        [
            ("model", found.model),
            ("fitted", "for the release" if found.source.value == "release" else "by `steeple calibrate`"),
            ("identified from", f"confidence {found.threshold:.3f}"),
            ("bias", f"{found.bias:g}"),
            ("weights", ", ".join(f"{name} {weight:g}" for name, weight in sorted(found.weights.items()))),
            *([] if measured is None else _facts(measured)),
        ]
    )
    if measured is None:
        output.note("how far it keeps its promise was not recorded")
        return
    print_bins(output, measured.bins)
    if diagram is not None:
        output.note(f"drawn: {diagram}")


def _facts(measured: Reliability) -> list[tuple[str, str]]:
    named = measured.false_positives
    strangers = "" if named is None else f"{named.named} of {named.strangers} strangers were named: {named.rate:.1%}"
    return [
        ("photos", ", ".join(f"{count:,} {role}" for role, count in sorted(measured.photos.items()))),
        ("calibration error", "" if measured.ece is None else f"{measured.ece:.3f}"),
        ("false positives", strangers),
        *((name.replace("_", " "), f"{value:.3f}") for name, value in sorted(measured.figures.items())),
    ]


def _draw(found: Calibration, file: Path) -> None:
    from steeple.lab.drawing.reliability_diagram import draw

    measured = found.reliability
    if measured is None or measured.ece is None:
        raise NotFoundError(
            f"the calibration of {found.model} tells no reliability, so there is nothing to draw; fit one of your own "
            "with `steeple calibrate`",
            resource=found.model,
        )
    answers = f"{measured.answers:,} answers, judged by cross-validation over landmarks; whiskers: 95 %"
    write_text(file, draw(measured.bins, measured.ece, found.model.removeprefix("models/"), answers))
