"""What tests of several folders share because it takes long to make."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from steeple.cli.main import main
from tests.tiny_training import INDEX, write_recipe, write_training_photos

pytest_plugins = ["tests.engines.fixtures"]

# Files that take long: where several are run at once, they begin while there is something to do beside them.
_FIRST = (
    "tests/history/test_replicas.py",
    "tests/server/index/test_milvus_",
    "tests/engines/",
    "tests/e2e/",
    "tests/history/test_run.py",
    "tests/server/api/test_fuzzed_requests.py",
    "tests/cli/test_benchmark_",
    "tests/cli/test_calibrate_command.py",
    "tests/server/transfer/test_kill.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts them first, in this order."""
    root = Path(__file__).parent.parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(root).as_posix()
        return next((number for number, start in enumerate(_FIRST) if path.startswith(start)), len(_FIRST))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def logging_kept() -> Iterator[None]:
    """What a test has set up of Steeple's logging, as commands do that serve, is put back after it."""
    logger = logging.getLogger("steeple")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


@dataclass(frozen=True)
class TinyRun:
    """A finished run of ``steeple model train``.

    Attributes:
        photos: It was trained on.
        recipe: Its recipe, a file.
        folder: The run's.
    """

    photos: Path
    recipe: Path
    folder: Path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """Needs TensorFlow."""
    folder = tmp_path_factory.mktemp("training")
    run = TinyRun(write_training_photos(folder / "photos"), write_recipe(folder / "recipe.json"), folder / "run")
    given = ["model", "train", "--data", run.photos, "--recipe", run.recipe, "--output", run.folder, "--json"]
    assert main([str(arg) for arg in given]) == 0
    return run


@pytest.fixture(scope="session")
def tiny_release(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of :func:`tiny_run`, made by ``steeple model export``."""
    return _exported(tiny_run, tmp_path_factory.mktemp("releases") / "delf-tiny")


@pytest.fixture(scope="session")
def tiny_float_release(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without quantization."""
    return _exported(tiny_run, tmp_path_factory.mktemp("releases") / "delf-float", "--float")


def _exported(run: TinyRun, output: Path, *more: str) -> Path:
    given = ["model", "export", run.folder, "--data", run.photos, "--output", output, "--index", INDEX, "--json", *more]
    assert main([str(arg) for arg in given]) == 0
    return output
