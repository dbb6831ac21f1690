"""``steeple models``: the model releases that a server searches with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption, connect
from steeple.cli.output import Column, Output

if TYPE_CHECKING:
    from steeple.client import Model

app = typer.Typer(no_args_is_help=True, help="The model releases that the server searches with.")


@app.command("list")
def list_models(server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """List the releases served, the default first.

    \b
    Example:
      steeple models list
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
    """Show what a client must extract with to be understood.

    \b
    Example:
      steeple models show delf-base --json
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
