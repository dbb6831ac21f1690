"""``steeple evaluate``: how well a model release recognises photographs with known answers."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output, without_nan
from steeple.cli.stages import staged
from steeple.cli.writable import CHARTS, check_writable, write_text
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.delf import ModelRelease
    from steeple.delf.progress import Progress
    from steeple.server.evaluation import Dataset, Failure, QueryResult

_EXTRACTORS: Final = 2  # photos extracted at a time
_MAX_FEATURES: Final = 4096  # steeple.delf.features.MAX_FEATURES, without importing numpy for --help
_SCALES: Final = (0.05, 4.0)  # of a pyramid level: beyond them there are no cells, or no memory

_NOT_RECORDED: Final = (
    "model",
    "tflite_sha256",
    "max_features",
    "pyramid_scales",
    "reliability",
    "failures",
    "contact_sheet",
)

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
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Release to evaluate."),
    ] = DEFAULT_MODEL,
    exact: Annotated[
        bool, typer.Option("--exact", help="Search exactly instead of through the PQ index: shows what that costs.")
    ] = False,
    index: Annotated[
        str,
        typer.Option(
            "--index",
            metavar="FACTORY",
            help="Train such an index on the reference photos, as a server does.",
        ),
    ] = "",
    milvus_uri: Annotated[
        str, typer.Option("--milvus-uri", metavar="URI", help="Search in Milvus instead, as http://HOST:PORT.")
    ] = "",
    milvus_token: Annotated[
        str,
        typer.Option(
            "--milvus-token",
            metavar="TOKEN",
            envvar="STEEPLE_MILVUS_TOKEN",
            help="For Milvus: user:password or an API key. Others may see it here: prefer the variable.",
        ),
    ] = "",
    fillers: Annotated[
        Path | None,
        typer.Option("--fillers", metavar="DIR", help="Add every photo below it to the catalogue, as a stranger."),
    ] = None,
    features: Annotated[
        int | None,
        typer.Option(
            "--features", metavar="N", min=1, max=_MAX_FEATURES, help="Features a photo, instead of the release's."
        ),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option("--scales", metavar="A,B,...", help="Pyramid levels, as factors of the working size, instead."),
    ] = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option("--contact-sheet", metavar="FILE", help="Save a picture of the failures: .png or .jpg."),
    ] = None,
    diagram: Annotated[
        Path | None, typer.Option("--diagram", metavar="FILE.svg", help="Draw the reliability diagram.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the release.json of --model, which is a folder.")
    ] = False,
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
    Failures, the worst first; --json lists each, --contact-sheet shows the photos:
      false name       IDENTIFIED as another landmark
      stranger named   a stranger, IDENTIFIED
      wrong candidate  UNKNOWN, and the first candidate is wrong; "no candidate": and there is none
      unsure           UNKNOWN, though the first candidate is right

    \b
    Examples:
      steeple evaluate photos/
      steeple evaluate photos/ --model releases/delf-mine --json
      steeple evaluate photos/ --exact --fillers holiday/
      steeple evaluate photos/ --features 500 --scales 1,0.5,0.25
      steeple evaluate photos/ --index IVF1024,PQ20
      steeple evaluate photos/ --milvus-uri http://localhost:19530
      steeple evaluate photos/ --contact-sheet failures.jpg --diagram reliability.svg
      steeple evaluate release photos/   (the same as without "release")
    """
    from steeple.cli.canvas import FORMATS
    from steeple.cli.reliability_table import facts_of
    from steeple.delf import ModelRelease
    from steeple.delf.release_files import set_figures
    from steeple.lab.drawing.reliability_diagram import draw
    from steeple.server.evaluation import Dataset, answer_all, empty_index, failures_of, reliability
    from steeple.server.index_factory import IndexFactory

    output = Output(as_json=json)
    if sum(map(bool, (exact, index, milvus_uri))) > 1:
        raise InvalidArgumentError("--exact, --index and --milvus-uri are ways to search: give one of them")
    changed = exact or index or milvus_uri or fillers is not None or features is not None or scales is not None
    if record and changed:
        raise InvalidArgumentError("--record is for the release as it is: leave the other options out")
    if record and not Path(model).is_dir():
        raise InvalidArgumentError(f"--record needs a release in a folder of yours, and {model!r} is none")
    if contact_sheet is not None:
        check_writable(contact_sheet, "--contact-sheet", FORMATS)
    if diagram is not None:
        check_writable(diagram, "--diagram", CHARTS)
    dataset = Dataset.open(folder)
    if fillers is not None:
        dataset = dataset.with_fillers(fillers)
    release = with_extraction(ModelRelease.load(model), features, scales)
    factory = IndexFactory.parse(index) if index else None
    engine = empty_index(release, exact=exact, factory=factory, milvus_uri=milvus_uri, milvus_token=milvus_token)
    with engine as (searched, filled), staged(output) as progress:
        results = answer_all(dataset, release, searched, progress, extractors=_EXTRACTORS, filled=filled)
        kind = searched.stats().kind
        failed = failures_of(results)
        if contact_sheet is not None:
            _save_sheet(contact_sheet, dataset, failed, progress)
    bins = reliability([result.outcome for result in results])
    facts = {
        "model": release.name,
        "tflite_sha256": release.tflite_sha256,
        "max_features": release.extraction.max_features,
        "pyramid_scales": list(release.extraction.pyramid_scales),
        "index": kind,
        **_size(dataset),
        **report(results),
        "reliability": [facts_of(part) for part in bins],
        "failures": [_failure(failure) for failure in failed],
        "contact_sheet": None if contact_sheet is None else str(contact_sheet),
    }
    if record:
        set_figures(release.path, {name: value for name, value in facts.items() if name not in _NOT_RECORDED})
    if diagram is not None:
        answers = f"{facts['queries']:,} queries and {facts['distractors']:,} strangers; whiskers: 95 %"
        write_text(diagram, draw(bins, facts["ece"], release.name, answers))
    output.document(facts)
    _print(output, facts)
    if diagram is not None:
        output.note(f"drawn: {diagram}")


