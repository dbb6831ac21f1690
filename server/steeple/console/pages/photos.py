"""Photos of landmarks: their files, and a page for each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from steeple.client import LatLng, ReferenceImage
from steeple.console import change_words
from steeple.console.grades import grade_words
from steeple.console.landmark_form import metadata_rows, metadata_sent, place_text, read_metadata, read_place
from steeple.console.pages.maps import small_map
from steeple.console.rendering import STATIC_FOLDER
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.errors import AbortedError, DataLossError, InvalidArgumentError, NotFoundError

PAGES: Final = Pages()

_KINDS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/bmp": "bmp"}
_NO_PHOTO: Final = (STATIC_FOLDER / "no-photo.svg").read_bytes()


@PAGES.get("/landmarks/{landmark}/cover")
async def cover(visit: Visit) -> Response:
    """The thumbnail of the photo that a landmark is found by most."""
    landmark = visit.request.path_params["landmark"]
    page = await visit.client.list_reference_images(landmark, order_by="identify_count desc", page_size=1).page()
    return await _thumbnail(visit, page.items[0] if page.items else None)


@PAGES.get("/landmarks/{landmark}/images/{image}/thumbnail")
async def thumbnail(visit: Visit) -> Response:
    """A photo made small."""
    return await _thumbnail(visit, await visit.client.get_reference_image(_name(visit)))


@PAGES.get("/landmarks/{landmark}/images/{image}/photo")
async def photo(visit: Visit) -> Response:
    """A photo without what it says of its camera and place or, for editors, as it was uploaded."""
    original = visit.query.get("original") == "1"
    if original:
        visit.require("editor")
    image = await visit.client.get_reference_image(_name(visit))
    if not image.sha256 and not original:
        return _no_photo(visit)
    headers = _headers(image, "original" if original else "photo")
    if _has(visit, headers["etag"]):
        return Response(status_code=304, headers=headers)
    file = await visit.client.download_reference_image(image, original=original)
    ending = _KINDS.get(file.media_type)
    if original or ending is None:
        name = f"{image.landmark.rpartition('/')[2]}-{image.id}.{ending or 'bin'}"
        headers["content-disposition"] = f'attachment; filename="{name}"'
    media_type = file.media_type if ending else "application/octet-stream"
    return Response(file.data, media_type=media_type, headers=headers)


@PAGES.get("/landmarks/{landmark}/images/{image}")
async def one(visit: Visit) -> Response:
    """A photo and what is known of it."""
    return await _show(visit, await visit.client.get_reference_image(_name(visit)))


@PAGES.post("/landmarks/{landmark}/images/{image}/edit")
async def edit(visit: Visit) -> Response:
    """Changes what is said about a photo."""
    name, rows = _name(visit), metadata_sent(visit.form)
    typed = {"place": visit.text("capture_location"), "time": visit.text("capture_time")}
    problems: dict[str, str] = {}
    place, metadata = None, {}
    try:
        place = read_place(typed["place"])
    except ValueError as error:
        problems["capture_location"] = str(error)
    try:
        metadata = read_metadata(rows)
    except ValueError as error:
        problems["metadata"] = str(error)
    if not problems:
        problems = await _update(visit, name, place, typed["time"], metadata)
    if not problems:
        return visit.go(f"/{name}", "Changed. The history has what it was before.")
    image = await visit.client.get_reference_image(name)
    return await _show(visit, image, typed | {"rows": rows}, problems)


@PAGES.post("/landmarks/{landmark}/images/{image}/delete")
async def delete(visit: Visit) -> Response:
    """Deletes a photo."""
    name = _name(visit)
    await visit.client.delete_reference_image(name, etag=visit.text("etag"))
    return visit.go(f"/{name}", "Deleted. Searches do not use it any more; it can be brought back here.")


@PAGES.post("/landmarks/{landmark}/images/{image}/undelete")
async def undelete(visit: Visit) -> Response:
    """Brings a photo back."""
    name = _name(visit)
    await visit.client.undelete_reference_image(name)
    return visit.go(f"/{name}", "It is back, and searches use it again.")


async def _update(
    visit: Visit, name: str, place: LatLng | None, time: str, metadata: Mapping[str, str]
) -> dict[str, str]:
    """What is wrong with it, by field; empty: it is done."""
    try:
        await visit.client.update_reference_image(
            name, metadata=metadata, capture_location=place, capture_time=time, etag=visit.text("etag")
        )
    except InvalidArgumentError as error:
        return {error.metadata.get("field", "").partition(".")[0]: error.message}
    except AbortedError:
        return {
            "overtaken": "Somebody has changed what is said about this photo meanwhile. Above is how it is now, in the "
            "form what you typed: send it again to have it so."
        }
    return {}


async def _show(
    visit: Visit,
    image: ReferenceImage,
    typed: dict[str, object] | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    async def changes() -> list[change_words.Change]:
        if not visit.me.may("editor"):
            return []
        page = await visit.client.list_audit_events(resource=image.name, page_size=10).page()
        return [change_words.told(event, visit.me) for event in page.items]

    landmark, history = await asyncio.gather(visit.client.get_landmark(image.landmark), changes())
    at = image.capture_location
    status = 200 if not problems else 409 if "overtaken" in problems else 400
    return visit.show(
        "photo.html",
        status,
        image=image,
        landmark=landmark,
        history=history,
        grade=grade_words(image.quality.grade) if image.quality else "",
        where=small_map(visit, at, height=260) if at else None,
        typed=typed or {"place": place_text(at), "time": image.capture_time, "rows": metadata_rows(image.metadata)},
        problems=problems or {},
    )


async def _thumbnail(visit: Visit, image: ReferenceImage | None) -> Response:
    if image is None or not image.sha256:
        return _no_photo(visit)
    headers = _headers(image, "small")
    if _has(visit, headers["etag"]):
        return Response(status_code=304, headers=headers)
    try:
        file = await visit.client.get_reference_image_thumbnail(image)
    except (DataLossError, NotFoundError):  # the photo's own page says so
        return Response(_NO_PHOTO, media_type="image/svg+xml", headers={"cache-control": "no-store"})
    return Response(file.data, media_type="image/jpeg", headers=headers)


def _no_photo(visit: Visit) -> Response:
    headers = {"cache-control": "private, no-cache", "etag": '"no-photo"'}
    if _has(visit, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(_NO_PHOTO, media_type="image/svg+xml", headers=headers)


def _headers(image: ReferenceImage, kind: str) -> dict[str, str]:
    """Browsers keep it, and ask each time whether they may still show it."""
    if not image.sha256:
        raise NotFoundError("there is no such photo: only its features were sent")
    return {"cache-control": "private, no-cache", "etag": f'"{image.sha256[:24]}-{kind}"'}


def _has(visit: Visit, etag: str) -> bool:
    known = visit.request.headers.get("if-none-match", "")
    return etag in (text.strip().removeprefix("W/") for text in known.split(","))


def _name(visit: Visit) -> str:
    params = visit.request.path_params
    return f"landmarks/{params['landmark']}/images/{params['image']}"
