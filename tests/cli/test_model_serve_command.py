"""``steeple model upgrade`` and ``retire``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from steeple.cli.local_server import local_server

from .support import Steeple

OLD, NEW = "delf-lite2-v1", "delf-lite0-v1"


def test_a_server_changes_its_release(steeple: Steeple, photos: Callable[..., list[Path]], tmp_path: Path) -> None:
    with local_server(tmp_path / "data", tmp_path / "server.log") as address:
        at = ("--server", address)
        assert steeple("landmarks", "create", "Shapes", "--id", "shapes", *at).code == 0
        assert steeple("images", "add", "shapes", *photos(1), *at).code == 0
        assert steeple("model", "upgrade", NEW, *at).out == (
            f"models/{NEW} is the default: 1 images have features by it\n"
        )
        assert [model["id"] for model in steeple("model", "list", *at, "--json").json] == [NEW, OLD]
        assert steeple("model", "retire", NEW, *at).code == 6
        begun = steeple("model", "retire", OLD, "--no-wait", "--json", *at).json
        assert steeple("operations", "wait", begun["id"], "--json", *at).json["results"]["images"] == "1"
        assert [model["id"] for model in steeple("model", "list", *at, "--json").json] == [NEW]
        assert steeple("identify", *photos(1), "--upload", *at).code == 0
