"""``steeple calibrate``: confidences for a catalogue of one's own."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Output
from steeple.cli.reliability_table import facts_of, print_bins
from steeple.cli.stages import staged
from steeple.cli.writable import CHARTS, check_writable, write_text

_EXTRACTORS: Final = 2
_FIGURES: Final = ("recall_at_1", "micro_ap", "tpr_at_1pct_fpr", "ece", "identified", "wrongly_identified")


def calibrate(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Photos with known answers, as for `steeple evaluate`.")
    ],
    file: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.json", help="Where the calibration goes.")],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME|DIR",
            autocompletion=completion.releases,
            help="Release whose confidences are calibrated.",
        ),
    ] = DEFAULT_MODEL,
    false_positive_rate: Annotated[
        float,
        typer.Option("--false-positive-rate", metavar="SHARE", min=0.0, max=1.0, help="Strangers that may get a name."),
    ] = 0.01,
    diagram: Annotated[
        Path | None, typer.Option("--diagram", metavar="FILE.svg", help="Draw the reliability diagram.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Fit the confidence to photos like yours: what a confidence of 0.8 promises, 8 of 10 answers shall keep.

    DIR needs references, other photos of the same landmarks, and photos of none; `steeple serve --calibration FILE`
    then answers by it. The threshold is the confidence that the given share of strangers exceeds, and at least 0.5.

    Each query is asked with all its features and within 4096, 2048, 1024 and 512 bytes, so that the confidence of short
    queries is right as well. The figures are of whole queries, by cross-validation over landmarks: a fifth of the
    landmarks and of the strangers is judged by a calibration that was fitted without it. The rate of false positives is
    the share of strangers that get a name then.

    \b
    Examples:
      steeple calibrate --data known/ --output calibration.json
      steeple calibrate --data known/ --output calibration.json --false-positive-rate 0.002 --json
      steeple calibrate --data known/ --output calibration.json --diagram reliability.svg
    """
    from steeple.delf import ModelRelease, photo_files
    from steeple.lab.drawing.reliability_diagram import draw
    from steeple.server import calibration, calibration_file
    from steeple.server.evaluation import Dataset, Trial, false_positives, measure, reliability
    from steeple.server.evaluation.budgets import of_all_lengths
    from steeple.server.index import FaissIndex

    output = Output(as_json=json)
    if diagram is not None:
        check_writable(diagram, "--diagram", CHARTS)
    dataset = Dataset.open(data)
    release = ModelRelease.load(model)
    with staged(output) as progress:
        trial = Trial(dataset, release, FaissIndex(release), progress, extractors=_EXTRACTORS)
        lengths = of_all_lengths(trial, release, progress)
    results = list(itertools.chain(*lengths))
    fitted = calibration.fit(results, false_positive_rate=false_positive_rate)
    unseen = calibration.cross_validated(results, false_positive_rate=false_positive_rate)
    short = [measure(unseen[start : start + len(lengths[0])]).ece for start in _starts(lengths)]
    unseen = unseen[: len(lengths[0])]  # of whole queries
    metrics, bins, named = asdict(measure(unseen)), reliability(unseen), false_positives(unseen)
    facts: dict[str, Any] = {
        "photos": {
            **Counter(photo.role.value for photo in dataset.photos),
            "sha256": photo_files.digest(photo.path for photo in dataset.photos),
        },
        "false_positive_rate": false_positive_rate,
        "cross_validated": {name: round(metrics[name], 6) for name in _FIGURES},
        "ece_by_length": [round(value, 6) for value in short],
        "measured_false_positives": facts_of(named),
        "reliability": [facts_of(part) for part in bins],
    }
    calibration_file.save(file, release, fitted, facts)
    if diagram is not None:
        answers = f"{len(unseen):,} answers, judged by cross-validation over landmarks; whiskers: 95 %"
        write_text(diagram, draw(bins, metrics["ece"], release.name, answers))
    output.document({"model": release.name, "file": str(file), "calibration": asdict(fitted), **facts})
    output.facts(
        [
            ("calibration", str(file)),
            ("model", release.name),
            ("threshold", f"{fitted.threshold:.3f}"),
            ("false positives", f"{named.named} of {named.strangers} strangers; {_share(named.rate, named.interval)}"),
            *((name.replace("_", " "), f"{value:.3f}") for name, value in facts["cross_validated"].items()),
            *([("ece of short queries", ", ".join(f"{value:.3f}" for value in short[1:]))] if short[1:] else []),
        ]
    )
    print_bins(output, bins)
    if diagram is not None:
        output.note(f"drawn: {diagram}")
    output.say(f"steeple serve --model {model} --calibration {file} answers by it")


def _starts(lengths: Sequence[Sequence[object]]) -> Iterable[int]:
    """Where answers of each length begin among all of them."""
    return range(0, len(lengths) * len(lengths[0]), len(lengths[0]))


def _share(rate: float, interval: tuple[float, float]) -> str:
    return "none to measure it on" if math.isnan(rate) else f"{rate:.1%} ({interval[0]:.1%} to {interval[1]:.1%})"
