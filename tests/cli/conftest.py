"""A real server in a process of its own, and the command line in this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from steeple.cli.local_server import local_server
from steeple.cli.main import main
from tests.scenes import encoded, scene

from .support import Ran, Steeple


@pytest.fixture
def steeple(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Steeple:
    """Runs a command line in this process."""
    monkeypatch.delenv("STEEPLE_SERVER", raising=False)

    def run(*args: object) -> Ran:
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a server that all tests share; each uses landmarks of its own."""
    folder = tmp_path_factory.mktemp("server")
    with local_server(folder / "data", folder / "server.log") as bound:
        yield bound


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., list[Path]]:
    """Writes photos of the given seeds and gives their paths."""

    def write(*seeds: int, folder: str = "photos") -> list[Path]:
        paths = [tmp_path / folder / f"{seed:03}.jpg" for seed in seeds]
        (tmp_path / folder).mkdir(exist_ok=True)
        for seed, path in zip(seeds, paths, strict=True):
            path.write_bytes(encoded(scene(seed, 480, 360)))
        return paths

    return write


@pytest.fixture
def catalogue(
    address: str, monkeypatch: pytest.MonkeyPatch, steeple: Steeple, photos: Callable[..., list[Path]]
) -> Steeple:
    """The command line, with the scenes 200 and 201 in the server's catalogue."""
    monkeypatch.setenv("STEEPLE_SERVER", address)
    for seed in (200, 201):
        created = steeple("landmarks", "create", f"Scene {seed}", "--id", f"scene-{seed}", "--description", "Shapes.")
        assert created.code in (0, 5), "made, or there already"
        assert steeple("images", "add", f"scene-{seed}", *photos(seed)).code == 0
    return steeple
