"""The command line before it reaches a server: help, arguments, errors and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from steeple.cli import options
from steeple.cli.main import app
from steeple.delf import DEFAULT_RELEASE
from steeple.errors import FailedPreconditionError, InvalidArgumentError, UnavailableError

from .support import Steeple

NOBODY = "127.0.0.1:9"  # the discard port


def command_paths() -> list[list[str]]:
    paths: list[list[str]] = [[]]
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        paths.append([name])
        paths += [[name, sub] for sub in getattr(command, "commands", {})]
    return paths


@pytest.mark.parametrize("path", command_paths(), ids=" ".join)
def test_every_command_has_help_with_an_example(path: list[str], steeple: Steeple) -> None:
    ran = steeple(*path, "--help")
    assert ran.code == 0
    assert ran.out.startswith("Usage: " + " ".join(["steeple", *path]))
    is_group = path in [other[:1] for other in command_paths() if len(other) > 1]
    assert is_group or f"steeple {' '.join(path)}".rstrip() in ran.out.partition("\n")[2], "an example"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from steeple.cli.main import main\n"
        "main(['identify', '--help'])\n"
        "heavy = {'numpy', 'cv2', 'grpc', 'faiss', 'sqlalchemy', 'rich.console'}\n"
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_version(steeple: Steeple) -> None:
    ran = steeple("--version")
    assert ran.code == 0
    assert ran.out.split()[0] == "steeple"


@pytest.mark.parametrize("group", [[], ["landmarks"], ["images"], ["model"], ["benchmark"]], ids=" ".join)
def test_a_group_alone_shows_its_help(group: list[str], steeple: Steeple) -> None:
    ran = steeple(*group)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("Usage: steeple")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["fly"], "No such command 'fly'"),
        (["identify"], "Missing argument"),
        (["identify", "x.jpg", "--max-candidates", "0"], "--max-candidates"),
        (["landmarks", "create", "X", "--location", "48.9"], "must read LAT,LNG"),
        (["landmarks", "create", "X", "--location", "91,0"], "latitude of -90 to 90"),
        (["landmarks", "create", "X", "--location", "nan,0"], "latitude of -90 to 90"),
        (["landmarks", "create", "X", "--metadata", "colour"], "must read KEY=VALUE"),
        (["landmarks", "create", "X", "-m", "a=1", "-m", "a=2"], "given twice"),
        (["landmarks", "update", "x"], "nothing to change"),
        (["landmarks", "update", "x", "--location", "1,2", "--no-location"], "exclude each other"),
        (["landmarks", "update", "x", "-m", "a=1", "--no-metadata"], "exclude each other"),
        (["images", "delete", "big-ben"], "landmarks/LANDMARK/images/IMAGE"),
        (["images", "delete", "a/images/b", "c/images/d", "--etag", "x"], "one IMAGE"),
        (["images", "download", "landmarks//images/x"], "does not name a reference image"),
        (["images", "add", "big-ben", "/nowhere/x.jpg"], "no file or folder /nowhere/x.jpg"),
        (["serve", "--address", "everywhere"], "must read HOST:PORT"),
        (["serve", "--config", "/nowhere/steeple.toml"], "no settings file"),
        (["demo", "--output", "/dev/null/pictures"], "choose another folder with --output"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(args: list[str], says: str, steeple: Steeple) -> None:
    ran = steeple(*args, "--json")
    assert ran.code == InvalidArgumentError.exit_code == ran.error["exit_code"] == 2
    assert says in ran.error["message"]
    assert ran.out == ""

    text = steeple(*args)
    assert text.code == 2
    assert text.err.startswith("error: ")
    assert "Traceback" not in text.err


def test_a_negative_location_is_a_value(steeple: Steeple) -> None:
    ran = steeple("landmarks", "create", "Sydney", "--location", "-33.857,151.215", "--server", NOBODY, "--json")
    assert ran.code == UnavailableError.exit_code, "past the arguments, to the server that is not there"


@pytest.mark.parametrize(
    "args",
    [["landmarks", "list"], ["model", "list"], ["landmarks", "show", "x"], ["images", "list", "x"]],
    ids=" ".join,
)
def test_no_server_is_said_with_a_hint(args: list[str], steeple: Steeple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", NOBODY)
    ran = steeple(*args, "--json")
    assert ran.code == UnavailableError.exit_code == 11
    assert ran.error["status"] == "UNAVAILABLE"
    assert NOBODY in ran.error["message"]
    assert "steeple serve" in ran.error["hint"]


def test_a_closed_pipe_ends_the_command_quietly(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = (
        "import sys\n"
        "from steeple.cli import main\n"
        "from steeple.cli.output import Output\n"
        "@main.app.command('flood')\n"
        "def flood():\n"
        "    [Output(as_json=True).line(number) for number in range(100000)]\n"
        "sys.exit(main.main(['flood']))"
    )
    with (tmp_path / "err").open("wb") as errors:
        ran = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=errors, check=False)
    os.close(writer)
    assert (ran.returncode, (tmp_path / "err").read_text(encoding="utf-8")) == (1, "")


def test_errors_are_one_line_of_json(steeple: Steeple) -> None:
    ran = steeple("landmarks", "create", "X", "--location", "x", "--json")
    assert ran.err.count("\n") == 1
    assert json.loads(ran.err).keys() == {"error"}
    assert ran.error.keys() >= {"message", "status", "reason", "exit_code"}


@pytest.mark.parametrize(("command", "package"), [(["serve"], "pydantic_settings"), (["serve"], "faiss")])
def test_a_package_that_is_not_installed_is_named(command: list[str], package: str, tmp_path: Path) -> None:
    """What the commands of a server say in a client's installation: in a process where the package is not there."""
    code = f"import sys; sys.modules[{package!r}] = None; from steeple.cli.main import main; sys.exit(main({command}))"
    environment = {"PATH": os.environ["PATH"], "STEEPLE_DATA_DIR": str(tmp_path), "STEEPLE_ADDRESS": "127.0.0.1:0"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == FailedPreconditionError.exit_code
    assert f"error: this command needs {package}" in ran.stderr
    assert "pip install 'steeple[server,cpu]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_default_model_is_the_default_release() -> None:
    assert options.DEFAULT_MODEL == DEFAULT_RELEASE
