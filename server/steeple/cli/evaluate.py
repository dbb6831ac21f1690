"""``steeple evaluate``: how well a model release recognises photographs with known answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Column, Output
from steeple.cli.stages import staged

if TYPE_CHECKING:
    from steeple.server.evaluation import Dataset, QueryResult

_EXTRACTORS: Final = 2  # photos extracted at a time

_FIGURES: Final = {
    "recall_at_1": "recall@1",
    "micro_ap": "micro-AP",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "ece": "calibration error (ECE)",
    "identified": "identified",
    "wrongly_identified": "wrongly identified",
}
_COSTS: Final = {
    "query_bytes": "bytes a query",
    "ms_extract": "extract, ms",
    "ms_search": "search, ms",
    "ms_verify": "verify, ms",
}


def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Holds manifest.csv, or one folder of photos per landmark.")
    ],
    model: Annotated[str, typer.Option("--model", metavar="NAME|DIR", help="Model release to evaluate.")] = "delf-base",
    exact: Annotated[
        bool, typer.Option("--exact", help="Search exactly instead of through the PQ index: shows what that costs.")
    ] = False,
    fillers: Annotated[
        Path | None,
        typer.Option("--fillers", metavar="DIR", help="Add every photo below it to the catalogue, as a stranger."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure how well a model release recognises photos whose landmarks are known.

    Fills an index with the reference photos, asks about the others, and needs no server.

    \b
    DIR is one of
      manifest.csv  with the columns path, landmark, role (reference, query, distractor or filler) and tier
      folders       one per landmark, photos of none in folders whose names begin with _; references are chosen

    \b
    Figures, each with its 95 % bootstrap interval:
      recall@1         queries whose first candidate is right, whatever its confidence
      micro-AP         average precision of all first candidates, ranked by confidence
      TPR at 1 % FPR   queries answered rightly above the confidence that 1 in 100 strangers exceeds
      ECE              how far confidence is from the share of right answers
      identified       queries that are IDENTIFIED, rightly; "wrongly": queries and strangers as what they are not

    \b
    Examples:
      steeple evaluate photos/
      steeple evaluate photos/ --model releases/delf-mine --json
      steeple evaluate photos/ --exact --fillers holiday/
    """
    from steeple.delf import ModelRelease
    from steeple.server.evaluation import Dataset, answer_all
    from steeple.server.index import ExactIndex, FaissIndex

    output = Output(as_json=json)
    dataset = Dataset.open(folder)
    if fillers is not None:
        dataset = dataset.with_fillers(fillers)
    release = ModelRelease.load(model)
    index = ExactIndex(release.name) if exact else FaissIndex(release)
    with staged(output) as progress:
        results = answer_all(dataset, release, index, progress, extractors=_EXTRACTORS)
    facts = {
        "model": release.name,
        "tflite_sha256": release.tflite_sha256,
        "index": index.stats().kind,
        **_size(dataset),
        **report(results),
    }
    output.document(facts)
    _print(output, facts)


def report(results: Sequence[QueryResult]) -> dict[str, Any]:
    """The figures of ``results`` as JSON: shares from 0 to 1 with intervals, and medians of what a query costs.

    What cannot be said (a share of strangers where there are none) is None.
    """
    from steeple.server.evaluation import intervals, measure

    outcomes = [result.outcome for result in results]
    metrics = measure(outcomes)
    return {
        "queries": metrics.queries,
        "distractors": metrics.distractors,
        **{name: _number(getattr(metrics, name)) for name in _FIGURES},
        "by_tier": {tier: _number(share) for tier, share in metrics.by_tier.items()},
        "intervals": {name: [_number(end) for end in ends] for name, ends in intervals(outcomes).items()},
        "query_bytes": _median(results, lambda result: result.query_bytes),
        "ms_extract": _median(results, lambda result: 1000 * result.extract_seconds),
        "ms_search": _median(results, lambda result: 1000 * result.recognition.search_seconds),
        "ms_verify": _median(results, lambda result: 1000 * result.recognition.verify_seconds),
    }


def _size(dataset: Dataset) -> dict[str, int]:
    gallery = dataset.gallery
    return {
        "landmarks": len({photo.landmark for photo in gallery if photo.landmark}),
        "reference_images": sum(bool(photo.landmark) for photo in gallery),
        "fillers": sum(not photo.landmark for photo in gallery),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def _median(results: Iterable[QueryResult], cost: Callable[[QueryResult], float]) -> float:
    return round(median(cost(result) for result in results), 3)


def _print(output: Output, facts: Mapping[str, Any]) -> None:
    output.say(
        f"{facts['model']}, {facts['index']}: {facts['landmarks']} landmarks in {facts['reference_images']} photos and "
        f"{facts['fillers']} fillers; {facts['queries']} queries, {facts['distractors']} distractors"
    )
    rows = [(title, _text(facts[name]), _text(*facts["intervals"][name])) for name, title in _FIGURES.items()]
    tiers = [(f"  {tier}", _text(share), "") for tier, share in facts["by_tier"].items()]
    output.table(
        (Column("figure"), Column("value", "right"), Column("95 % interval", "right")), [rows[0], *tiers, *rows[1:]]
    )
    output.table(
        (Column("cost"), Column("median", "right")),
        [
            (title, f"{facts[name]:,.0f}" if name == "query_bytes" else f"{facts[name]:.1f}")
            for name, title in _COSTS.items()
        ],
    )
    output.note(
        f"milliseconds with {_EXTRACTORS} photos extracted at a time; `steeple benchmark query` times them alone"
    )


def _text(*numbers: float | None) -> str:
    return " to ".join("n/a" if number is None else f"{number:.3f}" for number in numbers)
