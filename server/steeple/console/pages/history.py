"""What was done to a landmark and its photos, by whom, and how to put it back."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from steeple.client import Landmark, ReferenceImage
from steeple.console import change_words
from steeple.console.routing import Pages
from steeple.console.security import local_path
from steeple.console.visit import Visit
from steeple.errors import ChangedSinceError, FailedPreconditionError

PAGES: Final = Pages()

_PAGE_SIZE: Final = 30


@PAGES.get("/landmarks/{landmark}/history", scope="editor")
async def history(visit: Visit) -> Response:
    """All changes, the latest first."""
    landmark_id = visit.request.path_params["landmark"]
    events = visit.client.list_audit_events(resource=f"landmarks/{landmark_id}", page_size=_PAGE_SIZE)
    token = visit.query.get("page", "")
    landmark, page = await asyncio.gather(visit.client.get_landmark(landmark_id), events.page(token))
    return visit.show(
        "history.html",
        landmark=landmark,
        changes=[change_words.told(event, visit.me) for event in page.items],
        page=page,
        page_token=token,
    )


@PAGES.post("/changes/{number}/undo")
async def undo(visit: Visit) -> Response:
    """Puts one change back, if nobody has changed the same since."""
    number = visit.request.path_params["number"]
    try:
        undone = await visit.client.undo_change(number)
    except ChangedSinceError as error:
        fields = [change_words.field_title(name) for name in error.metadata.get("fields", "").split(", ") if name]
        later = error.metadata.get("event", "").rpartition("/")[2]
        return visit.show(
            "undo_refused.html",
            409,
            fields=fields,
            later=later,
            message=error.message,
            back=local_path(visit.text("next", "/landmarks")),
        )
    except FailedPreconditionError as error:
        return visit.show(
            "undo_refused.html",
            409,
            fields=[],
            later="",
            message=error.message,
            back=local_path(visit.text("next", "/landmarks")),
        )
    return visit.go(_after(visit, undone.resource), "Undone. That is a change too, and can be undone itself.")


def _after(visit: Visit, resource: Landmark | ReferenceImage | None) -> str:
    wanted = visit.text("next")
    if wanted:
        return local_path(wanted)
    return "/landmarks" if resource is None else f"/{resource.name}"
