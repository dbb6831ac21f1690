"""Bodies that are too long, stop, or go on after the answer."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from steeple.console.bodies import BodyLimits, limited
from steeple.console.lingering import LingeringMiddleware
from steeple.errors import DeadlineExceededError, ResourceExhaustedError

from .conftest import Guarded
from .raw import FORM, ask


def test_too_much_is_refused_before_it_is_read(guarded: Guarded) -> None:
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    part = b'--x\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * 5_000_000
    for headers, body in ((FORM, b"a=" + b"x" * 5_000_000), (multipart, part)):
        reply = ask(guarded.console, "/sign-in", method="POST", body=body, headers=headers)
        assert reply.status == 413
    many = "&".join(f"f{number}=1" for number in range(5000)).encode()
    assert ask(guarded.console, "/theme", method="POST", body=many, headers=FORM).status in (400, 403)
    torn = {"content-type": "multipart/form-data"}
    assert ask(guarded.console, "/theme", method="POST", body=b"--x", headers=torn).status in (400, 403)


@pytest.mark.parametrize(("path", "status"), [("/sign-in", 413), ("/landmarks", 405), ("/review/verdicts", 401)])
def test_who_is_refused_half_way_may_say_the_rest_and_is_not_reset(guarded: Guarded, path: str, status: int) -> None:
    url, size, half = urlsplit(guarded.console), 8_000_000, 4_000_000
    with closing(http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)) as connection:
        connection.putrequest("POST", path)
        for name, value in {**FORM, "content-length": str(size)}.items():
            connection.putheader(name, value)
        connection.endheaders(b"a=" + b"x" * (half - 2))
        response = connection.getresponse()
        assert response.status == status
        assert len(response.read()) == int(response.getheader("content-length", "")) > 0
        connection.sock.sendall(b"x" * (size - half))
        connection.request("GET", "/sign-in")
        assert connection.getresponse().status == 200, "and the connection is as good as before"


async def test_who_goes_on_for_too_long_is_heard_no_more() -> None:
    said: list[Message] = []
    heard = 0

    async def endless() -> Message:
        nonlocal heard
        await asyncio.sleep(0)
        heard += 1
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        said.append(message)
        if not message.get("more_body", True):
            before = heard
            async with asyncio.timeout(10):
                while heard < before + 10:  # the web server closes when there is room in its queue
                    await asyncio.sleep(0)

    await LingeringMiddleware(PlainTextResponse("no"), seconds=0.02)({"type": "http", "method": "POST"}, endless, send)
    assert [each.get("more_body") for each in said] == [None, True, False]
    assert [each.get("body") for each in said] == [None, b"no", b""]


async def test_a_request_that_was_read_is_answered_in_one_piece() -> None:
    said: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await PlainTextResponse("yes")(scope, receive, send)

    async def send(message: Message) -> None:
        said.append(message)

    end: Message = {"type": "http.request", "body": b"", "more_body": False}
    await LingeringMiddleware(app)({"type": "http", "method": "POST"}, sending(b"abc", then=end), send)
    assert [(each.get("body"), each.get("more_body", False)) for each in said] == [(None, False), (b"yes", False)]


def sending(*parts: bytes, then: Message | None = None) -> Callable[[], Awaitable[Message]]:
    """A browser that sends these parts, and then says no more, or that."""
    coming: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    coming += [] if then is None else [then]

    async def receive() -> Message:
        return coming.pop(0) if coming else await asyncio.get_running_loop().create_future()

    return receive


async def read(receive: Callable[[], Awaitable[Message]]) -> int:
    taken = 0
    while True:
        message = await receive()
        taken += len(message.get("body", b""))
        if not message.get("more_body", False):
            return taken


async def test_a_body_that_stops_is_not_waited_for() -> None:
    limits = BodyLimits(bytes=100, pause=0.02, seconds=10.0)
    with pytest.raises(DeadlineExceededError):
        await read(limited(sending(b"abc"), limits))


async def test_a_body_that_goes_on_slowly_is_ended() -> None:
    limits = BodyLimits(bytes=100, pause=10.0, seconds=0.02)
    with pytest.raises(DeadlineExceededError):
        await read(limited(sending(b"abc"), limits))


async def test_a_body_is_taken_up_to_its_limit_and_no_further() -> None:
    limits = BodyLimits(bytes=6, pause=10.0, seconds=10.0)
    end: Message = {"type": "http.request", "body": b"", "more_body": False}
    assert await read(limited(sending(b"abc", b"def", then=end), limits)) == 6
    with pytest.raises(ResourceExhaustedError):
        await read(limited(sending(b"abc", b"defg", then=end), limits))


async def test_after_the_body_a_browser_may_wait_for_its_answer_as_long_as_it_likes() -> None:
    limits = BodyLimits(bytes=6, pause=0.01, seconds=0.01)
    gone: Message = {"type": "http.disconnect"}
    receive = limited(sending(then={"type": "http.request", "body": b"a", "more_body": False}), limits)
    assert await read(receive) == 1
    waiting = asyncio.ensure_future(receive())
    _, pending = await asyncio.wait({waiting}, timeout=0.05)
    assert pending == {waiting}
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    receive = limited(sending(then=gone), limits)
    assert (await receive())["type"] == "http.disconnect"
