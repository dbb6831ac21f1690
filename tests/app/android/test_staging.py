"""What is packed into the Android app, and that it does without what phones lack."""

from __future__ import annotations

import ast
import configparser
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from steeple.delf.release import DEFAULT_RELEASE, ModelRelease

from .staged_app import ROOT, check_answers, play, run_staged, serving, stage

TARGET = "3.14"
"""The Python of python-for-android."""

WINDOW = {"kivy"}
PHONE = {"jnius", "android"}
EVERYWHERE = {"cv2", "google", "grpc", "grpc_status", "numpy"}
IF_THERE = {"keyring", "opentelemetry"}  # of desktops; asked for by name, or only when an application gave one

LOOKED_FOR = {"grpc_health", "grpc_reflection", "grpc_tools", "org"}  # by gRPC and the standard library, if there

# Of the standard library, from 3.12 to 3.14.
REMOVED = frozenset(
    re.findall(
        r"\w+",
        "aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib nis nntplib "
        "ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib",
    )
)
# Which python-for-android builds without.
UNBUILT = {"curses", "dbm", "idlelib", "readline", "tkinter", "turtle", "venv", "ensurepip"}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("android"))


@pytest.fixture(scope="module")
def spec(staged: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser()
    parser.read(staged.parent / "buildozer.spec", encoding="utf-8")
    return parser["app"]


def listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")]


def imports(tree: ast.Module) -> Iterator[str]:
    """Names of the modules that are imported anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def test_only_what_a_phone_needs_is_staged(staged: Path) -> None:
    files = {path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file()}
    assert {name for name in files if "/" not in name} == {"main.py"}
    packages = {name.split("/")[1] for name in files if "/" in name}
    assert packages == {"errors.py", "v1", "delf", "recognition", "packs", "client", "app"}
    assert not [name for name in files if "training" in name or "export" in name or "weights" in name]
    releases = {name.split("/")[3] for name in files if name.startswith("steeple/delf/releases/")}
    assert releases == {DEFAULT_RELEASE, "delf-lite0-v1"}
    assert sum(path.stat().st_size for path in staged.rglob("*") if path.is_file()) < 12_000_000


def test_staging_again_leaves_nothing_behind(tmp_path: Path) -> None:
    app = stage(tmp_path)
    before = sorted(app.rglob("*"))
    (app / "left.py").write_text("")
    (tmp_path / ".buildozer").mkdir()
    stage(tmp_path)
    assert sorted(app.rglob("*")) == before
    assert (tmp_path / ".buildozer").is_dir(), "what the build has made already is kept"


@pytest.mark.parametrize("name", [DEFAULT_RELEASE, "delf-lite0-v1"])
def test_staged_model_releases_are_whole(staged: Path, name: str) -> None:
    release = ModelRelease.load(staged / "steeple/delf/releases" / name)
    assert release.tflite_sha256 == ModelRelease.load(name).tflite_sha256
    assert release.compact_path is not None
    assert release.compact_path.is_file()


def test_every_import_is_of_something_a_phone_has(staged: Path) -> None:
    wrong = []
    count = 0
    standard = set(sys.stdlib_module_names) - REMOVED - UNBUILT
    for path in sorted(staged.rglob("*.py")):
        place = path.relative_to(staged).as_posix()
        allowed = EVERYWHERE | IF_THERE | standard
        if place.startswith("steeple/app/ui/"):
            allowed |= WINDOW
        if place == "steeple/app/android/pyjnius_bridge.py":
            allowed |= PHONE
        for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            count += 1
            module = staged / name.replace(".", "/")
            ours = module.is_dir() or module.with_suffix(".py").is_file()
            if not (ours if name.startswith("steeple.") else name.partition(".")[0] in allowed):
                wrong.append((place, name))
    assert wrong == []
    assert count > 500


def test_every_file_is_of_a_kind_that_is_packed(staged: Path, spec: configparser.SectionProxy) -> None:
    packed = {f".{kind}" for kind in listed(spec["source.include_exts"])}
    assert {path.suffix for path in staged.rglob("*") if path.is_file()} <= packed


def test_it_compiles(staged: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run = subprocess.run(
        [sys.executable, "-X", f"pycache_prefix={cache}", "-W", "error", "-m", "compileall", "-q", str(staged)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert len(list(cache.rglob("*.pyc"))) == len(list(staged.rglob("*.py")))


def parsed(path: Path, version: str) -> subprocess.CompletedProcess[str]:
    """What ruff's parser says of syntax, for a version of Python, and of what 3.14 warns of."""
    target = f"py{version.replace('.', '')}"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--target-version", target]
    return subprocess.run([*command, "--select", "F7,B012", str(path)], check=False, capture_output=True, text=True)


def test_it_is_syntax_of_the_phones_python(staged: Path) -> None:
    run = parsed(staged, TARGET)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    "program", ["print 'old'\n", "def f():\n    try:\n        pass\n    finally:\n        return 1\n"]
)
def test_what_is_no_syntax_of_it_is_found(tmp_path: Path, program: str) -> None:
    (tmp_path / "wrong.py").write_text(program)
    assert parsed(tmp_path, TARGET).returncode == 1