def with_extraction(release: ModelRelease, features: int | None, scales: str | None) -> ModelRelease:
    """``release`` with other features a photo, and with the pyramid levels that ``scales`` lists, where given.

    Raises:
        InvalidArgumentError: If ``scales`` does not list falling numbers in the range that a level can have.
    """
    extraction = release.extraction
    if features is not None:
        extraction = replace(extraction, max_features=features)
    if scales is not None:
        extraction = replace(extraction, pyramid_scales=_read_scales(scales))
    return replace(release, extraction=extraction)


def _read_scales(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidArgumentError(
            f"--scales must read A,B,... in numbers, such as 1,0.5,0.25, not {text!r}"
        ) from error
    low, high = _SCALES
    if not all(low <= scale <= high for scale in found):
        raise InvalidArgumentError(f"--scales must be factors of {low:g} to {high:g}, not {text!r}")
    if any(smaller >= larger for larger, smaller in itertools.pairwise(found)):
        raise InvalidArgumentError(f"--scales must fall, the largest level first, not {text!r}")
    return found


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
        **without_nan({name: getattr(metrics, name) for name in _FIGURES}, 6),
        "by_tier": without_nan(metrics.by_tier, 6),
        "intervals": without_nan(intervals(outcomes), 6),
        "query_bytes": _median(results, lambda result: result.query_bytes),
        "ms_extract": _median(results, lambda result: 1000 * result.extract_seconds),
        "ms_search": _median(results, lambda result: 1000 * result.recognition.search_seconds),
        "ms_verify": _median(results, lambda result: 1000 * result.recognition.verify_seconds),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    photo, best = failure.result.photo, failure.best
    return {
        "path": str(photo.path),
        "landmark": photo.landmark or None,
        "answer": None if best is None else best.landmark_id,
        "confidence": 0.0 if best is None else round(best.confidence, 6),
        "inliers": 0 if best is None else best.inliers,
        "kind": failure.kind.value,
    }


def _save_sheet(path: Path, dataset: Dataset, failed: Sequence[Failure], progress: Progress) -> None:
    from steeple.cli.canvas import save
    from steeple.cli.contact_sheet import draw_sheet

    save(draw_sheet(dataset, failed, progress), path)


def _size(dataset: Dataset) -> dict[str, int]:
    gallery = dataset.gallery
    return {
        "landmarks": len({photo.landmark for photo in gallery if photo.landmark}),
        "reference_images": sum(bool(photo.landmark) for photo in gallery),
        "fillers": sum(not photo.landmark for photo in gallery),
    }


def _median(results: Iterable[QueryResult], cost: Callable[[QueryResult], float]) -> float:
    return round(median(cost(result) for result in results), 3)


def _print(output: Output, facts: Mapping[str, Any]) -> None:
    output.say(
        f"{facts['model']}, {facts['index']}: {facts['landmarks']} landmarks in {facts['reference_images']} photos and "
        f"{facts['fillers']} fillers; {facts['queries']} queries, {facts['distractors']} distractors"
    )
    scales = ", ".join(f"{scale:.4g}" for scale in facts["pyramid_scales"])
    output.say(f"at most {facts['max_features']:,} features a photo, pyramid {scales}")
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
    kinds = Counter(failure["kind"].replace("_", " ") for failure in facts["failures"])
    output.say("failures: " + (", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"))
    if facts["contact_sheet"]:
        output.say(f"contact sheet: {facts['contact_sheet']}")
    output.note(
        f"milliseconds with {_EXTRACTORS} photos extracted at a time; `steeple benchmark query` times them alone"
    )


def _text(*numbers: float | None) -> str:
    return " to ".join("n/a" if number is None else f"{number:.3f}" for number in numbers)
