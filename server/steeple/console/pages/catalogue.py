"""Landmarks as a grid, filtered and ordered; views of it that are saved."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from starlette.responses import Response

from steeple.client import Landmark, View, ViewCollection
from steeple.client.listing import ListPage
from steeple.console.batch_undo import Batch, batch_of
from steeple.console.catalogue_query import GRADES, ORDERS, PHOTOS, SIZES, STATES, CatalogueQuery
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.errors import InvalidArgumentError

PAGES: Final = Pages()

_MOST_VIEWS: Final = 200
_MOST_SUGGESTIONS: Final = 40


@dataclass(frozen=True)
class SavedView:
    """A view, for the row of them above the grid.

    Attributes:
        view: As it is saved.
        path: Of the page that shows it.
        current: Whether that is this page.
        mine: Whether whoever is signed in may change it.
    """

    view: View
    path: str
    current: bool
    mine: bool


@dataclass(frozen=True)
class BulkForm:
    """What is to be done to many landmarks, as it was typed.

    Attributes:
        chosen: Ids of the landmarks.
        add_labels: That each is to have.
        remove_labels: That none is to have.
        active: ``yes``, ``no``; empty: as it is.
        metadata_key: Of an entry of metadata to set.
        metadata_value: Of that entry.
        remove_metadata: Keys to remove.
        problem: Why it was not done.
    """

    chosen: frozenset[str] = frozenset()
    add_labels: str = ""
    remove_labels: str = ""
    active: str = ""
    metadata_key: str = ""
    metadata_value: str = ""
    remove_metadata: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Listed:
    page: ListPage[Landmark] = field(default_factory=lambda: ListPage[Landmark]((), "", 0))
    problem: str = ""


@PAGES.get("/landmarks")
async def landmarks(visit: Visit) -> Response:
    """The catalogue."""
    return await show(visit, CatalogueQuery.read(visit.query), visit.query.get("page", ""))


@PAGES.post("/landmarks/views", scope="reader")
async def save_view(visit: Visit) -> Response:
    """Keeps what is looked at under a name."""
    query = CatalogueQuery.of_text(visit.text("query"))
    view = await visit.client.create_view(
        visit.text("name"),
        collection=ViewCollection.LANDMARKS,
        filter=query.list_filter,
        order_by=query.list_order,
        layout={"query": query.text()},
        shared=visit.text("shared") == "yes",
    )
    return visit.go(query.path(), f"Saved as “{view.display_name}”.")


@PAGES.post("/landmarks/views/{view}/delete", scope="reader")
async def forget_view(visit: Visit) -> Response:
    """Forgets a view; the landmarks stay."""
    await visit.client.delete_view(visit.request.path_params["view"])
    return visit.go("/landmarks", "The view is gone. The landmarks are as they were.")


async def show(visit: Visit, query: CatalogueQuery, token: str, bulk: BulkForm | None = None) -> Response:
    """The grid.

    Args:
        visit: Whose.
        query: What is looked at.
        token: Of the page; empty: the first.
        bulk: What was to be done and could not be; None: nothing.
    """
    listed, views, batch = await asyncio.gather(
        _list(visit, query, token), _views(visit, query), _batch(visit, visit.query.get("undo", ""))
    )
    wrong = listed.problem or (bulk.problem if bulk else "")
    page = listed.page
    suggestions = sorted({label for landmark in page.items for label in landmark.labels})
    return visit.show(
        "catalogue.html",
        400 if wrong else 200,
        query=query,
        page=page,
        page_token=token,
        problem=listed.problem,
        views=views,
        batch=batch,
        bulk=bulk or BulkForm(),
        suggestions=list(islice(suggestions, _MOST_SUGGESTIONS)),
        empty=not page.total_size and not query.narrowed and not token and not listed.problem,
        choices={"states": STATES, "photos": PHOTOS, "grades": GRADES, "orders": _orders(query), "sizes": SIZES},
    )


async def _list(visit: Visit, query: CatalogueQuery, token: str) -> _Listed:
    listing = visit.client.list_landmarks(
        filter=query.list_filter, order_by=query.list_order, show_deleted=query.show_deleted, page_size=query.size
    )
    try:
        return _Listed(await listing.page(token))
    except InvalidArgumentError as error:
        return _Listed(problem=error.message)


async def _views(visit: Visit, query: CatalogueQuery) -> list[SavedView]:
    page = await visit.client.list_views(collection=ViewCollection.LANDMARKS, page_size=_MOST_VIEWS).page()
    me = visit.me.name or "open"
    found = []
    for view in page.items:
        seen = CatalogueQuery.of_view(view)
        mine = view.owner == me or visit.me.may("admin")
        found.append(SavedView(view, seen.path(), seen == query, mine))
    return sorted(found, key=lambda each: each.view.display_name.casefold())


async def _batch(visit: Visit, text: str) -> Batch | None:
    return await batch_of(visit.client, visit.me, text) if text and visit.me.may("editor") else None


def _orders(query: CatalogueQuery) -> list[tuple[str, str]]:
    known = [*ORDERS]
    if query.order not in dict(known):
        known.append((query.order, f"By {query.order[:60]}"))
    return known
