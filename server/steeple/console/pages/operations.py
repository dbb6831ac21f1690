"""Long work: how far it is, what went wrong, and what came of it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from steeple.client import OperationState
from steeple.console.operation_facts import FILTERS, facts_of
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.errors import NotFoundError

PAGES: Final = Pages()

_PAGE_SIZE: Final = 30


@PAGES.get("/operations")
async def operations(visit: Visit) -> Response:
    """All of them, the latest first."""
    chosen = visit.query.get("state", "")
    _, states = FILTERS.get(chosen, FILTERS[""])
    page = await visit.client.list_operations(states=states, page_size=_PAGE_SIZE).page(visit.query.get("page", ""))
    following = {"state": chosen} if chosen else {}
    return visit.show(
        "operations.html",
        rows=[facts_of(operation) for operation in page.items],
        filters=[(key, title) for key, (title, _) in FILTERS.items()],
        chosen=chosen,
        first=f"/operations?{urlencode(following)}" if visit.query.get("page") else "",
        next=f"/operations?{urlencode(following | {'page': page.next_page_token})}" if page.next_page_token else "",
    )


@PAGES.get("/operations/{id}")
async def operation(visit: Visit) -> Response:
    """One of them."""
    name = visit.request.path_params["id"]
    found, problems = await asyncio.gather(
        visit.client.get_operation(name),
        visit.client.list_operation_problems(name, page_size=_PAGE_SIZE).page(visit.query.get("problems", "")),
    )
    return visit.show(
        "operation.html",
        facts=facts_of(found),
        operation=found,
        problems=problems.items,
        next=f"/operations/{name}?{urlencode({'problems': problems.next_page_token})}#problems"
        if problems.next_page_token
        else "",
        resumable=found.state in (OperationState.FAILED, OperationState.CANCELLED),
    )


@PAGES.post("/operations/{id}/delete")
async def delete(visit: Visit) -> Response:
    """Forgets one that is finished, and its files."""
    await visit.client.delete_operation(visit.request.path_params["id"])
    return visit.go("/operations", "The operation is forgotten. What it has done stays done.")


@PAGES.get("/operations/{id}/file", scope="editor")
async def download(visit: Visit) -> Response:
    """The file that one has made, whole and checked against its hash before it is sent on."""
    name = visit.request.path_params["id"]
    found = facts_of(await visit.client.get_operation(name))
    if found.file is None:
        raise NotFoundError("this operation has made no file")
    folder = tempfile.TemporaryDirectory(prefix="steeple-console-", ignore_cleanup_errors=True)
    try:
        path = Path(folder.name) / "file"
        await visit.client.download_operation_file(name, found.file.name, path)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        path,
        filename=found.file.name,
        media_type="application/octet-stream",
        background=BackgroundTask(folder.cleanup),
    )
