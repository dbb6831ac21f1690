"""Discovering landmarks in heaps of photos, and deciding about what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from steeple.client import Discovery, Operation, OperationProblem, Proposal
from steeple.client.listing import ListPage
from steeple.console import discovering, following, importing
from steeple.console.rendering import sentence
from steeple.console.routing import SCRIPT_HEADER, Pages
from steeple.console.visit import Visit
from steeple.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, SteepleError

PAGES: Final = Pages()

_PROPOSALS: Final = 8
_LEFTOVERS: Final = 60
_OPTIONS: Final = {"radius_meters": "The width of a place", "min_views": "The number of views"}
_TABS: Final = ("proposed", "accepted", "discarded", "leftovers")


@PAGES.get("/discover")
async def discover(visit: Visit) -> Response:
    """Discoveries, the latest first, and where to begin one."""
    return await _discoveries(visit)


@PAGES.post("/discover")
async def start(visit: Visit) -> Response:
    """Begins one: of an upload that is complete, of files of the form, or of a folder of the server."""
    try:
        operation = await _start(visit)
    except (InvalidArgumentError, NotFoundError, FailedPreconditionError) as error:
        if visit.request.headers.get(SCRIPT_HEADER):
            raise
        field = error.metadata.get("field", "").removeprefix("options.")
        if field not in _OPTIONS:
            field = "server_folder" if visit.text("server_folder") else "files"
        return await _discoveries(visit, {field: sentence(error.message)})
    path = f"/discover/{operation.id}"
    return JSONResponse({"path": path}) if visit.request.headers.get(SCRIPT_HEADER) else visit.go(path)


@PAGES.get("/discover/{discovery}")
async def one(visit: Visit) -> Response:
    """A discovery: how far it is, what it proposes, and what is left over."""
    return await _one(visit)


@PAGES.get("/discover/{discovery}/proposals/{proposal}")
async def proposal_page(visit: Visit) -> Response:
    """A proposal with all its photos and how they match."""
    return await _proposal(visit)


@PAGES.post("/discover/{discovery}/proposals/{proposal}")
async def decide(visit: Visit) -> Response:
    """Does with a proposal what somebody decided."""
    name, do = _proposal_name(visit), visit.text("do")
    photos = [f"{_name(visit)}/photos/{number}" for number in visit.texts("photos")]
    script = bool(visit.request.headers.get(SCRIPT_HEADER))
    try:
        told, landmark = await discovering.decide(visit.client, name, do, name=visit.text("name"), photos=photos)
    except InvalidArgumentError as error:
        if script:
            raise
        return await _proposal(visit, {error.metadata.get("field", "name"): sentence(error.message)})
    if script:
        return JSONResponse({"told": told, "landmark": landmark, "undo": "restore" if do == "discard" else ""})
    return visit.go(f"/discover/{visit.request.path_params['discovery']}", told)


@PAGES.post("/discover/{discovery}/merge")
async def merge(visit: Visit) -> Response:
    """Makes one proposal of those that are chosen."""
    numbers = sorted({int(number) for number in visit.texts("proposals") if number.isdecimal()})
    if len(numbers) < 2:
        raise InvalidArgumentError("Choose two proposals or more that show the same landmark.", field="proposals")
    merged = await visit.client.merge_proposals([f"{_name(visit)}/proposals/{number}" for number in numbers])
    told = f"{len(numbers)} proposals became proposal {merged.id}, of {merged.photo_count} photos."
    if visit.request.headers.get(SCRIPT_HEADER):
        return JSONResponse({"told": told, "landmark": "", "undo": ""})
    return visit.go(f"/discover/{visit.request.path_params['discovery']}", told)


@PAGES.post("/discover/{discovery}/delete")
async def delete(visit: Visit) -> Response:
    """Forgets a discovery, and the upload that it was of."""
    found = await visit.client.get_discovery(_name(visit))
    await visit.client.delete_discovery(found)
    if found.source.startswith("uploads/"):
        with suppress(SteepleError):  # the server has deleted it, or does so by itself
            await visit.client.delete_upload(found.source)
    return visit.go("/discover", "The discovery and its photos were deleted. What was accepted stays.")


@PAGES.get("/discover/{discovery}/photos/{photo}/thumbnail")
async def thumbnail(visit: Visit) -> Response:
    """A photo made small."""
    return await _photo(visit, thumbnail=True)


@PAGES.get("/discover/{discovery}/photos/{photo}/photo")
async def photo(visit: Visit) -> Response:
    """A photo as it was found."""
    return await _photo(visit, thumbnail=False)


async def _discoveries(visit: Visit, problems: Mapping[str, str] | None = None) -> Response:
    page = await visit.client.list_discoveries(page_size=20).page(visit.query.get("page", ""))
    sources = {each.name: discovering.source(each) for each in page.items}
    return visit.show(
        "discover.html",
        400 if problems else 200,
        page=page,
        sources=sources,
        problems=problems or {},
        given={name: visit.text(name) for name in ("server_folder", *_OPTIONS)},
    )


async def _start(visit: Visit) -> Operation:
    upload, folder = visit.text("upload"), visit.text("server_folder")
    files = [
        file
        for name in ("files", "folder")
        for file in visit.form.getlist(name)
        if isinstance(file, UploadFile) and file.filename
    ]
    if upload:
        return await _begin(visit, f"uploads/{upload.removeprefix('uploads/')}")
    if folder:
        return await visit.client.start_discovery(
            folder=folder, radius_meters=_option(visit, "radius_meters"), min_views=_option(visit, "min_views")
        )
    if not files:
        raise InvalidArgumentError("Choose photos, an archive of photos, or a folder.", field="files")
    if importing.is_archive(files[0].filename or ""):
        sent = await importing.send(visit.client, files[0], files[0].filename or "", files[0].size or 0)
    else:
        with await importing.pack(files) as archive:
            size = archive.seek(0, 2)
            archive.seek(0)
            sent = await importing.send(visit.client, archive, "photos.zip", size)
    return await _begin(visit, sent.name)


async def _begin(visit: Visit, upload: str) -> Operation:
    operation = await visit.client.start_discovery(
        upload=upload, radius_meters=_option(visit, "radius_meters"), min_views=_option(visit, "min_views")
    )
    importing.delete_when_done(visit.client, upload, operation)
    return operation


def _option(visit: Visit, name: str) -> int | None:
    """How photos become proposals, where the form says something else than is usual."""
    text = visit.text(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 7:
        raise InvalidArgumentError(f"{_OPTIONS[name]} is a whole number, not {text[:20]!r}.", field=name)
    return int(text)


async def _one(visit: Visit) -> Response:
    name = _name(visit)
    discovery, operation = await asyncio.gather(_discovery(visit, name), _operation(visit, name))
    if discovery is None and operation is None:
        raise NotFoundError("there is no such discovery any more", resource=name)
    tab = visit.query.get("show", "proposed")
    tab = tab if tab in _TABS else "proposed"
    cards: list[discovering.Shown] = []
    page: ListPage[Proposal] | None = None
    leftovers = None
    problems = await _problems(visit, operation)
    if discovery is not None and discovery.ready:
        token = visit.query.get("page", "")
        if tab == "leftovers":
            leftovers = await visit.client.list_leftovers(name, page_size=_LEFTOVERS).page(token)
        else:
            page = await visit.client.list_proposals(name, states=[tab], page_size=_PROPOSALS).page(token)
            full = await asyncio.gather(*(visit.client.get_proposal(each) for each in page.items))
            cards = [discovering.shown(each, discovering.CARD_PHOTOS) for each in full]
    return visit.show(
        "discovery.html",
        discovery=discovery,
        operation=operation,
        id=visit.request.path_params["discovery"],
        source="" if discovery is None else discovering.source(discovery),
        tab=tab,
        page=page,
        cards=cards,
        leftovers=leftovers,
        problems=problems,
        facts=following.facts,
        reason=discovering.reason,
        cohesion=discovering.cohesion,
        wrong={},
    )


async def _proposal(visit: Visit, wrong: Mapping[str, str] | None = None) -> Response:
    found = await visit.client.get_proposal(_proposal_name(visit))
    return visit.show(
        "proposal.html",
        400 if wrong else 200,
        id=visit.request.path_params["discovery"],
        card=discovering.shown(found),
        drawing=discovering.drawing(found),
        cohesion=discovering.cohesion,
        wrong=wrong or {},
    )


async def _discovery(visit: Visit, name: str) -> Discovery | None:
    """None: it is not there yet."""
    try:
        return await visit.client.get_discovery(name)
    except NotFoundError:
        return None


async def _operation(visit: Visit, name: str) -> Operation | None:
    """None: it is forgotten, which operations are before discoveries."""
    try:
        return await visit.client.get_operation(f"operations/{name.rpartition('/')[2]}")
    except NotFoundError:
        return None


async def _problems(visit: Visit, operation: Operation | None) -> ListPage[OperationProblem]:
    if operation is None or not operation.problem_count:
        return ListPage((), "", 0)
    return await visit.client.list_operation_problems(operation, page_size=50).page()


async def _photo(visit: Visit, *, thumbnail: bool) -> Response:
    etag = '"small"' if thumbnail else '"whole"'  # what a name stands for never changes
    headers = {"cache-control": "private, max-age=86400", "etag": etag}
    params = visit.request.path_params
    name = f"{_name(visit)}/photos/{params['photo']}"
    file = await visit.client.download_proposal_photo(name, thumbnail=thumbnail)
    shown = file.media_type in ("image/jpeg", "image/png", "image/webp", "image/bmp")
    return Response(file.data, media_type=file.media_type if shown else "application/octet-stream", headers=headers)


def _name(visit: Visit) -> str:
    return f"discoveries/{visit.request.path_params['discovery']}"


def _proposal_name(visit: Visit) -> str:
    return f"{_name(visit)}/proposals/{visit.request.path_params['proposal']}"
