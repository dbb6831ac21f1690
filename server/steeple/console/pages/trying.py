"""Tries a photo out: what a phone would see, with how few bytes, and why."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from steeple.client import Candidate
from steeple.console import drawings
from steeple.console.routing import Pages
from steeple.console.trying import words
from steeple.console.trying.asking import (
    BUDGET_NAMES,
    BUDGETS,
    DEFAULT_STEP,
    ask,
    can_choose,
    explain,
    judge,
    step_of,
    threshold_of,
)
from steeple.console.trying.desk import desk_of, held_photo, owner_of
from steeple.console.trying.held import HELD_SECONDS, HeldPhoto
from steeple.console.trying.photo_form import MOST_BYTES, photo_of, read_photo_form
from steeple.console.visit import Visit
from steeple.errors import ImageError, NotFoundError

PAGES: Final = Pages()

_COMPARED: Final = 3  # landmarks whose evidence stands side by side
_GONE: Final = "That photo is not held any more. Choose it again."


@PAGES.get("/try")
async def choose(visit: Visit) -> Response:
    """Where to put a photo."""
    return _chooser(visit)


@PAGES.post("/try", scope="reader", own_form=True)
async def take(visit: Visit) -> Response:
    """Takes a photo, into memory."""
    desk = desk_of(visit)
    try:
        visit.take_form(await read_photo_form(visit.request))
        photo = await photo_of(visit.form, "photo", "camera")
        if not photo:
            return _chooser(visit, "Choose a photo first.", 400)
        models = await visit.client.list_models()
        await visit.form.close()
        reading = await desk.reading.read(photo, next((model.id for model in models if model.default), ""))
    except ImageError as error:
        return _chooser(visit, error.message, 400)
    held = desk.held.hold(
        owner_of(visit),
        reading,
        source=b"" if reading.features is not None else photo,
        size_bytes=len(photo),
        keep=bool(visit.text("keep")),
    )
    return visit.go(f"/try/{held.id}")


@PAGES.get("/try/{photo}")
async def answer(visit: Visit) -> Response:
    """What the server answers to the photo."""
    try:
        photo = held_photo(visit)
    except NotFoundError:
        return visit.go("/try", _GONE)
    step = step_of(visit.query.get("data", ""), photo)
    found = await ask(visit.client, photo, BUDGETS[step])
    judged = judge(found, threshold_of(visit.query.get("threshold", ""), photo.threshold), photo.threshold)
    chosen = _chosen(found.candidates, visit.query.get("candidate", ""))
    features = photo.reading.features
    all_features = found.feature_count if features is None else len(features)
    parts = drawings.stacked(words.stages(found.timings, photo.reading.extract if features is not None else None))
    return visit.show(
        "try_photo.html",
        photo=photo,
        judged=judged,
        answer=found,
        step=step,
        names=BUDGET_NAMES,
        can_choose=can_choose(photo),
        chosen=chosen,
        outline=drawings.polygon(found.candidates[chosen].outline) if found.candidates else "",
        matches=_matches(photo, found.candidates[chosen]) if found.candidates else None,
        advice=[] if judged.identified else words.advice(found, all_features=all_features, threshold=judged.threshold),
        all_features=all_features,
        stages=parts,
        total=sum(part.value for part in parts),
        words=words,
        query=_query(step, visit.query.get("threshold", "")),
    )


@PAGES.get("/try/{photo}/why")
async def why(visit: Visit) -> Response:
    """Why it is answered so."""
    try:
        photo = held_photo(visit)
    except NotFoundError:
        return visit.go("/try", _GONE)
    step = step_of(visit.query.get("data", ""), photo)
    explanation = await explain(visit.client, photo, BUDGETS[step])
    return visit.show(
        "try_why.html",
        photo=photo,
        explanation=explanation,
        compared=[image for image in explanation.images if image.evidence][:_COMPARED],
        words=words,
        step=step,
        back=f"/try/{photo.id}?data={step}",
    )


@PAGES.get("/try/{photo}/photo")
async def view(visit: Visit) -> Response:
    """The photo, to look at."""
    return Response(held_photo(visit).reading.view, media_type="image/jpeg")


@PAGES.post("/try/{photo}/again", scope="reader")
async def again(visit: Visit) -> Response:
    """Forgets the answers, so that they are asked for again."""
    try:
        photo = held_photo(visit)
    except NotFoundError:
        return visit.go("/try", _GONE)
    photo.answers.clear()
    photo.explanations.clear()
    photo.threshold = 0.0
    return visit.go(f"/try/{photo.id}?data={step_of(visit.text('data'), photo)}", "Asked again.")


@PAGES.post("/try/{photo}/forget", scope="reader")
async def forget(visit: Visit) -> Response:
    """Forgets the photo."""
    desk_of(visit).held.drop(visit.request.path_params["photo"], owner_of(visit))
    return visit.go("/try", "The photo is forgotten.")


def _chooser(visit: Visit, problem: str = "", status: int = 200) -> Response:
    return visit.show(
        "try.html",
        status,
        problem=problem,
        keep=bool(visit.text("keep")),
        most_megabytes=MOST_BYTES // 2**20,
        minutes=HELD_SECONDS // 60,
    )


def _chosen(candidates: tuple[Candidate, ...], text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and int(text) < len(candidates) else 0


def _matches(photo: HeldPhoto, candidate: Candidate) -> drawings.MatchDrawing:
    return drawings.match_drawing(
        (photo.reading.width, photo.reading.height),
        (candidate.reference_width, candidate.reference_height),
        candidate.query_points,
        candidate.reference_points,
    )


def _query(step: int, threshold: str) -> str:
    """What a page of the same photo is asked for with, other than the candidate."""
    parts = [f"data={step}"] if step != DEFAULT_STEP else []
    if threshold.isascii() and threshold.isdecimal():
        parts.append(f"threshold={threshold}")
    return "&".join(parts)
