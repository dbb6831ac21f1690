"""``steeple model``: the model releases that a server searches with, and the making of new ones."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption, connect
from steeple.cli.output import Column, Output
from steeple.cli.stages import staged
from steeple.errors import FailedPreconditionError

if TYPE_CHECKING:
    from steeple.client import Model
    from steeple.delf import ModelRelease

_EXPORT: Final = "steeple.delf.export.base"

app = typer.Typer(no_args_is_help=True, help="Model releases: those that the server searches with, and new ones.")


@app.command("list")
def list_models(server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """List the releases that the server searches with, the default first.

    \b
    Example:
      steeple model list
    """
    output = Output(as_json=json)
    with connect(server) as client:
        models = list(client.list_models())
    output.document([model.to_dict() for model in models])
    output.table(
        (
            Column("release"),
            Column("default"),
            Column("dimensions", "right"),
            Column("features", "right"),
            Column("network SHA-256"),
        ),
        [
            (
                model.id,
                "yes" if model.default else "",
                str(model.descriptor_dimensions),
                str(model.max_features),
                model.tflite_sha256[:16],
            )
            for model in models
        ],
    )


@app.command("show")
def show_model(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="Such as delf-base.")] = "delf-base",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show what a client must extract with to be understood by the server.

    \b
    Example:
      steeple model show delf-base --json
    """
    output = Output(as_json=json)
    with connect(server) as client:
        model: Model = client.get_model(release)
    output.document(model.to_dict())
    output.facts(
        [
            ("release", model.id),
            ("default", "yes" if model.default else "no"),
            ("network SHA-256", model.tflite_sha256),
            ("dimensions", str(model.descriptor_dimensions)),
            ("pyramid", ", ".join(f"{scale:.4g}" for scale in model.pyramid_scales)),
            ("working size", f"{model.max_pixels:,} pixels at most"),
            ("features", f"{model.max_features} at most"),
        ]
    )


@app.command("verify")
def verify_model(
    release: Annotated[
        str, typer.Argument(metavar="NAME|DIR", help="A release that ships with Steeple, or a folder.")
    ] = "delf-base",
    json: JsonOption = False,
) -> None:
    """Check a release on this machine: every file's hash, and that the network loads. Asks no server.

    \b
    Examples:
      steeple model verify
      steeple model verify releases/delf-mine --json

    Exit code: 0 if it is whole, 12 if a file is missing or altered, 4 if there is no such release.
    """
    from steeple.delf import Extractor, ModelRelease

    output = Output(as_json=json)
    checked = Extractor(ModelRelease.load(release)).release
    _print_release(output, checked)
    output.say("whole", "bold green")


@app.command("build")
def build_model(
    photos: Annotated[
        Path, typer.Option("--photos", metavar="DIR", help="Photos to fit projection, quantization and codebook on.")
    ],
    directory: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the release; made if missing.")
    ],
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="DIR",
            help="Photos with known answers to fit the confidence on, laid out as for `steeple evaluate`. "
            "Default: those of --photos.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a release that is in the folder.")] = False,
    json: JsonOption = False,
) -> None:
    """Make the release delf-base from pretrained weights and photos, and calibrate its confidence.

    Takes minutes, and TensorFlow: pip install 'steeple[server,cpu,train]'. The same photos and package versions
    make the same bytes. Until it is done, nothing in the folder changes. No model card is written.

    \b
    Example:
      steeple model build --photos photos/ --output releases/delf-mine
    """
    output = Output(as_json=json)
    network = network_builder()
    from steeple.cli.model_build import build  # needs what the above has looked for

    with staged(output) as progress:
        release = build(network, photos, calibration or photos, directory, progress, replace=force)
    _print_release(output, release)


def network_builder() -> Callable[..., ModelRelease]:
    """What makes all of a release but its calibration.

    Raises:
        FailedPreconditionError: If TensorFlow or FAISS is not installed.
    """
    # TensorFlow tells much about the processor, and warns of its own future: nothing that helps here.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("absl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module="tensorflow")
    try:
        # By name: nothing else on the command line may take TensorFlow along, which import-linter looks after.
        builder: Callable[..., ModelRelease] = importlib.import_module(_EXPORT).build
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("steeple"):
            raise
        raise FailedPreconditionError(
            f"making a release needs {error.name}, which is not installed: pip install 'steeple[server,cpu,train]'"
        ) from error
    return builder


def _print_release(output: Output, release: ModelRelease) -> None:
    files = release.manifest["files"]
    output.document(
        {
            "release": release.name,
            "path": str(release.path),
            "files": files,
            "index": release.index.factory,
            "calibration": release.manifest["calibration"],
        }
    )
    output.facts(
        [
            ("release", release.name),
            ("folder", str(release.path)),
            *((name, f"{facts['bytes']:,} bytes, SHA-256 {facts['sha256']}") for name, facts in files.items()),
            ("index", release.index.factory),
            ("identified from", f"confidence {release.calibration.threshold:.3f}"),
        ]
    )
