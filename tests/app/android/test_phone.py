"""The staged app with what a phone has: an old TFLite runtime, gRPC 1.64, protobuf in Python; and its recipes.

`make test-android` makes the environment and runs these.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .staged_app import check_answers, play, serving, stage

pytestmark = pytest.mark.android

NUMPY, OPENCV, KIVY, PYTHON = "v2.3.0", "4.12.0", "2.3.1", "3.14.2"


@pytest.fixture(scope="module")
def phone() -> str:
    python = os.environ.get("STEEPLE_PHONE_PYTHON", "")
    if not python:
        pytest.fail("these tests need the environment of phones: make test-android")
    return python


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("android"))


@pytest.fixture(scope="module")
def said(phone: str, staged: Path) -> dict[str, Any]:
    """What buildozer and python-for-android say of the spec."""
    command = [phone, str(Path(__file__).parent / "recipes.py")]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=staged.parent)
    assert run.returncode == 0, run.stderr
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def test_a_phone_is_answered_as_a_desktop_is(phone: str, staged: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        found = play(phone, staged, tmp_path, server, repeat=15)
        desktop = play(sys.executable, staged, tmp_path, server, also=("typing_extensions",), repeat=15)
    check_answers(found)
    check_answers(desktop)
    assert found["strange"] == []
    assert found["runtime"] == "tflite_runtime"
    assert found["grpc"] == "1.64.0"
    assert found["protobuf"].endswith("python")
    for kind, answer in found["answers"].items():
        ours, theirs = answer["candidates"][0], desktop["answers"][kind]["candidates"][0]
        assert abs(ours["confidence"] - theirs["confidence"]) < 0.02, kind
    for name, one in (("phone's", found), ("desktop's", desktop)):
        times = one["round_trip_ms"]
        print(  # noqa: T201 - pytest -s shows it
            f"{name}: {one['runtime']}, gRPC {one['grpc']}, protobuf {one['protobuf']}, numpy {one['numpy']}: "
            f"{one['features']} features, round trip {times[len(times) // 2]:.1f} ms (median of {len(times)})"
        )


def test_each_requirement_is_a_recipe_or_a_pure_wheel(said: dict[str, Any], phone: str, tmp_path: Path) -> None:
    asked = {item.split("==")[0]: item for item in said["requirements"]}
    assert said["bootstrap"] == "sdl2"
    assert set(asked) <= set(said["recipes"]) | set(said["modules"])
    # python-for-android takes any name that it has no recipe for to be pure Python, and finds out when it builds.
    pure = [asked.get(name, name) for name in said["modules"]]
    assert set(asked) - set(said["recipes"]) == {"grpcio-status", "protobuf", "googleapis-common-protos"}
    only_pure = ["--only-binary=:all:", "--implementation", "py", "--abi", "none", "--platform", "any"]
    version = [*only_pure, "--python-version", PYTHON.rpartition(".")[0]]
    command = [phone, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(tmp_path), *version, *pure]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    wheels = [path.name for path in tmp_path.iterdir()]
    assert len(wheels) == len(pure)
    assert [name for name in wheels if not re.search(r"-(py2\.)?py3-none-any\.whl$", name)] == []


def test_recipes_are_of_the_versions_that_are_tested(said: dict[str, Any]) -> None:
    recipes = said["recipes"]
    assert recipes["grpcio"] == "1.64.0"
    assert recipes["pyjnius"] == "1.7.0"
    assert recipes["tflite-runtime"] == "2.8.0"
    found = (recipes["numpy"], recipes["opencv"], recipes["kivy"], recipes["python3"])
    assert found == (NUMPY, OPENCV, KIVY, PYTHON), "look at what changed, and at docs/client/android.md"


def test_buildozer_knows_what_the_spec_says(said: dict[str, Any]) -> None:
    assert set(said["keys"]) <= set(said["known_keys"])
    assert len(said["known_keys"]) > 50
    # python-for-android refuses the argument that buildozer makes of this one.
    assert "android.features" not in said["keys"]


def test_buildozer_packs_what_is_staged(said: dict[str, Any], staged: Path) -> None:
    files = sorted(path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file())
    assert said["packed"] == files


def test_java_is_called_and_calls_back(phone: str, staged: Path, tmp_path: Path) -> None:
    """The bridge with pyjnius on a desktop's Java; the classes in `jvm/java` stand in for Android's."""
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("javac is missing (Debian: default-jdk-headless), so what calls Java was tested on stand-ins only")
    here = Path(__file__).parent / "jvm"
    sources = [str(path) for path in sorted((here / "java").rglob("*.java"))]
    subprocess.run([compiler, "-nowarn", "-d", str(tmp_path), *sources], check=True, capture_output=True)
    command = [phone, "-B", str(here / "on_jvm.py"), str(staged), str(tmp_path)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "folder": True,
        "permissions": ["denied", "granted", "granted"],
        "secrets": ["stp_비밀", "FailedPreconditionError"],
        "key": "3 GCM NoPadding 256",
        "camera": [
            *("UnavailableError", "texture 10", True, 4.0),
            *(1280, 720, 17, "torch", "continuous-picture", 2, 4.0),
        ],
        "frame": [[1280, 720, 3], 255, 0],
        "released": [True, False],
        "photos": ["\xff\xd8 chosen", None, "\xff\xd8 shared", "JPEG 92 of 22"],
        "places": [[51.5, -0.12, 4.5], [1.0, 2.0, 4.5], [5.0, 6.0, 4.5]],
        "asked": "network 2000 5.0;",
        "forgotten": True,
        "conditions": [0.55, True, 0.5],
        "appearance": [True, "ko", [7, 60, 0, 40]],
        "felt": "40 ms at -1;",
        "flags": 128,
        "said": "en 0 Big Ben;ko 0 빅 벤;",
        "shared": ["Share with", "Big Ben, 97 %", "text/plain"],
        "started": [
            [
                "android.intent.action.VIEW",
                "https://www.openstreetmap.org/?mlat=51.500000&mlon=-0.120000#map=17/51.500000/-0.120000",
            ],
            ["android.settings.APPLICATION_DETAILS_SETTINGS", "package:org.steeple.steeple"],
        ],
    }