def test_the_staged_app_runs_as_it_is_staged(staged: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        found = play(sys.executable, staged, tmp_path, server, also=("typing_extensions",))
    assert found["strange"] == []
    assert set(found["refused"]) <= IF_THERE | LOOKED_FOR
    assert {"steeple.client", "steeple.packs", "steeple.recognition", "steeple.app.android"} <= set(found["imported"])
    check_answers(found)


def test_the_staged_window_opens(staged: Path, tmp_path: Path) -> None:
    run = run_staged(sys.executable, "window", staged, tmp_path / "data", tmp_path)
    if "no window can be opened" in run.stderr:
        pytest.skip(
            "there is no OpenGL here (Debian: libegl1 libgl1-mesa-dri), so the staged app's window was not opened"
        )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["strange"] == []
    assert found["screens"] == ["welcome"]
    assert "steeple.app.ui.application" in found["imported"]


# --- buildozer.spec ---


def test_the_spec_is_of_this_version(spec: configparser.SectionProxy) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{spec["version"]}"\n' in text
    assert spec["source.dir"] == "app"


def test_pins_are_those_that_are_tested(spec: configparser.SectionProxy) -> None:
    pins = dict(item.split("==") for item in listed(spec["requirements"]) if "==" in item)
    tested = dict(
        line.split("==")
        for line in (ROOT / "tools/requirements/android.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    assert pins.items() <= tested.items()
    assert set(pins) == {"grpcio-status", "protobuf", "googleapis-common-protos"}


def test_permissions_are_those_that_are_used(spec: configparser.SectionProxy, staged: Path) -> None:
    asked = set(listed(spec["android.permissions"]))
    code = "\n".join(path.read_text(encoding="utf-8") for path in (staged / "steeple/app").rglob("*.py"))
    used = set(re.findall(r"android\.permission\.\w+", code))
    granted_silently = {f"android.permission.{name}" for name in ("INTERNET", "ACCESS_NETWORK_STATE", "VIBRATE")}
    assert asked == used | granted_silently


def test_the_spec_names_files_that_are_staged(spec: configparser.SectionProxy, staged: Path) -> None:
    for key in ("android.manifest.intent_filters", "android.extra_manifest_xml"):
        text = (staged.parent / spec[key]).read_text(encoding="utf-8")
        ET.fromstring(f'<x xmlns:android="http://schemas.android.com/apk/res/android">{text}</x>')  # noqa: S314
    icon = cv2.imread(str(staged.parent / spec["icon.filename"]))
    assert icon is not None
    assert icon.shape == (512, 512, 3)
    filters = (staged.parent / "intent-filters.xml").read_text(encoding="utf-8")
    assert "android.intent.action.SEND" in filters
    assert "image/*" in filters


def test_it_says_what_it_made(tmp_path: Path) -> None:
    command = [sys.executable, "tools/stage_android.py", "--json", "--output", str(tmp_path)]
    said = json.loads(subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout)
    assert said["output"] == str(tmp_path)
    assert "app/main.py" in said["files"]
    assert said["bytes"] == sum((tmp_path / name).stat().st_size for name in said["files"])
