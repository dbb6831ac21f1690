"""What the files in ``deploy`` and the page about them say exists: settings, commands, flags, files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from steeple.cli.connection import add_connection_options
from steeple.cli.main import app
from steeple.server.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
PAGES = [ROOT / "docs/server" / name for name in ("running.md", "deploying.md", "reliability.md")]
FILES = sorted(path for path in [*DEPLOY.rglob("*"), *PAGES] if path.is_file() and path.suffix != ".png")

# Of the settings' file, and of the commands that ask a server.
OTHERS = {"CONFIG", "SERVER", "KEY", "TLS", "ROOT_CERTIFICATES", "CLIENT_CERTIFICATE", "CLIENT_KEY"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def value(file: str, pattern: str) -> str:
    found = re.search(pattern, (DEPLOY / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, pattern
    return found.group(1)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_variables_are_settings(path: Path) -> None:
    named = set(re.findall(r"\bSTEEPLE_([A-Z_]+)", path.read_text(encoding="utf-8")))
    assert {name for name in named - OTHERS if name.lower() not in Settings.model_fields} == set()


def test_variables_are_looked_for_where_they_are() -> None:
    named = {path.name for path in FILES if "STEEPLE_" in path.read_text(encoding="utf-8")}
    assert named >= {"Containerfile", "compose.yaml", "steeple.service", "running.md"}


def commands_in(text: str) -> list[list[str]]:
    """Words of each command line of ours, up to where the shell takes over."""
    lines = re.findall(r"(?:^ *|`|\$ |bin/|-rm )steeple ((?:[a-z-][^`|&>#;\n\\]*(?:\\\n)?)+)", text, re.MULTILINE)
    return [line.replace("\\\n", " ").split() for line in lines]


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix != ".json"], ids=name_of)
def test_commands_and_their_flags_are_there(path: Path) -> None:
    root: Any = typer.main.get_command(app)
    add_connection_options(root)
    for words in commands_in(path.read_text(encoding="utf-8")):
        command = root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not hasattr(command, "commands"), f"no command {words}"
        flags = {word for word in words if word.startswith("--")}
        known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        assert flags - known - {"--help"} == set()


def test_commands_are_looked_for_where_they_are() -> None:
    found = [words[0] for path in FILES for words in commands_in(path.read_text(encoding="utf-8"))]
    assert set(found) >= {"serve", "keys", "health", "doctor", "info"}


def test_the_container_checks_its_health_by_a_command_that_is_there() -> None:
    words = re.findall(r'"([^"]+)"', value("Containerfile", r"^HEALTHCHECK .*CMD \[(.*)\]"))
    assert words[:2] == ["steeple", "health"]
    assert float(words[-1]) < float(value("Containerfile", r"^HEALTHCHECK .*--timeout=(\d+)s"))


def test_the_container_copies_what_is_there_and_reaches_the_builder() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    names = [name for line in sources for name in line.split()]
    assert [name for name in names if not (ROOT / name).exists() or f"!{name}" not in let_in] == []
    assert len(names) == 9


def test_the_container_is_nobody_in_particular() -> None:
    assert value("Containerfile", r"^USER (\d+):") == value("Containerfile", r"--uid (\d+) ") != "0"


def test_mounted_files_are_there() -> None:
    mounted = re.findall(r"^\s+- (\.[^:]+):/", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in mounted if not (DEPLOY / name).is_file()] == []
    assert len(mounted) == 4


def test_prometheus_asks_where_the_server_answers() -> None:
    port = value("compose.yaml", r"STEEPLE_METRICS_ADDRESS: .*:(\d+)$")
    assert value("prometheus.yaml", r'targets: \["(.+)"\]') == f"steeple:{port}"


def test_servers_get_longer_to_stop_than_calls_do() -> None:
    grace = Settings.model_fields["shutdown_grace_seconds"].default
    assert float(value("compose.yaml", r'STEEPLE_SHUTDOWN_GRACE_SECONDS: "(\d+)"')) == grace
    assert float(value("steeple.service", r"STEEPLE_SHUTDOWN_GRACE_SECONDS=(\d+)$")) == grace
    assert 60 * float(value("compose.yaml", r"stop_grace_period: (\d+)m$")) > 2 * grace
    assert 60 * float(value("steeple.service", r"^TimeoutStopSec=(\d+)min$")) > 2 * grace


def test_the_unit_keeps_its_data_where_it_may_write() -> None:
    folder = value("steeple.service", r"^Environment=STEEPLE_DATA_DIR=(\S+)$")
    assert folder == "/var/lib/" + value("steeple.service", r"^StateDirectory=(\S+)$")
    assert value("Containerfile", r"STEEPLE_DATA_DIR=(\S+)") == folder
