"""``steeple evaluate run`` and ``steeple evaluate lab``: methods side by side on the same photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Cell, Column, Output, describe_size, without_nan
from steeple.cli.stages import staged

if TYPE_CHECKING:
    from steeple.lab.experiment import Experiment
    from steeple.lab.results import SystemResult

_RUNS: Final = Path("lab-runs")
_PHOTO_SIZE: Final = (
    800  # steeple.lab.experiment.PHOTO_SIZE and TRAINING_PHOTOS, which --help must not import numpy for
)
_TRAINING_PHOTOS: Final = 600

FIGURES: Final = {
    "recall_at_1": "recall@1",
    "micro_ap": "micro-AP",
    "map": "mAP",
    "map_easy": "mAP easy",
    "map_medium": "mAP medium",
    "map_hard": "mAP hard",
    "map_at_100": "mAP@100",
    "n_s_score": "N-S score",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "ece": "ECE",
}
"""Figures that a table has room for, by their names in results."""

OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="RUN", help="Folder of the run. Default: lab-runs/NAME here."),
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="Where features are kept. Default: Steeple's cache, lab/."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Run this system alone; repeatable. Others are shown if they ran."),
]
PhotosOption = Annotated[
    int,
    typer.Option(
        "--photos", metavar="N", min=0, help="At most N photos searched, asked and fitted on each, as a try; 0: all."
    ),
]


def run(
    experiment: Annotated[Path, typer.Argument(metavar="EXPERIMENT.yaml", help="Says what is compared on what.")],
    output: OutputOption = None,
    cache: CacheOption = None,
    only: OnlyOption = None,
    photos: PhotosOption = 0,
    json: JsonOption = False,
) -> None:
    """Run the systems of an experiment and show their figures side by side.

    Every system sees the same photos and is measured in the same way. Features are kept in the cache, answers in RUN:
    a run that was stopped, or whose experiment has more systems now, goes on where it was. A system that fails does
    not stop the others; the exit code is 1 then.

    \b
    RUN has then
      results.json     all figures with their intervals, the experiment, versions
      results.parquet  a row for each system and query
      systems/         the answers of each system

    \b
    Examples:
      steeple evaluate run experiment.yaml
      steeple evaluate run experiment.yaml --photos 20 --output /tmp/try
      steeple evaluate run experiment.yaml --only rootsift --only gem --json
    """
    from steeple.lab.experiment import read_experiment
    from steeple.lab.parts import Parts

    said = Output(as_json=json)
    _run(said, read_experiment(experiment, Parts.shipped()), output, cache, only or (), photos)


def lab(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A data set: photos as for `steeple evaluate DIR`, or a published one."),
    ],
    training: Annotated[
        Path | None,
        typer.Option("--training", metavar="DIR", help="Other photos, which codebooks and whitening are fitted on."),
    ] = None,
    training_photos: Annotated[
        int, typer.Option("--training-photos", metavar="N", min=1, help="Of them at most so many, evenly by path.")
    ] = _TRAINING_PHOTOS,
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Of the data set. Default: what the folder looks like.")
    ] = "",
    photo_size: Annotated[
        int,
        typer.Option(
            "--photo-size", metavar="PIXELS", min=0, help="Longer side of what every method is shown at most; 0: as is."
        ),
    ] = _PHOTO_SIZE,
    output: OutputOption = None,
    cache: CacheOption = None,
    only: OnlyOption = None,
    photos: PhotosOption = 0,
    json: JsonOption = False,
) -> None:
    """Compare all methods that Steeple has on photos of yours.

    That is `steeple evaluate run` of an experiment with every row that ships; `steeple evaluate methods` lists what
    they are made of. Without --training, those that are fitted to photos fail and the others run.

    \b
    Examples:
      steeple evaluate lab photos/ --training others/
      steeple evaluate lab photos/ --training others/ --photos 20 --output /tmp/try
      steeple evaluate lab roxford5k/ --format revisited --training landmarks/ --only gem
    """
    from steeple.lab.experiment import DatasetUse, Experiment
    from steeple.lab.parts import Parts
    from steeple.lab.systems import built_in_systems

    said = Output(as_json=json)
    dataset = DatasetUse(folder, format_name, training=training, training_photos=training_photos)
    experiment = Experiment(folder.resolve().name, dataset, photo_size, built_in_systems(Parts.shipped()))
    _run(said, experiment, output, cache, only or (), photos)


def _run(
    output: Output, experiment: Experiment, folder: Path | None, cache: Path | None, only: Sequence[str], photos: int
) -> None:
    from steeple.lab.cache import FeatureCache, default_cache
    from steeple.lab.parts import Parts
    from steeple.lab.runner import run_experiment

    run_folder = folder or _RUNS / experiment.name
    features = FeatureCache(cache or default_cache())
    with staged(output) as progress:
        try:
            done = run_experiment(
                experiment,
                run_folder,
                Parts.shipped(),
                features,
                progress,
                only=only,
                photos=photos,
                finished=lambda result: _note(output, result),
            )
        except KeyboardInterrupt:
            output.note(f"what is finished is kept in {run_folder}: the same command goes on from there")
            raise
    output.document({**without_nan(done.results), "run": str(run_folder), "cache_bytes": features.size_bytes()})
    _print(output, done.results)
    output.note(f"{run_folder}: results; features: {features.folder}, {describe_size(features.size_bytes())}")
    if done.reused:
        output.note(f"of an earlier run: {', '.join(done.reused)}")
    if done.failed:
        raise typer.Exit(1)


def _note(output: Output, result: SystemResult) -> None:
    if result.error:
        output.note(f"{result.system.name} failed: {result.error}", "red")
    elif result.answers is not None and not result.reused:
        output.note(f"{result.system.name}: done")


def _print(output: Output, results: Mapping[str, Any]) -> None:
    dataset = results["dataset"]
    output.say(
        f"{dataset['name']}: {dataset['gallery']:,} photos of {dataset['landmarks']:,} landmarks searched, "
        f"{dataset['fillers']:,} of them of none; {dataset['queries']:,} queries, {dataset['distractors']:,} "
        f"distractors; {dataset['training']:,} photos for training"
    )
    primary = results["primary"]
    there = {name for system in results["systems"] for name, value in system["figures"].items() if value is not None}
    figures = [name for name in FIGURES if name in there]
    columns = [Column("system"), *(Column(FIGURES[name], "right") for name in figures)]
    columns.insert(1 + figures.index(primary) + 1 if primary in figures else 1, Column("95 % interval", "right"))
    costs = (Column("bytes an image", "right"), Column("a query", "right"), Column("ms a query", "right"))
    output.table((*columns, *costs), [_row(system, figures, primary, len(columns)) for system in results["systems"]])
    output.note(results["confidence"])


def _row(system: Mapping[str, Any], figures: Sequence[str], primary: str, width: int) -> list[str | Cell]:
    if system["error"]:
        return [system["name"], Cell("failed", "red"), *[""] * (width + 1)]
    row: list[str | Cell] = [system["name"]]
    for name in figures:
        row.append(_share(system["figures"].get(name)))
        if name == primary:
            row.append(" to ".join(_share(end) for end in system["intervals"].get(name, (None, None))))
    if primary not in figures:
        row.insert(1, "")
    costs = system["costs"]
    row += [f"{costs[name]:,.0f}" for name in ("image_bytes", "query_bytes")]
    row.append(f"{sum(costs[name] for name in ('ms_extract', 'ms_search', 'ms_rerank')):,.1f}")
    return row


def _share(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
