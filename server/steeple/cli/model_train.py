"""``steeple model train`` and ``export``: new releases from photographs."""

from __future__ import annotations

import importlib
import json as json_text
import logging
import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Output
from steeple.cli.release_facts import print_release
from steeple.cli.stages import staged
from steeple.errors import FailedPreconditionError, InvalidArgumentError

if TYPE_CHECKING:
    from steeple.delf.training.recipe import Recipe

_TRAINING: Final = "steeple.delf.training.command"
_EXPORT: Final = "steeple.delf.export.release"

DataOption = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", help="One folder of photos per landmark; of none in _*."),
]


def train(
    data: DataOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Folder of the run; made if missing.")],
    recipe: Annotated[
        Path | None, typer.Option("--recipe", metavar="FILE.json", help="What differs from the default recipe.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="RELEASE", help="Train on from this release. Default: ImageNet weights."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of all randomness. Default: the recipe's.")] = None,
    hold_back: Annotated[
        list[str] | None,
        typer.Option("--hold-back", metavar="LANDMARK", help="Do not train on it: it calibrates the confidence."),
    ] = None,
    hold_back_share: Annotated[
        float | None, typer.Option("--hold-back-share", min=0.0, max=1.0, help="The same of the photos of no landmark.")
    ] = None,
    threads: Annotated[
        int,
        typer.Option(
            "--threads",
            min=0,
            help="Of the network; views are made beside it. One gives the same weights every time; more are faster and "
            "round differently from run to run. 0: all cores.",
        ),
    ] = 1,
    json: JsonOption = False,
) -> None:
    """Train a DELF network on your photos: descriptors first, attention second.

    \b
    1  descriptors: views of one scene find each other, cell by cell, among all others of the batch; pairs of photos of
       a landmark that verify are such views as well; landmarks are told apart
    2  attention and the global descriptor, from the landmarks' names, with descriptors frozen

    Takes hours on a processor of two cores, and TensorFlow: pip install 'steeple[server,cpu,train]'. With
    KERAS_BACKEND=jax it should run on a GPU, which nobody has tried. Stop it when you like: the same command goes on
    from the last checkpoint and makes the same weights as if it had never stopped. RUN/log.jsonl tells the losses,
    RUN/run.json all that decides the outcome; --json prints both at the end. docs/model/training.md lists what a
    recipe can say.

    \b
    Examples:
      steeple model train --data photos/ --output runs/first
      steeple model train --data mine/ --from releases/first --recipe finetune.json --output runs/mine
    """
    output_ = Output(as_json=json)
    wanted = _recipe(recipe, seed, hold_back, hold_back_share)
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = str(threads)
    command = _load(_TRAINING)
    with staged(output_) as progress:
        facts: dict[str, Any] = command.train(data, output, wanted, start, progress)
    output_.document(facts)
    output_.facts(
        [
            ("run", facts["run"]),
            ("start", facts["start"]),
            ("photos", f"{facts['photos']['count']:,}, {len(facts['photos']['landmarks'])} landmarks"),
            *((f"{stage} loss", f"{entry['loss']:.4g}") for stage, entry in facts["last"].items()),
        ]
    )
    output_.say(f"steeple model export {output} --data {data} --output RELEASE makes a release of it")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished training run.")],
    data: DataOption,
    directory: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the release; made if missing.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="Of the release. Default: that of the folder.")] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="DIR",
            help="Photos with known answers to fit the confidence on, laid out as for `steeple evaluate`. "
            "Default: what the run held back.",
        ),
    ] = None,
    index: Annotated[
        str | None, typer.Option("--index", metavar="FACTORY", help="FAISS factory string of the codebook.")
    ] = None,
    in_float: Annotated[
        bool, typer.Option("--float", help="float32 instead of int8: to measure what quantization loses.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a release that is in the folder.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a model release of a training run: int8 .tflite, codebook, calibrated confidence, hashes.

    Takes minutes, and TensorFlow: pip install 'steeple[server,cpu,train]'. The same run, photos and package versions
    make the same bytes. Until it is done, nothing in the folder changes. No model card is written.

    \b
    Example:
      steeple model export runs/first --data photos/ --output releases/delf-mine
    """
    output = Output(as_json=json)
    module = _load(_EXPORT)
    from steeple.cli.model_export import export_run  # needs what the above has looked for

    with staged(output) as progress:
        release = export_run(
            module,
            run,
            data,
            directory,
            name or directory.resolve().name,
            calibration,
            index,
            in_float,
            force,
            progress,
        )
    print_release(output, release)


def _recipe(file: Path | None, seed: int | None, hold_back: list[str] | None, share: float | None) -> Recipe:
    from steeple.delf.training.recipe import Recipe

    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = json_text.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidArgumentError(f"{file} cannot be read as JSON: {error}") from error
        if not isinstance(values, dict):
            raise InvalidArgumentError(f'{file} must hold one JSON object, such as {{"descriptors": {{"steps": 500}}}}')
    given = {"seed": seed, "held_back": hold_back, "held_back_share": share}
    return Recipe.from_dict({**values, **{key: value for key, value in given.items() if value is not None}})


def _load(name: str) -> ModuleType:
    """A module that needs TensorFlow.

    Raises:
        FailedPreconditionError: If TensorFlow or FAISS is not installed.
    """
    # TensorFlow tells much about the processor, and warns of its own future: nothing that helps here.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("absl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module="tensorflow")
    warnings.filterwarnings("ignore", category=UserWarning, module="keras")
    try:
        # By name: nothing else on the command line may take TensorFlow along, which import-linter looks after.
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("steeple"):
            raise
        raise FailedPreconditionError(
            f"this needs {error.name}, which is not installed: pip install 'steeple[server,cpu,train]'"
        ) from error
