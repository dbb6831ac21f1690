"""Reviews kept queries: a list, groups of those that show the same, and each by itself. Photos are people's."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from steeple.client import ExplainedImage, KeptQuery, LatLng, QueryContent
from steeple.console import drawings
from steeple.console.reviewing import deciding, telling
from steeple.console.reviewing.choosing import KINDS, read_choice
from steeple.console.reviewing.deciding import DONE, VERDICTS
from steeple.console.routing import SCRIPT_HEADER, Pages
from steeple.console.security import local_path
from steeple.console.trying import words
from steeple.console.visit import Visit
from steeple.delf.features import FeatureSet
from steeple.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    ImageError,
    InvalidArgumentError,
    NotFoundError,
)

PAGES: Final = Pages()

_PAGE: Final = 24
_NEWEST: Final = "id desc"
_COMPARED: Final = 3  # landmarks that a query is drawn beside
_GROUPED: Final = 200
_SHOWN_OF_GROUP: Final = 12


@PAGES.get("/review", scope="editor")
async def kept(visit: Visit) -> Response:
    """Kept queries, the newest first."""
    choice = read_choice(visit.query)
    token, problem, page = visit.query.get("page", ""), "", None
    try:
        page = await visit.client.list_kept_queries(filter=choice.filter, order_by=_NEWEST, page_size=_PAGE).page(token)
    except FailedPreconditionError as error:
        problem = error.message
    queries = page.items if page else ()
    names = await telling.look_up(visit.client, telling.named_by(queries))
    return visit.show(
        "review.html",
        400 if choice.problems else 200,
        choice=choice,
        kinds=KINDS,
        page=page,
        queries=queries,
        names=names,
        telling=telling,
        problem=problem,
        first=choice.path("/review") if token else "",
        next=choice.path("/review", page=page.next_page_token) if page and page.next_page_token else "",
    )


@PAGES.get("/review/groups", scope="editor")
async def groups(visit: Visit) -> Response:
    """Where groups will be: they take some seconds."""
    return visit.show("review_groups.html", choice=read_choice(visit.query), kinds=KINDS)


@PAGES.get("/review/groups/found", scope="editor")
async def groups_found(visit: Visit) -> Response:
    """Queries that show the same."""
    choice = read_choice(visit.query)
    found = await visit.client.group_kept_queries(filter=choice.filter, max_queries=_GROUPED)
    names = await telling.look_up(visit.client, {group.landmark for group in found.groups} - {""})
    return visit.show(
        "review_found.html", choice=choice, found=found, names=names, shown=_SHOWN_OF_GROUP, most=deciding.MOST
    )


@PAGES.post("/review/verdicts")
async def verdicts(visit: Visit) -> Response:
    """Says the same of several queries."""
    queries, word = visit.texts("query"), visit.text("verdict")
    if not queries:
        return _done(visit, "Nothing was chosen.")
    if word not in VERDICTS:
        raise InvalidArgumentError("choose what to say of them")
    outcome = await deciding.review_all(visit.client, queries, VERDICTS[word])
    return _done(visit, outcome.told(DONE[word]))


@PAGES.post("/review/landmark")
async def landmark(visit: Visit) -> Response:
    """Makes reference images of several queries, of a landmark that there is or of a new one."""
    queries = list(dict.fromkeys(visit.texts("query")))
    if not queries:
        return _done(visit, "Nothing was chosen.")
    how, name = visit.text("how"), visit.text("name")
    if how == "typed":  # by the Enter key, in one field or the other
        if bool(name) == bool(visit.text("landmark")):
            return _done(visit, "Nothing was done: type a name in one of the two fields.")
        how = "new" if name else "add"
    if how == "new":
        if not name:
            raise InvalidArgumentError("type what the new landmark is called; go back, and your choice is still there")
        first, *others = queries
        image, landmark_id = await deciding.make_landmark(visit.client, first, name)
        outcome = await deciding.add_all(visit.client, others, image.landmark)
        return visit.go(
            f"/landmarks/{landmark_id}",
            f"{name} is made, with {words_of_photos(outcome.done + 1)}. {_left(outcome)}".strip(),
        )
    found, problem = await telling.landmark_called(visit.client, visit.text("landmark"))
    if found is None:
        raise InvalidArgumentError(problem)
    outcome = await deciding.add_all(visit.client, queries, found)
    return _done(visit, outcome.told(f"Added to {found.display_name}"))


@PAGES.post("/review/erase", scope="admin")
async def erase(visit: Visit) -> Response:
    """Erases queries for good."""
    queries = visit.texts("query")
    if not queries:
        return _done(visit, "Nothing was chosen.")
    erased = await visit.client.erase_queries(queries)
    return _done(visit, f"Erased for good: {erased:,}.")


@PAGES.get("/review/{query}", scope="editor")
async def one(visit: Visit) -> Response:
    """A query."""
    query = await visit.client.get_kept_query(visit.request.path_params["query"])
    return await _page_of(visit, query)


@PAGES.get("/review/{query}/photo", scope="editor")
async def photo(visit: Visit) -> Response:
    """The photo, or a picture of the features that were sent in place of it. Nobody may keep it."""
    found = await visit.client.download_kept_query(visit.request.path_params["query"])
    if isinstance(found, FeatureSet):
        return Response(str(drawings.features_picture(found)), media_type="image/svg+xml")
    return Response(found.data, media_type=found.media_type)


@PAGES.get("/review/{query}/thumbnail", scope="editor")
async def thumbnail(visit: Visit) -> Response:
    """The photo made small. Nobody may keep it."""
    found = await visit.client.get_kept_query_thumbnail(visit.request.path_params["query"])
    return Response(found.data, media_type=found.media_type)


@PAGES.get("/review/{query}/now", scope="editor")
async def now(visit: Visit) -> Response:
    """What the catalogue, as it is now, has that is like it."""
    query_id = visit.request.path_params["query"]
    query, source = await asyncio.gather(
        visit.client.get_kept_query(query_id), visit.client.download_kept_query(query_id)
    )
    explanation, problem = None, ""
    try:
        explanation = (
            await visit.client.explain(source, include_matches=True)
            if isinstance(source, FeatureSet)
            else await visit.client.explain(source.data, upload=True, include_matches=True)
        )
    except (FailedPreconditionError, ImageError) as error:  # of a release of before, or nothing to go by
        problem = error.message
    best = [image for image in explanation.images if image.evidence][:_COMPARED] if explanation else []
    pictures = await asyncio.gather(*(_picture(visit, query, image) for image in best))
    return visit.show(
        "review_now.html",
        query=query,
        explanation=explanation,
        pictures=[*zip(best, pictures, strict=True)],
        compared=best,
        problem=problem,
        words=words,
    )


@PAGES.post("/review/{query}/verdict")
async def verdict(visit: Visit) -> Response:
    """Says what a query shows."""
    word = visit.text("verdict")
    if word not in VERDICTS:
        raise InvalidArgumentError("choose what to say of it")
    await visit.client.review_query(visit.request.path_params["query"], VERDICTS[word])
    return _done(visit, f"{DONE[word]}. Its own page, among the reviewed ones, takes that back.")


@PAGES.post("/review/{query}/add")
async def add(visit: Visit) -> Response:
    """Makes it a reference image of a landmark that there is."""
    query_id = visit.request.path_params["query"]
    found, problem = await telling.landmark_called(visit.client, visit.text("landmark"))
    if found is not None:
        try:
            await deciding.add_to(visit.client, query_id, found)
        except (AlreadyExistsError, ImageError) as error:
            problem = error.message
        else:
            return _done(visit, f"Added to {found.display_name}. It can be taken back there, among its photos.")
    return await _page_of(visit, await visit.client.get_kept_query(query_id), {"landmark": problem})


@PAGES.post("/review/{query}/make")
async def make(visit: Visit) -> Response:
    """Makes it a new landmark."""
    query_id, name = visit.request.path_params["query"], visit.text("name")
    query = await visit.client.get_kept_query(query_id)
    problem = "" if name else "Type what it is called."
    if name:
        place = query.feedback.location if query.feedback is not None and visit.text("place") else None
        try:
            _, landmark_id = await deciding.make_landmark(visit.client, query_id, name, place)
        except (AlreadyExistsError, FailedPreconditionError, ImageError) as error:
            problem = error.message
        else:
            return visit.go(f"/landmarks/{landmark_id}", f"{name} is a landmark now. Deleting it takes that back.")
    return await _page_of(visit, query, {"name": problem})


async def _page_of(visit: Visit, query: KeptQuery, problems: dict[str, str] | None = None) -> Response:
    choice = read_choice(visit.query if visit.request.method == "GET" else _choice_of(visit))
    newer, older, names = await asyncio.gather(
        _neighbour(visit, choice.after(query), "id"),
        _neighbour(visit, choice.before(query), _NEWEST),
        telling.look_up(visit.client, telling.named_by([query], candidates=10)),
    )
    return visit.show(
        "review_query.html",
        400 if problems else 200,
        query=query,
        choice=choice,
        newer=choice.path(f"/review/{newer}") if newer else "",
        older=choice.path(f"/review/{older}") if older else "",
        back=choice.path("/review"),
        names=names,
        telling=telling,
        words=words,
        problems=problems or {},
        features_only=query.content is QueryContent.FEATURES,
        place=_place(query),
    )


async def _neighbour(visit: Visit, filter: str, order_by: str) -> str:
    found = await visit.client.list_kept_queries(filter=filter, order_by=order_by, page_size=1).page()
    return found.items[0].id if found.items else ""


async def _picture(visit: Visit, query: KeptQuery, image: ExplainedImage) -> drawings.MatchDrawing:
    size = (0, 0)
    try:
        reference = await visit.client.get_reference_image(image.reference_image)
        size = reference.width, reference.height
    except NotFoundError:  # deleted meanwhile
        pass
    return drawings.match_drawing(
        (query.width, query.height), size, image.query_points, image.reference_points, image.outline
    )


def _choice_of(visit: Visit) -> dict[str, str]:
    """What the list showed from which a form's page was opened."""
    return {name: visit.text(name) for name in ("show", "seen", "key", "since", "until") if visit.text(name)}


def _done(visit: Visit, told: str) -> Response:
    """Goes where the form says, and tells there what was done."""
    if visit.request.headers.get(SCRIPT_HEADER):
        return Response(told, media_type="text/plain")
    target = local_path(visit.text("next", "/review"))
    return visit.go(target if target.startswith("/review") else "/review", told)


def _place(query: KeptQuery) -> LatLng | None:
    return query.feedback.location if query.feedback is not None else None


def words_of_photos(count: int) -> str:
    """``1 photo``, ``2 photos``."""
    return f"{count} photo" if count == 1 else f"{count:,} photos"


def _left(outcome: deciding.Outcome) -> str:
    return f"{outcome.refused:,} could not be used ({outcome.reason})." if outcome.refused else ""
