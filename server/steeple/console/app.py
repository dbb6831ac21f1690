"""The console as a web application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from steeple.console.clients import Clients
from steeple.console.config import ConsoleConfig
from steeple.console.identity_provider import IdentityProvider
from steeple.console.pages import PARTS
from steeple.console.rendering import STATIC_FOLDER, environment, static_version
from steeple.console.routing import failure
from steeple.console.security import SecurityMiddleware
from steeple.console.signing_in import who
from steeple.console.trying.desk import Desk
from steeple.console.visit import Visit
from steeple.errors import InvalidArgumentError, NotFoundError, SteepleError

_FOREVER: Final = "public, max-age=31536000, immutable"


def make_app(config: ConsoleConfig) -> Starlette:
    """The application of a console.

    Args:
        config: Of the console.
    """
    clients, templates, desk = Clients(config.target), environment(), Desk()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            desk.close()
            await clients.close()

    async def not_a_page(request: Request, error: Exception) -> Response:
        visit = Visit(request, config, clients, templates)
        status = error.status_code if isinstance(error, HTTPException) else 500
        with suppress(SteepleError):  # the page is shown to nobody then
            visit.me = await who(visit)
        told: SteepleError = NotFoundError("there is no such page")
        if status not in (404, 405):
            told = InvalidArgumentError(str(getattr(error, "detail", "")) or "the request cannot be read")
        response = failure(visit, told)
        response.status_code = status
        return response

    app = Starlette(
        routes=[
            *(route for part in PARTS for route in part.routes(config, clients, templates)),
            Mount("/static/{version}", _Static(directory=STATIC_FOLDER)),
        ],
        middleware=[Middleware(SecurityMiddleware, config=config)],
        exception_handlers={HTTPException: not_a_page},
        lifespan=lifespan,
    )
    app.state.identity = None if config.provider is None else IdentityProvider(config.provider)
    app.state.desk = desk
    return app


class _Static(StaticFiles):
    """Files that are asked for below their version, and so never change."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        current = scope["path_params"].get("version") == static_version()

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200 and current:
                message["headers"] = [*message["headers"], (b"cache-control", _FOREVER.encode())]
            await send(message)

        await super().__call__(scope, receive, kept)
