"""A landmark: all that is known of it, its form, and how it goes and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from steeple.client import AuditEvent, Landmark
from steeple.console import change_words, landmark_form
from steeple.console.grades import grade_words
from steeple.console.landmark_drawings import (
    compass,
    groups,
    hours_of_day,
    months_of_use,
    months_of_year,
    photos_of,
    view_graph,
)
from steeple.console.landmark_form import Difference, LandmarkForm
from steeple.console.pages.maps import small_map
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.errors import AbortedError, AlreadyExistsError, InvalidArgumentError

PAGES: Final = Pages()

ORDERS: Final = (
    ("", "Id"),
    ("create_time desc", "Newest"),
    ("identify_count desc", "Best match most often"),
    ("identify_count", "Best match least often"),
    ("feature_count desc", "Most local features"),
)
_PAGE_SIZE: Final = 24
_SHOWN_CHANGES: Final = 5
_COVERAGE_SECONDS: Final = 10.0


@PAGES.get("/landmarks/new", scope="editor")
async def new(visit: Visit) -> Response:
    """The form of one that is to be made."""
    return _form(visit, LandmarkForm(display_name=visit.query.get("name", "")[:200]))


@PAGES.post("/landmarks/new")
async def create(visit: Visit) -> Response:
    """Makes one."""
    typed = LandmarkForm.sent(visit.form)
    if visit.text("do") == "row":
        return _form(visit, typed, landmark_id=visit.text("landmark_id"), rows=_more_rows(visit))
    reading = landmark_form.read(typed)
    problems = dict(reading.problems)
    if not problems:
        try:
            made = await visit.client.create_landmark(landmark_id=visit.text("landmark_id"), **reading.values)
        except InvalidArgumentError as error:
            problems = _problems(error)
        except AlreadyExistsError as error:
            problems = {"landmark_id": error.message}
        else:
            return visit.go(f"/landmarks/{made.id}", f"“{made.display_name}” is in the catalogue. Add photos next.")
    return _form(visit, typed, problems, 400, landmark_id=visit.text("landmark_id"))


@PAGES.get("/landmarks/{landmark}")
async def one(visit: Visit) -> Response:
    """All that is known of a landmark."""
    landmark_id = _id(visit)
    order = visit.query.get("order", "")
    listing = visit.client.list_reference_images(
        landmark_id,
        order_by=order if order in dict(ORDERS) else "",
        show_deleted=visit.query.get("deleted") == "yes",
        page_size=_PAGE_SIZE,
    )
    landmark, photos, changes = await asyncio.gather(
        visit.client.get_landmark(landmark_id),
        listing.page(visit.query.get("page", "")),
        _changes(visit, landmark_id, _SHOWN_CHANGES),
    )
    return visit.show(
        "landmark.html",
        landmark=landmark,
        photos=photos,
        orders=ORDERS,
        order=order,
        show_deleted=visit.query.get("deleted") == "yes",
        page_token=visit.query.get("page", ""),
        changes=changes,
        usage=months_of_use(landmark.usage, datetime.now(UTC).date()),
        where=small_map(visit, landmark.location, height=260) if landmark.location else None,
        grade_words=grade_words,
    )


@PAGES.get("/landmarks/{landmark}/coverage")
async def coverage(visit: Visit) -> Response:
    """How well its photos cover a landmark; it takes some seconds, so pages show it later."""
    landmark, covered = await asyncio.gather(
        visit.client.get_landmark(_id(visit)), visit.client.get_coverage(_id(visit), timeout=_COVERAGE_SECONDS)
    )
    return visit.show(
        "coverage.html",
        landmark=landmark,
        coverage=covered,
        compass=compass(covered),
        graph=view_graph(covered),
        groups=groups(covered),
        hours=hours_of_day(covered.hours),
        months=months_of_year(covered.months),
        gaps=[(gap, photos_of(gap)) for gap in covered.gaps],
    )


@PAGES.get("/landmarks/{landmark}/edit", scope="editor")
async def edit(visit: Visit) -> Response:
    """The form of one that is there."""
    landmark = await visit.client.get_landmark(_id(visit))
    typed = LandmarkForm.of(landmark)
    return _form(visit, typed, landmark=landmark, before=typed)


@PAGES.post("/landmarks/{landmark}/edit")
async def update(visit: Visit) -> Response:
    """Changes what was changed in the form, if nobody else has changed the landmark meanwhile."""
    landmark = await visit.client.get_landmark(_id(visit))
    mine, before = LandmarkForm.sent(visit.form), LandmarkForm.packed(visit.text("before"))
    if before is None:
        raise InvalidArgumentError("this form is not complete; go back, reload the page and send it again")
    if visit.text("do") == "row":
        return _form(visit, mine, landmark=landmark, before=before, rows=_more_rows(visit), etag=visit.text("etag"))
    fields = landmark_form.changed(mine, before)
    if not fields:
        return visit.go(f"/landmarks/{landmark.id}", "Nothing was changed.")
    reading = landmark_form.read(mine)
    problems = {name: problem for name, problem in reading.problems.items() if name in fields}
    if not problems:
        try:
            await visit.client.update_landmark(
                landmark.id, etag=visit.text("etag"), **{name: reading.values[name] for name in fields}
            )
        except InvalidArgumentError as error:
            problems = _problems(error)
        except AbortedError:
            return await _overtaken(visit, landmark.id, mine, before)
        else:
            return visit.go(f"/landmarks/{landmark.id}", "Changed. Below, the history has what it was before.")
    return _form(visit, mine, problems, 400, landmark=landmark, before=before, etag=visit.text("etag"))


@PAGES.post("/landmarks/{landmark}/delete")
async def delete(visit: Visit) -> Response:
    """Deletes one with its photos."""
    await visit.client.delete_landmark(_id(visit), force=True, etag=visit.text("etag"))
    return visit.go(
        f"/landmarks/{_id(visit)}", "Deleted. Searches do not find it any more; it can be brought back here."
    )


@PAGES.post("/landmarks/{landmark}/undelete")
async def undelete(visit: Visit) -> Response:
    """Brings one back with its photos."""
    landmark = await visit.client.undelete_landmark(_id(visit))
    return visit.go(f"/landmarks/{landmark.id}", "It is back with its photos, and searches find it again.")


async def _overtaken(visit: Visit, landmark_id: str, mine: LandmarkForm, before: LandmarkForm) -> Response:
    landmark, events = await asyncio.gather(
        visit.client.get_landmark(landmark_id),
        visit.client.list_audit_events(
            resource=f"landmarks/{landmark_id}", method="steeple.v1.CatalogService/", outcomes=["OK"], page_size=10
        ).page(),
    )
    theirs = LandmarkForm.of(landmark)
    last = next((event for event in events.items if event.resource == landmark.name), None)
    return _form(
        visit,
        landmark_form.merged(mine, theirs, before),
        status=409,
        landmark=landmark,
        before=theirs,
        differences=landmark_form.differences(mine, theirs, before),
        overtaken=change_words.told(last, visit.me) if last else None,
    )


async def _changes(visit: Visit, landmark_id: str, count: int) -> Sequence[change_words.Change]:
    if not visit.me.may("editor"):
        return []
    events = visit.client.list_audit_events(resource=f"landmarks/{landmark_id}", page_size=count)
    found: Sequence[AuditEvent] = (await events.page()).items
    return [change_words.told(event, visit.me) for event in found]


def _form(
    visit: Visit,
    typed: LandmarkForm,
    problems: dict[str, str] | None = None,
    status: int = 200,
    *,
    landmark: Landmark | None = None,
    before: LandmarkForm | None = None,
    landmark_id: str = "",
    etag: str = "",
    rows: int = 0,
    differences: Sequence[Difference] = (),
    overtaken: change_words.Change | None = None,
) -> Response:
    try:
        place = landmark_form.read_place(typed.location)
    except ValueError:
        place = None
    return visit.show(
        "landmark_form.html",
        status,
        typed=typed,
        problems=problems or {},
        landmark=landmark,
        before=before,
        landmark_id=landmark_id,
        etag=etag or (landmark.etag if landmark else ""),
        rows=[*typed.metadata, *[("", "")] * max(2, rows - len(typed.metadata))],
        differences=differences,
        overtaken=overtaken,
        where=small_map(visit, place),
    )


def _problems(error: InvalidArgumentError) -> dict[str, str]:
    """Beside which field to tell of an error; beside none of them if it is about something else."""
    field: Any = error.metadata.get("field", "")
    told = f"{error.message[:1].upper()}{error.message[1:]}"
    name = next((part for part in str(field).split(".") if part in (*landmark_form.FIELDS, "landmark_id")), "")
    return {name: told}


def _more_rows(visit: Visit) -> int:
    return len(visit.texts("metadata_key")) + 1


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["landmark"])
