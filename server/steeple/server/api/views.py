"""``steeple.v1.ViewService``."""

from __future__ import annotations

from typing import Any, Final

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.api.caller import current_caller
from steeple.server.api.conversion import VIEW_FIELDS, read_update_mask, within
from steeple.server.api.names import parse_view
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import timestamp
from steeple.server.api.status import FIELD
from steeple.server.views import SavedView, ViewCollection, ViewDraft, Viewer, ViewStore
from steeple.v1 import view_service_pb2 as api
from steeple.v1 import view_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

_COLLECTIONS: Final = {
    ViewCollection.LANDMARKS: api.View.COLLECTION_LANDMARKS,
    ViewCollection.REFERENCE_IMAGES: api.View.COLLECTION_REFERENCE_IMAGES,
    ViewCollection.KEPT_QUERIES: api.View.COLLECTION_KEPT_QUERIES,
}
_COLLECTION_OF: Final[dict[int, ViewCollection]] = {number: of for of, number in _COLLECTIONS.items()}


class ViewService(view_service_pb2_grpc.ViewServiceServicer):
    """Keeps views.

    Args:
        readiness: Where the engine, and so the views, are.
        calls: Threads for what only reads and writes the catalogue.
    """

    def __init__(self, readiness: Readiness, calls: Pool) -> None:
        self._readiness = readiness
        self._calls = calls

    async def CreateView(  # noqa: N802
        self, request: api.CreateViewRequest, context: Context
    ) -> api.CreateViewResponse:
        """Keeps a view."""
        asked = request.view
        draft = ViewDraft(
            asked.display_name,
            _read_collection(asked.collection, "view.collection"),
            asked.filter,
            asked.order_by,
            dict(asked.layout),
            asked.shared,
        )
        with within("view", VIEW_FIELDS):
            view = await self._calls.run(self._views.create, draft, _viewer(), request_id=request.request_id)
        return api.CreateViewResponse(view=_message(view))

    async def ListViews(  # noqa: N802
        self, request: api.ListViewsRequest, context: Context
    ) -> api.ListViewsResponse:
        """The caller's views and those that are shared, a page at a time."""
        page = await self._calls.run(
            self._views.list,
            _viewer(),
            collection=_read_collection(request.collection, "collection") if request.collection else None,
            everyones=request.show_all,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return api.ListViewsResponse(
            views=[_message(view) for view in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def UpdateView(  # noqa: N802
        self, request: api.UpdateViewRequest, context: Context
    ) -> api.UpdateViewResponse:
        """Changes the named fields of a view."""
        asked = request.view
        view_id = parse_view(asked.name, "view.name")
        fields = read_update_mask(asked, request.update_mask.paths)
        changes: dict[str, Any] = {
            field: dict(asked.layout) if field == "layout" else getattr(asked, field)
            for field in VIEW_FIELDS
            if field in fields
        }
        with within("view", VIEW_FIELDS):
            view = await self._calls.run(
                self._views.update, view_id, changes, _viewer(), etag=asked.etag, request_id=request.request_id
            )
        return api.UpdateViewResponse(view=_message(view))

    async def DeleteView(  # noqa: N802
        self, request: api.DeleteViewRequest, context: Context
    ) -> api.DeleteViewResponse:
        """Forgets a view."""
        await self._calls.run(self._views.delete, parse_view(request.name), _viewer(), request_id=request.request_id)
        return api.DeleteViewResponse()

    @property
    def _views(self) -> ViewStore:
        return self._readiness.engine.views


def _viewer() -> Viewer:
    caller = current_caller()
    return Viewer(caller.actor, caller.scope)


def _read_collection(number: int, field: str) -> ViewCollection:
    found = _COLLECTION_OF.get(number)
    if found is None:
        known = ", ".join(api.View.Collection.Name(each) for each in _COLLECTIONS.values())
        raise InvalidArgumentError(f"{field} must be one of {known}, not {number}", **{FIELD: field})
    return found


def _message(view: SavedView) -> api.View:
    return api.View(
        name=view.name,
        display_name=view.display_name,
        collection=_COLLECTIONS[view.collection],
        filter=view.filter,
        order_by=view.order_by,
        layout=dict(view.layout),
        shared=view.shared,
        owner=view.owner,
        create_time=timestamp(view.create_time),
        update_time=timestamp(view.update_time),
        etag=view.etag,
    )
