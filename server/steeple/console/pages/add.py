"""Adding imagery: photos one by one, or many at a time as an import."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Final

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from steeple.client import Landmark, Operation
from steeple.console import adding, choosing, following, importing, matching
from steeple.console.rendering import sentence, size
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    SteepleError,
)

PAGES: Final = Pages()

TARGETS: Final = ("existing", "new", "folders")
MOST_AT_ONCE: Final = 40
"""Photos that are added one by one; more of them are an import."""
MOST_BYTES: Final = 64 << 20
"""Of a photo, as the server has it."""


@PAGES.get("/add", scope="editor")
async def add(visit: Visit) -> Response:
    """Where photos are chosen, and what they show."""
    return await _page(visit, landmark=await _named(visit, visit.query.get("landmark", "")))


@PAGES.post("/add")
async def add_all(visit: Visit) -> Response:
    """The same form, sent as browsers send it: photos, an archive, or a folder of the server."""
    files = [
        file for name in ("files", "folder") for file in visit.form.getlist(name)
        if isinstance(file, UploadFile) and file.filename
    ]  # fmt: skip
    folder = visit.text("server_folder")
    try:
        if folder or any(importing.is_archive(file.filename or "") for file in files):
            return visit.go(_path(await _import_files(visit, files, folder)))
        if not files:
            raise InvalidArgumentError("Choose photos, an archive of photos, or a folder.", field="files")
        if visit.text("target") == "folders" or len(files) > MOST_AT_ONCE:
            landmark = None if visit.text("target") == "folders" else await _target(visit)
            return visit.go(_path(await _import_packed(visit, files, landmark)))
        landmark = await _target(visit)
        outcomes = await adding.add_photos(
            visit.client, landmark, [partial(_read, file) for file in files], ask=visit.text("lookalikes") == "refuse"
        )
    except (InvalidArgumentError, NotFoundError, FailedPreconditionError, AlreadyExistsError) as error:
        return await _page(visit, 400, problems=_problems(error, folder))
    names = [file.filename or "" for file in files]
    return visit.show("added.html", landmark=landmark, outcomes=list(zip(names, outcomes, strict=True)))


@PAGES.get("/add/landmarks", scope="editor")
async def suggest(visit: Visit) -> Response:
    """Landmarks that somebody may mean who has typed so far."""
    found = await choosing.suggested(visit.client, visit.query.get("q", ""))
    return JSONResponse([choosing.written(landmark) for landmark in found])


@PAGES.post("/add/target")
async def target(visit: Visit) -> Response:
    """Settles what photos show, before they are sent: a landmark that is there, or one that is made now."""
    landmark = await _target(visit)
    return JSONResponse({
        "id": landmark.id,
        "name": landmark.display_name,
        "written": choosing.written(landmark),
        "made": visit.text("target") == "new",
    })  # fmt: skip


@PAGES.post("/add/photo")
async def add_one(visit: Visit) -> Response:
    """Adds one photo, and tells what became of it."""
    photo = await _photo(visit)
    landmark = await visit.client.get_landmark(visit.text("landmark"))
    outcome = await adding.add_photo(visit.client, landmark, photo, ask=visit.text("ask") == "yes")
    return JSONResponse(outcome.to_dict())


@PAGES.post("/add/compare")
async def compare(visit: Visit) -> Response:
    """A photo that is not in the catalogue beside one that is, for the script to put the photo in."""
    photo, other = await _photo(visit), visit.text("other")
    matched = await matching.matches(visit.client, photo, other)
    return visit.show("matched_part.html", matched=matched, first="", second=other)


@PAGES.get("/add/matches", scope="reader")
async def matches(visit: Visit) -> Response:
    """Two photos of the catalogue side by side."""
    first, second = visit.query.get("first", ""), visit.query.get("second", "")
    if not first or not second:
        return visit.go("/landmarks")
    matched = await matching.matches_between(visit.client, first, second)
    return visit.show("matched.html", matched=matched, first=first, second=second)


@PAGES.post("/add/import")
async def begin_import(visit: Visit) -> Response:
    """Begins an import of what was uploaded."""
    operation = await _begin(visit, upload=visit.text("upload"))
    return JSONResponse({"path": _path(operation)})


@PAGES.get("/add/imports/{operation}", scope="reader")
async def import_page(visit: Visit) -> Response:
    """An import, while it goes on and when it is done."""
    name = visit.request.path_params["operation"]
    problems = visit.client.list_operation_problems(name, page_size=50)
    operation, page = await asyncio.gather(visit.client.get_operation(name), problems.page(visit.query.get("page", "")))
    likes = importing.lookalikes(operation)
    others = sorted({like.other_landmark for like in likes})
    there, called = await asyncio.gather(
        asyncio.gather(*(_is_there(visit, like.image) for like in likes)),
        asyncio.gather(*(_display_name(visit, landmark) for landmark in others)),
    )
    return visit.show(
        "import.html", operation=operation, problems=page, likes=list(zip(likes, there, strict=True)),
        names=dict(zip(others, called, strict=True)),
        figures=importing.figures(operation), summary=importing.summary(operation), facts=following.facts,
    )  # fmt: skip


@PAGES.post("/add/take-out")
async def take_out(visit: Visit) -> Response:
    """Takes a photo out that was added."""
    image = visit.text("image")
    await visit.client.delete_reference_image(image)
    return visit.go(
        _back(visit, image), "The photo was taken out. Until it expires, it can be brought back on its landmark's page."
    )


@PAGES.post("/add/move")
async def move(visit: Visit) -> Response:
    """Takes a photo to the landmark that it shows."""
    image, landmark = visit.text("image"), visit.text("landmark")
    moved = await adding.move_photo(visit.client, image, landmark)
    told = "The photo was moved." if moved else "That landmark has the photo already; it was taken out here."
    return visit.go(_back(visit, image), told)


async def _page(
    visit: Visit, status: int = 200, /, *, landmark: str = "", problems: Mapping[str, str] = {}
) -> Response:
    options = await choosing.suggested(visit.client, visit.text("landmark"))
    return visit.show(
        "add.html", status, problems=problems, options=[choosing.written(each) for each in options],
        most=MOST_AT_ONCE,
        given={
            "landmark": visit.text("landmark") or landmark,
            "display_name": visit.text("display_name"),
            "target": visit.text("target") if visit.text("target") in TARGETS else "existing",
            "lookalikes": visit.text("lookalikes") or "ask",
            "server_folder": visit.text("server_folder"),
        },
    )  # fmt: skip


async def _named(visit: Visit, given: str) -> str:
    """What the field of the landmark begins with, where a link brought somebody here from one."""
    if not given:
        return ""
    try:
        return choosing.written(await visit.client.get_landmark(given))
    except SteepleError:
        return given


async def _target(visit: Visit) -> Landmark:
    """The landmark of the form; a new one is made."""
    if visit.text("target") != "new":
        return await choosing.chosen(visit.client, visit.text("landmark"))
    name = visit.text("display_name")
    if not name:
        raise InvalidArgumentError("Give the new landmark a name.", field="display_name")
    return await visit.client.create_landmark(name)


async def _import_files(visit: Visit, files: list[UploadFile], folder: str) -> Operation:
    if folder:
        if files:
            raise InvalidArgumentError(
                "Choose files here, or a folder of the server, one of the two.", field="server_folder"
            )
        return await _begin(visit, folder=folder)
    if len(files) > 1:
        raise InvalidArgumentError("Send an archive alone, without other files.", field="files")
    (archive,) = files
    upload = await importing.send(visit.client, archive, archive.filename or "", archive.size or 0)
    return await _begin(visit, upload=upload.name)


async def _import_packed(visit: Visit, files: list[UploadFile], landmark: Landmark | None) -> Operation:
    if landmark is None and not any("/" in (file.filename or "") for file in files):
        raise InvalidArgumentError(
            "These photos are in no folder that could name a landmark. Choose a folder, or say what they show.",
            field="files",
        )
    with await importing.pack(files, landmark) as archive:
        size = archive.seek(0, 2)
        archive.seek(0)
        upload = await importing.send(visit.client, archive, "photos.zip", size)
    return await _begin(visit, upload=upload.name)


async def _begin(visit: Visit, *, upload: str = "", folder: str = "") -> Operation:
    duplicates = importing.LOOKALIKES.get(visit.text("lookalikes"), "report")
    operation = await visit.client.import_reference_images(upload=upload, folder=folder, duplicates=duplicates)
    if upload:
        importing.delete_when_done(visit.client, upload, operation)
    return operation


async def _photo(visit: Visit) -> bytes:
    photo = visit.form.get("photo")
    if not isinstance(photo, UploadFile):
        raise InvalidArgumentError("Send a photo.", field="photo")
    return await _read(photo)


async def _read(photo: UploadFile) -> bytes:
    if (photo.size or 0) > MOST_BYTES:
        raise InvalidArgumentError(f"A photo has at most {size(MOST_BYTES)}; this one has {size(photo.size or 0)}.")
    return await photo.read()


async def _is_there(visit: Visit, image: str) -> bool:
    if not image:
        return False
    try:
        return (await visit.client.get_reference_image(image)).delete_time is None
    except NotFoundError:
        return False


async def _display_name(visit: Visit, landmark: str) -> str:
    try:
        return (await visit.client.get_landmark(landmark)).display_name
    except NotFoundError:
        return landmark


def _path(operation: Operation) -> str:
    return f"/add/imports/{operation.id}"


def _back(visit: Visit, image: str) -> str:
    """Where to go from a decision about a photo: to the import that brought it, or to its landmark."""
    of_import = visit.text("import")
    if of_import.replace("-", "").isalnum() and of_import.isascii():
        return f"/add/imports/{of_import}"
    return f"/{image.partition('/images/')[0]}" if image.startswith("landmarks/") else "/add"


def _problems(error: SteepleError, folder: str) -> dict[str, str]:
    """Beside which field a problem is shown."""
    told = error.metadata.get("field", "")
    field = {"display_name": "display_name", "landmark.display_name": "display_name", "landmark": "landmark"}.get(told)
    if field is None:
        field = "server_folder" if folder else "files"
    return {field: sentence(error.message)}
