"""Answers that browsers get to read, though they were given before all of the request was read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_SECONDS: Final = 10.0
"""How long a browser that has its answer may go on sending."""


class LingeringMiddleware:
    """Reads on, and throws away, what browsers send after they have been answered.

    A form may be refused before all of it has come. A connection that is closed then is reset under whoever still
    sends, and most browsers show that instead of the answer. A connection that is left as it is fills the web server's
    queue of what the application has not read, and it waits for ever.
    """

    def __init__(self, app: ASGIApp, seconds: float = LINGER_SECONDS) -> None:
        """Of an application.

        Args:
            app: The same.
            seconds: How long what is sent after an answer is read; the connection is closed then.
        """
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; its last piece of an answer is followed by the rest of the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        over = False

        async def heard() -> Message:
            nonlocal over
            message = await receive()
            over = over or message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def hear_out() -> None:
            while not over:
                await heard()

        async def said(message: Message) -> None:
            if over or message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            await send({**message, "more_body": True})  # all of the answer, of a connection that stays open
            with suppress(TimeoutError):
                await asyncio.wait_for(hear_out(), self._seconds)
            closing = asyncio.ensure_future(hear_out())  # its end is put where all that was not read lies
            try:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                closing.cancel()

        await self._app(scope, heard, said)
