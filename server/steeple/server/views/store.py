"""Saved views in the catalogue's database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, or_, select

from steeple.errors import NotFoundError, PermissionDeniedError, ResourceExhaustedError
from steeple.server.access import Scope
from steeple.server.catalogue import Page, audit, ids, landmarks, limits, pages, reference_images
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.etags import check_etag, make_etag
from steeple.server.catalogue.filters import FilterField, condition
from steeple.server.catalogue.ordering import OrderField, read_order
from steeple.server.catalogue.requests import Request
from steeple.server.catalogue.view_tables import saved_view
from steeple.server.review import store as kept_queries
from steeple.server.views.records import SavedView, ViewCollection, ViewDraft, Viewer, view_name

MAX_VIEWS: Final = 200
"""Of one owner."""

_TABLE = saved_view
_LISTS: Final[Mapping[ViewCollection, tuple[Mapping[str, FilterField], Mapping[str, OrderField]]]] = {
    ViewCollection.LANDMARKS: (landmarks.FILTERS, landmarks.ORDERS),
    ViewCollection.REFERENCE_IMAGES: (reference_images.FILTERS, reference_images.ORDERS),
    ViewCollection.KEPT_QUERIES: (kept_queries.FILTERS, kept_queries.ORDERS),
}


class ViewStore:
    """Saved views. Thread safe.

    Everyone sees their own and those that are shared; to others, a view that is not shared is not there. Only its owner
    and administrators change a view. Sharing one takes an editor.

    Args:
        database: The catalogue's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, draft: ViewDraft, viewer: Viewer, *, request_id: str = "") -> SavedView:
        """Keeps a view.

        Raises:
            InvalidArgumentError: If a field breaks the contract, or the list takes no such filter or order.
            PermissionDeniedError: If it is shared and the viewer is no editor.
            ResourceExhaustedError: If the viewer has 200.
        """
        fields = vars(draft)
        _check(draft.collection, fields, viewer)
        content = {**fields, "layout": dict(draft.layout), "owner": viewer.actor}
        request = Request.of("CreateView", request_id, content)
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return _get(connection, answer["view"])
            mine = select(func.count()).select_from(_TABLE).where(_TABLE.c.owner == viewer.actor)
            if connection.execute(mine).scalar_one() >= MAX_VIEWS:
                raise ResourceExhaustedError(f"{viewer.actor} has {MAX_VIEWS} views, which is the most; delete some")
            now = datetime.now(UTC)
            view_id = next(ids.image_ids())
            times = {"create_time": now, "update_time": now}
            connection.execute(insert(_TABLE).values(id=view_id, revision=1, **content, **times))
            request.remember(connection, {"view": view_id}, now)
            audit.record(connection, now, view_name(view_id))
            return _get(connection, view_id)

    def list(
        self,
        viewer: Viewer,
        *,
        collection: ViewCollection | None = None,
        everyones: bool = False,
        page_size: int = pages.DEFAULT_PAGE_SIZE,
        page_token: str = "",
    ) -> Page[SavedView]:
        """A page of views, by id: the viewer's own and those that are shared.

        Args:
            viewer: Who asks.
            collection: Only those of this; None: of all.
            everyones: Those of others that are not shared too.
            page_size: 0 stands for 50, more than 1000 for 1000.
            page_token: Of the last page.

        Raises:
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        asked = f"{viewer.actor}\0{collection}\0{everyones}".encode()
        of = f"views:{hashlib.sha256(asked).hexdigest()[:16]}"
        size, last = pages.check_page_size(page_size), pages.last_id(of, page_token)
        wanted: list[ColumnElement[bool]] = []
        if not everyones:
            wanted.append(or_(_TABLE.c.owner == viewer.actor, _TABLE.c.shared))
        if collection is not None:
            wanted.append(_TABLE.c.collection == str(collection))
        query = select(_TABLE).where(_TABLE.c.id > last, *wanted).order_by(_TABLE.c.id).limit(size + 1)
        with self._database.read() as connection, connection.execute(query) as rows:
            items, more = pages.taken((_view(row) for row in rows.mappings()), size, _bytes_of)
            total = connection.execute(select(func.count()).select_from(_TABLE).where(*wanted)).scalar_one()
        return Page(items, pages.encode_page_token(of, [items[-1].id]) if more else "", int(total))

    def update(
        self, view_id: str, changes: Mapping[str, Any], viewer: Viewer, *, etag: str = "", request_id: str = ""
    ) -> SavedView:
        """Sets fields of a view; those that are not there stay.

        Args:
            view_id: Which.
            changes: Of :class:`ViewDraft`, but for ``collection``.
            viewer: Who asks.
            etag: If not empty, must be the current one.
            request_id: A repeat changes nothing and gets the view as it is.

        Raises:
            InvalidArgumentError: If a field breaks the contract, or the list takes no such filter or order.
            NotFoundError: If there is none that the viewer sees.
            PermissionDeniedError: If it is another's, or is to be shared, and the viewer may not.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        request = Request.of("UpdateView", request_id, {"view": view_id, "set": dict(changes), "etag": etag})
        with self._database.write() as connection:
            view = _to_change(connection, view_id, viewer)
            if request.answer(connection) is not None:
                return view
            check_etag(etag, view.etag, view.name)
            _check(view.collection, changes, viewer)
            now = datetime.now(UTC)
            values = {**changes, "update_time": max(now, view.update_time), "revision": _TABLE.c.revision + 1}
            connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.id == view_id).values(values))
            request.remember(connection, {"view": view_id}, now)
            audit.record(connection, now, view.name)
            return _get(connection, view_id)

    def delete(self, view_id: str, viewer: Viewer, *, request_id: str = "") -> None:
        """Forgets a view.

        Raises:
            NotFoundError: If there is none that the viewer sees.
            PermissionDeniedError: If it is another's, and the viewer no administrator.
        """
        request = Request.of("DeleteView", request_id, {"view": view_id, "by": viewer.actor})
        with self._database.write() as connection:
            if request.answer(connection) is not None:
                return
            view = _to_change(connection, view_id, viewer)
            now = datetime.now(UTC)
            connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.id == view_id))
            request.remember(connection, {"view": view_id}, now)
            audit.record(connection, now, view.name)


