"""Who calls: as the server says, with what the browser has kept."""

from __future__ import annotations

from steeple.console.sessions import ANYBODY, Me
from steeple.console.visit import Visit
from steeple.errors import UnauthenticatedError


async def who(visit: Visit) -> Me:
    """Who sits at the browser; nobody, if their session is over."""
    try:
        await visit.client.server_info()
    except UnauthenticatedError:
        return ANYBODY
    return Me(scope="admin", display_name="Everybody")
