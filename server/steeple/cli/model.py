"""``steeple model``: the model releases that a server searches with, and the making of new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli import (
    completion,
    model_calibration,
    model_compact,
    model_diff,
    model_serve,
    model_train,
    model_visualize,
)
from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_MODEL, DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Column, Output
from steeple.cli.release_facts import print_release

if TYPE_CHECKING:
    from steeple.client import Model

_LocalOption = Annotated[bool, typer.Option("--local", help="Look on this machine, and ask no server.")]

app = typer.Typer(no_args_is_help=True, help="Model releases: those that the server searches with, and new ones.")
app.command("upgrade", short_help="Take a server's catalogue to another release.")(model_serve.upgrade)
app.command("retire", short_help="Take a release out of a server's service.")(model_serve.retire)
app.command("calibration", short_help="What confidences are made by, and whether they hold.")(
    model_calibration.calibration
)
app.command("diff")(model_diff.diff)
app.command("visualize")(model_visualize.visualize)
app.command("train")(model_train.train)
app.command("export")(model_train.export)
app.command("compact", short_help="Train the codebook that short queries take.")(model_compact.compact)


@app.command("list")
def list_models(local: _LocalOption = False, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """List the releases that the server searches with, the default first; with --local, those of this machine.

    \b
    Examples:
      steeple model list
      steeple model list --local
    """
    output = Output(as_json=json)
    if local:
        models = _shipped()
    else:
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


def _shipped() -> list[Model]:
    """The releases that ship with Steeple as a server would list them, the default first."""
    from steeple.client import Model
    from steeple.delf import DEFAULT_RELEASE, DIMENSIONS, ModelRelease, available_releases

    releases = [ModelRelease.load(name) for name in available_releases()]
    return [
        Model(
            name=f"models/{release.name}",
            tflite_sha256=release.tflite_sha256,
            descriptor_dimensions=DIMENSIONS,
            pyramid_scales=release.extraction.pyramid_scales,
            min_pixels=release.extraction.min_pixels,
            max_pixels=release.extraction.max_pixels,
            max_features=release.extraction.max_features,
            default=release.name == DEFAULT_RELEASE,
        )
        for release in sorted(releases, key=lambda release: release.name != DEFAULT_RELEASE)
    ]


@app.command("show")
def show_model(
    release: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE",
            autocompletion=completion.releases,
            help="Such as delf-lite2-v1; with --local, a folder will do.",
        ),
    ] = DEFAULT_MODEL,
    local: _LocalOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show what a client must extract with to be understood by the server.

    With --local: everything that stands in a release on this machine, what it was made from and measured at included.

    \b
    Examples:
      steeple model show delf-lite2-v1 --json
      steeple model show releases/delf-mine --local
    """
    output = Output(as_json=json)
    if local:
        from steeple.cli.model_manifest import print_manifest
        from steeple.delf import ModelRelease

        print_manifest(output, ModelRelease.load(release))
        return
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
            ("working size", f"{model.min_pixels:,} to {model.max_pixels:,} pixels"),
            ("features", f"{model.max_features} at most"),
        ]
    )


@app.command("verify")
def verify_model(
    release: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIR",
            autocompletion=completion.releases,
            help="A release that ships with Steeple, or a folder.",
        ),
    ] = DEFAULT_MODEL,
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
    print_release(output, checked)
    output.say("whole", "bold green")