def _check(collection: ViewCollection, fields: Mapping[str, Any], viewer: Viewer) -> None:
    if "display_name" in fields:
        limits.check_display_name(fields["display_name"])
    filter_fields, order_fields = _LISTS[collection]
    condition(fields.get("filter", ""), filter_fields)
    read_order(fields.get("order_by", ""), order_fields)
    limits.check_metadata(fields.get("layout", {}), "layout")
    if fields.get("shared") and viewer.scope < Scope.EDITOR:
        raise PermissionDeniedError(
            f"{viewer.actor} has the scope {viewer.scope}; sharing a view takes {Scope.EDITOR} or more",
            scope=str(viewer.scope),
            needed_scope=str(Scope.EDITOR),
        )


def _to_change(connection: Connection, view_id: str, viewer: Viewer) -> SavedView:
    view = _get(connection, view_id)
    if view.owner == viewer.actor or viewer.scope >= Scope.ADMIN:
        return view
    if not view.shared:
        raise _not_found(view_id)
    raise PermissionDeniedError(
        f"{view.name} belongs to {view.owner}: only they and administrators change it; keep one of your own",
        resource=view.name,
    )


def _get(connection: Connection, view_id: str) -> SavedView:
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == view_id)).mappings().one_or_none()
    if row is None:
        raise _not_found(view_id)
    return _view(row)


def _not_found(view_id: str) -> NotFoundError:
    name = view_name(view_id)
    return NotFoundError(f"there is no {name}", resource=name)


def _view(row: RowMapping) -> SavedView:
    return SavedView(
        id=row["id"],
        display_name=row["display_name"],
        collection=ViewCollection(row["collection"]),
        filter=row["filter"],
        order_by=row["order_by"],
        layout=row["layout"],
        shared=row["shared"],
        owner=row["owner"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        etag=make_etag("view", 0, row["revision"], row["create_time"]),
    )


def _bytes_of(view: SavedView) -> int:
    texts = [view.display_name, view.filter, view.order_by, *view.layout, *view.layout.values()]
    return 500 + sum(len(text.encode()) + 8 for text in texts)
