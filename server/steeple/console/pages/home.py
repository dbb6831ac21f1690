"""Where a visit begins, and how pages look."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from steeple.console.routing import Pages
from steeple.console.security import local_path
from steeple.console.sessions import THEME_COOKIE
from steeple.console.visit import Visit

PAGES: Final = Pages()

_YEAR_SECONDS: Final = 365 * 86_400


@PAGES.get("/", scope=None)
async def begin(visit: Visit) -> Response:
    """The first page."""
    return visit.go("/landmarks" if visit.me.known else "/sign-in")


@PAGES.post("/theme", scope=None)
async def choose_theme(visit: Visit) -> Response:
    """Has pages look light, dark, or as the system does."""
    response = visit.go(local_path(visit.text("next", "/")))
    chosen = visit.text("theme")
    if chosen in ("light", "dark"):
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=_YEAR_SECONDS, secure=visit.config.secure, httponly=True, samesite="lax"
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
