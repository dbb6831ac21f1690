"""The rules of the house that no other tool checks: layout, what may stand in shipped code, packaging."""

import ast
import email
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "protos": {"v1"},
    "models": {"delf", "recognition", "packs", "baselines"},
    "server": {"server", "cli", "console", "lab"},
    "client": {"client", "app"},
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

SHIPPED = sorted(
    path for folder in PACKAGES for path in (ROOT / folder / "steeple").rglob("*.py") if "_pb2" not in path.name
)
ALL = SHIPPED + sorted(path for folder in ("tests", "tools") for path in (ROOT / folder).rglob("*.py"))

RELEASE_FILES = ("release.json", "model.tflite", "codebook.faiss", "model-card.md")
FORBIDDEN_IMPORTS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
MAY_UNPICKLE = {
    "models/steeple/delf/training/pretrained.py",  # files of known hash, with an unpickler that knows only tensors
    "server/steeple/lab/datasets/pickled.py",  # benchmarks' tables, with one that calls nothing but its own functions
}
FORBIDDEN_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(("folder", "packages"), PACKAGES.items())
def test_nothing_but_packages_lies_in_the_namespace(folder: str, packages: set[str]) -> None:
    namespace = ROOT / folder / "steeple"
    files = {path.name for path in namespace.iterdir() if path.is_file()}
    assert files == ({"errors.py"} if folder == "protos" else set())
    assert {path.name for path in namespace.iterdir() if path.is_dir() and path.name != "__pycache__"} == packages
    for package in packages:
        assert (namespace / package / "py.typed").is_file()


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in SHIPPED} - {ROOT / folder / "steeple" for folder in PACKAGES}
    assert [relative(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_modules_are_small() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL}
    assert {name: length for name, length in lengths.items() if length > 400} == {}
    assert len(lengths) > 20


def test_modules_are_named_after_what_they_do() -> None:
    assert [relative(path) for path in ALL if path.stem.strip("_") in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("path", SHIPPED, ids=relative)
def test_shipped_code_neither_asserts_nor_unpickles(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Assert():
                found.append((node.lineno, "assert"))  # python -O leaves it out
            case ast.Import(names=names):
                found += [(node.lineno, name.name) for name in names if name.name.split(".")[0] in FORBIDDEN_IMPORTS]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_IMPORTS:
                found.append((node.lineno, module))
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                found.append((node.value.lineno, "allow_pickle"))
            case _:
                pass
    if relative(path) in MAY_UNPICKLE:
        found = [(line, what) for line, what in found if what != "pickle"]
    assert found == []


# --- version and dependencies ---


def test_the_version_stands_in_one_place() -> None:
    assert importlib.metadata.version("steeple") == PROJECT["version"]
    assert [relative(path) for path in SHIPPED if "__version__" in path.read_text(encoding="utf-8")] == []


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert PROJECT["version"] in sections


def test_the_constraints_pin_every_dependency_as_asked_for() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            assert pin.url is None
            assert [part.operator for part in pin.specifier] == ["=="]
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    extras = PROJECT["optional-dependencies"]
    for asked in map(Requirement, [*PROJECT["dependencies"], *(name for extra in extras.values() for name in extra)]):
        if asked.name != "steeple":
            locked = pins.get(canonicalize_name(asked.name), [])
            assert locked, f"{asked.name} is not locked: run `make constraints`"
            for pin in locked:
                (version,) = (part.version for part in pin.specifier)
                assert asked.specifier.contains(version), f"{asked} against {pin}: run `make constraints`"


# --- documents ---


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_what_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert [link for link in links if not (ROOT / link).exists()] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = set(re.findall(r"\bmake ((?:[A-Z]+=\S+ )*)([a-z-]+)", "\n".join(code_in(text))))
    assert {target for _, target in asked} - targets == set()


def code_in(markdown: str) -> list[str]:
    fenced = re.findall(r"^```\w*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    return fenced + re.findall(r"`([^`\n]+)`", markdown)


# --- the wheel ---


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as it would be published; hatchling is in the environment, so nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_all_of_the_four_folders_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    expected = {
        path.relative_to(ROOT / folder).as_posix()
        for folder in PACKAGES
        for path in (ROOT / folder / "steeple").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    info = f"steeple-{PROJECT['version']}.dist-info/"
    assert {name for name in wheel.namelist() if not name.startswith(info)} == expected
    for needed in (
        "steeple/errors.py",
        *(f"steeple/{package}/py.typed" for packages in PACKAGES.values() for package in packages),
        "steeple/v1/features.proto",
        "steeple/v1/catalog_service_pb2_grpc.py",
        "steeple/server/catalogue/migrations/env.py",
        *(f"steeple/delf/releases/delf-base/{name}" for name in RELEASE_FILES),
        *(f"steeple/delf/releases/delf-lite2-v1/{name}" for name in (*RELEASE_FILES, "weights.npz", "compact.npy")),
        *(f"steeple/baselines/releases/{name}{end}" for name in ("hardnet", "lift") for end in (".npz", ".json")),
    ):
        assert needed in expected


def test_the_wheel_carries_its_licence_and_metadata(wheel: zipfile.ZipFile) -> None:
    info = f"steeple-{PROJECT['version']}.dist-info/"
    assert {f"{info}licenses/LICENSE", f"{info}licenses/NOTICE"} <= set(wheel.namelist())
    metadata = email.message_from_bytes(wheel.read(f"{info}METADATA"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra", [])) >= {"client", "server", "cpu", "gpu", "train", "dev"}
    assert b"steeple = steeple.cli.main:main" in wheel.read(f"{info}entry_points.txt")


def test_the_wheel_works_away_from_the_repository(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = (
        "import steeple.errors, steeple.v1, steeple.delf.release, steeple.server, steeple.client, steeple.cli.main\n"
        "print(*(module.__file__ for name, module in sorted(__import__('sys').modules.items())"
        " if name.startswith('steeple.')), sep='\\n')\n"
        "print(steeple.delf.release.ModelRelease.load('delf-lite2-v1').network_path)\n"
    )
    # -P and the path: what was unpacked comes before the editable installation.
    run = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert [line for line in run.stdout.splitlines() if not line.startswith(str(tmp_path))] == []


# --- finding a Python ---


@pytest.mark.parametrize(
    ("versions", "low", "high", "chosen"),
    [
        (["3.11"], "3.11", "-", "3.11"),
        (["3.14"], "3.11", "-", "3.14"),
        (["3.13", "3.12"], "3.11", "3.12", "3.12"),
        (["2.7", "3.9", "3.11"], "3.11", "-", "3.11"),
    ],
)
def test_the_first_fitting_python_is_found(
    versions: list[str], low: str, high: str, chosen: str, tmp_path: Path
) -> None:
    run = find_python(low, high, versions, tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(tmp_path / f"python{chosen}")


def test_an_old_python_is_named_with_what_to_do(tmp_path: Path) -> None:
    run = find_python("3.11", "-", ["2.7", "3.10"], tmp_path)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "This needs Python 3.11 or newer." in run.stderr
    assert "python2.7 is 2.7" in run.stderr
    assert "python3.10 is 3.10" in run.stderr
    assert "make PYTHON=" in run.stderr


def test_a_python_without_venv_is_named_with_what_to_do(tmp_path: Path) -> None:
    run = find_python("3.11", "-", ["3.12"], tmp_path, venv=False)
    assert run.returncode == 1
    assert "apt-get install python3.12-venv" in run.stderr


def find_python(
    low: str, high: str, versions: list[str], folder: Path, *, venv: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs the script on stand-ins that tell a version and whether they can import venv."""
    for version in versions:
        stand_in = folder / f"python{version}"
        stand_in.write_text(
            f"#!/bin/sh\ncase $2 in *version*) echo {version} ;; *venv*) exit {0 if venv else 1} ;; esac\n",
            encoding="utf-8",
        )
        stand_in.chmod(0o755)
    command = ["sh", str(ROOT / "tools/find_python.sh"), low, high, *(str(folder / f"python{v}") for v in versions)]
    return subprocess.run(command, check=False, capture_output=True, text=True)
