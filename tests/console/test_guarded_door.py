"""The door of the console with a clock of the test's own, and through TLS: in this process, on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from steeple.console.config import ConsoleConfig
from steeple.console.serving import serving
from steeple.server.access import Scope, SignIns
from steeple.server.access.attempts import FREE_FAILURES, LONGEST_PAUSE, SignInAttempts
from steeple.server.access.passwords import Passwords
from steeple.server.api.lifecycle import Server
from steeple.server.settings import Settings

from .conftest import PASSWORD, Guarded
from .raw import Reply, ask


class Door:
    """A console and the clock of those who guess."""

    def __init__(self, url: str, trust: ssl.SSLContext | None) -> None:
        self.url = url
        self.now = 1000.0
        self.trust = trust
        self.secure = trust is not None

    async def ask(self, path: str, **more: Any) -> Reply:
        return await asyncio.to_thread(partial(ask, self.url, path, trust=self.trust, **more))

    async def sign_in(self, name: str, password: str, **headers: str) -> Reply:
        prefix = "__Host-" if self.secure else ""
        asked = await self.ask("/sign-in")
        cookie = asked.cookies[f"{prefix}steeple_browser"].value
        form = {"username": name, "password": password, "token": asked.token}
        return await self.ask("/sign-in", form=form, cookies={f"{prefix}steeple_browser": cookie}, headers=headers)


Open = Callable[..., Any]


@pytest.fixture
def open_door(tmp_path: Path) -> Open:
    """Opens the console of a server that has one person, ada."""

    @asynccontextmanager
    async def opened(*, tls: bool = False, **more: Any) -> AsyncIterator[Door]:
        # A console is on the server's own host, and says over a Unix socket whom it lets in.
        settings = Settings.load(None, address=f"unix:{tmp_path}/api", data_dir=tmp_path / "data", access="keys")
        server = Server(settings)
        await server.start()
        trust: ssl.SSLContext | None = None
        if tls:
            authority = trustme.CA()
            authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
                str(tmp_path / "both.pem")
            )
            trust = ssl.create_default_context()
            authority.configure_trust(trust)
            more |= {"certificate": tmp_path / "both.pem", "private_key": tmp_path / "both.pem"}
        try:
            engine = await server.ready()
            hashed = await asyncio.to_thread(Passwords().hash, PASSWORD)
            engine.keyring.people.create("ada", "Ada", Scope.EDITOR, password=hashed)
            async with serving(ConsoleConfig(f"unix:{tmp_path}/api", **more)) as url:
                door = Door(url, trust)
                engine.sign_ins = SignIns(engine.keyring, attempts=SignInAttempts(lambda: door.now))
                yield door
        finally:
            await server.stop(5.0)

    return opened


async def test_guessing_is_slowed_down_and_nobody_is_locked_out(open_door: Open) -> None:
    async with open_door() as door:
        for name, pauses in (("nobody", (1,)), ("ada", (1, 2))):
            told = []
            for _ in range(FREE_FAILURES):
                reply = await door.sign_in(name, "not the password")
                assert reply.status == 401
                told.append(reply.body.count("Nobody can sign in with this name and password"))
            assert told == [1] * FREE_FAILURES
            for pause in pauses:
                reply = await door.sign_in(name, PASSWORD)
                assert reply.status == 429, "also with the right password: it was not looked at"
                assert reply.headers["retry-after"] == str(pause)
                assert "too many tries" in reply.body
                assert "steeple_session" not in reply.cookies
                door.now += pause - 0.5
                assert (await door.sign_in(name, PASSWORD)).status == 429
                door.now += 0.5
                if pause < pauses[-1]:
                    assert (await door.sign_in(name, "not the password")).status == 401
        assert (await door.sign_in("ada", PASSWORD)).status == 303, "after the pause, the right password works"
        assert LONGEST_PAUSE <= 60, "nobody is locked out for longer"


@pytest.mark.parametrize(("behind", "address"), [(False, "127.0.0.1"), (True, "198.51.100.7")])
async def test_what_talks_tls_for_the_console_says_where_somebody_signs_in_from(
    open_door: Open, behind: bool, address: str
) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/130.0"
    forged = {"x-forwarded-for": "192.0.2.99, 198.51.100.7", "user-agent": agent}
    async with open_door(behind_tls=behind) as door:
        door.secure = behind
        reply = await door.sign_in("ada", PASSWORD, **forged)
        name = "__Host-steeple_session" if behind else "steeple_session"
        page = await door.ask("/me", cookies={name: reply.cookies[name].value})
        assert f"from {address}" in page.body
        assert "Firefox on Windows" in page.body
        assert "192.0.2.99" not in page.body, "what the browser itself said of that counts for nothing"


async def test_through_tls_cookies_are_for_this_host_alone(open_door: Open) -> None:
    async with open_door(tls=True) as door:
        assert door.url.startswith("https://")
        reply = await door.sign_in("ada", PASSWORD)
        assert reply.status == 303
        for name in ("__Host-steeple_session", "__Host-steeple_browser"):
            cookie = reply.cookies[name]
            assert cookie["secure"] is True
            assert cookie["httponly"] is True
            assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("lax", "/", "")
        assert reply.headers["strict-transport-security"] == "max-age=31536000"
        secret = reply.cookies["__Host-steeple_session"].value
        assert (await door.ask("/me", cookies={"__Host-steeple_session": secret})).status == 200
        assert (await door.ask("/me", cookies={"steeple_session": secret})).status == 303, (
            "not by a name others may set"
        )


# --- files ---


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../config.py",
        "/static/x/%2e%2e/%2e%2e/config.py",
        "/static/x/..%2f..%2fconfig.py",
        "/static/x/....//....//config.py",
        "/static/x/..%5c..%5cconfig.py",
        "/static/x//etc/passwd",
        "/static/x/%2fetc/passwd",
        "/static/x/%00console.css",
        "/static/../config.py",
        "/static/%2e%2e/security.py",
        "/static/x/",
        "/static/x",
        "/static",
    ],
)
def test_only_files_of_the_console_are_served(guarded: Guarded, path: str) -> None:
    reply = ask(guarded.console, path)
    assert reply.status in (303, 307, 400, 404, 405), reply.body[:200]
    assert "import" not in reply.body
    assert "root:" not in reply.body
