"""What goes on meanwhile."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response, StreamingResponse

from steeple.console.following import follow
from steeple.console.routing import Pages
from steeple.console.security import local_path
from steeple.console.visit import Visit

PAGES: Final = Pages()


@PAGES.get("/operations/{operation}/events")
async def events(visit: Visit) -> Response:
    """Follows an operation until it ends; see ``data-events`` in ``console.js``."""
    operation = await visit.client.get_operation(visit.request.path_params["operation"])  # there must be one
    return StreamingResponse(
        follow(visit.client, operation.name),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},  # nothing in between is to hold events back
    )


@PAGES.post("/operations/{operation}/stop")
async def stop(visit: Visit) -> Response:
    """Tells an operation to stop; back to the page that asked."""
    await visit.client.cancel_operation(visit.request.path_params["operation"])
    return visit.go(local_path(visit.text("next", "/operations")), "It stops soon.")


@PAGES.post("/operations/{operation}/go-on")
async def go_on(visit: Visit) -> Response:
    """Goes on with an operation that failed or was stopped; back to the page that asked."""
    await visit.client.resume_operation(visit.request.path_params["operation"])
    return visit.go(local_path(visit.text("next", "/operations")), "It goes on.")
