"""Puts the commands together and turns errors into exit codes.

What takes long to import (numpy, gRPC, OpenCV, FAISS) is imported inside the commands, so that ``steeple --help``
answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from steeple.cli import app as app_command
from steeple.cli import (
    audit,
    benchmark,
    calibrate,
    catalogue,
    discover,
    doctor,
    evaluate_group,
    explain,
    export,
    feedback,
    health,
    identify,
    images,
    images_migrate,
    import_photos,
    index,
    info,
    keys,
    landmarks,
    model,
    operations,
    packs,
    people,
    plan,
    queries,
    serve,
    snapshots,
    storage,
    traffic,
    uploads,
    usage,
    views,
)
from steeple.cli.connection import add_connection_options
from steeple.cli.demo import command as demo
from steeple.cli.output import Output
from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    ModelMismatchError,
    SteepleError,
    UnavailableError,
)

_USAGE_ERRORS: Final[tuple[type[Exception], ...]] = tuple(
    cls for cls in typer.BadParameter.__mro__ if issubclass(cls, Exception) and "format_message" in vars(cls)
)
"""Typer's errors about arguments; it exports only the most derived of them."""

_INTERRUPTED: Final = 130

_EXTRAS: Final = dict.fromkeys(("onnx", "onnxruntime", "pyarrow", "scipy", "skimage", "sklearn", "yaml"), "lab")
"""Which extra has a package, where that is not the server's."""

app = typer.Typer(
    name="steeple",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich takes longer to import than all else that --help needs
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

app.command("serve")(serve.serve)
app.command("info", short_help="What a server serves, and what it is doing.")(info.info)
app.command("health", short_help="Whether a server takes calls.")(health.health)
app.command("doctor", short_help="What is wrong with a machine or a data folder.")(doctor.doctor)
app.command("identify")(identify.identify)
app.command("app", short_help="The app for phones, in a window here.")(app_command.app)
app.command("explain", short_help="Why a photo is answered as it is.")(explain.explain)
app.add_typer(evaluate_group.app, name="evaluate", short_help="Measure recognition on photos with known answers.")
app.command("demo", short_help="Recognise real photographs, end to end.")(demo.demo)
app.command("calibrate", short_help="Fit the confidence to photos like yours.")(calibrate.calibrate)
app.add_typer(landmarks.app, name="landmarks")
images.app.command("migrate", short_help="Copy all photos to another place.")(images_migrate.migrate)
app.add_typer(images.app, name="images")
app.add_typer(catalogue.app, name="catalogue", short_help="Move the catalogue to another database.")
app.command("import", short_help="Add photos by the thousand.")(import_photos.import_)
app.add_typer(discover.app, name="discover", short_help="Find landmarks in a heap of photos.")
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.add_typer(operations.app, name="operations")
app.add_typer(snapshots.app, name="snapshots")
app.add_typer(packs.app, name="packs", short_help="The landmarks of a region in one file, for phones.")
app.add_typer(queries.app, name="queries")
app.add_typer(feedback.app, name="feedback")
app.command("usage", short_help="How much a server was used.")(usage.usage)
app.command("traffic", short_help="What a server was asked in the last minutes.")(traffic.traffic)
app.command("storage", short_help="What a server keeps on its disks.")(storage.storage)
app.add_typer(uploads.app, name="uploads")
app.add_typer(views.app, name="views", short_help="Lists that are looked at again and again.")
app.command("export", short_help="All of the catalogue in one file.")(export.export)
app.command("audit", short_help="Who changed what.")(audit.audit)
app.add_typer(index.app, name="index", short_help="Which engine keeps the descriptors, and from one to another.")
app.add_typer(model.app, name="model", short_help="Model releases: list, show, compare, draw, train, export.")
app.add_typer(benchmark.app, name="benchmark")
app.command("plan", short_help="How many machines a catalogue and its queries need.")(plan.plan)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"steeple {version('steeple')}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Point a phone at a landmark: its name, with an honest probability.

    \b
    Try it on real photographs:   steeple demo
    Run a server:                 steeple serve
    Fill its catalogue:           steeple landmarks create "Big Ben" --id big-ben
                                  steeple images add big-ben photos/big-ben/
    Ask:                          steeple identify photo.jpg

    \b
    Exit codes: 0 done (identify: all identified), 1 some things failed, 2 wrong arguments or an unusable photo,
    3 UNKNOWN, 4 not found, 5 exists already, 6 state forbids it, 7 changed by somebody else, 8 too large or too
    many, 9 not allowed, 10 timed out, 11 server unreachable, 12 stored data damaged, 70 a defect, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        args: Without the program's name; those of the process if None.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if args is None else args)
    output = Output(as_json="--json" in given)
    try:
        command = typer.main.get_command(app)
        add_connection_options(command)
        result = command(given, prog_name="steeple", standalone_mode=False)
    except SteepleError as error:
        output.error(error, hint=_hint(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        return _missing_package(output, error)
    except _USAGE_ERRORS as error:
        return _usage_error(output, error)
    except (KeyboardInterrupt, typer.Abort):
        output.note("interrupted")
        return _INTERRUPTED
    return result if isinstance(result, int) else 0


def _missing_package(output: Output, error: ModuleNotFoundError) -> int:
    package = (error.name or "").split(".")[0]
    if package in ("", "steeple"):  # ours is there, or it is a defect
        raise error
    missing = FailedPreconditionError(f"this command needs {package}, which is not installed", package=package)
    output.error(missing, hint=f"install it as well: pip install 'steeple[{_EXTRAS.get(package, 'server')},cpu]'")
    return missing.exit_code


def _usage_error(output: Output, error: Exception) -> int:
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "steeple")
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:  # a group without a command
        sys.stderr.write(context.get_help() + "\n")
    else:
        output.error(InvalidArgumentError(message), hint=f"see {path} --help")
    return InvalidArgumentError.exit_code


def _hint(error: SteepleError) -> str:
    """What to do, for errors whose remedy is a command."""
    if isinstance(error, ModelMismatchError):
        return "install the version of Steeple that the server runs, or send photos with --upload"
    if (
        isinstance(error, UnavailableError) and not error.metadata
    ):  # with facts it is about something else than a server
        return "is a server running? start one with: steeple serve; say where it is with --server or STEEPLE_SERVER"
    return ""
