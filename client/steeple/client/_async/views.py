"""Calls of the ViewService."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.field_mask_pb2 import FieldMask

from steeple.client._async.connection import AsyncConnection
from steeple.client._async.listing import AsyncListing
from steeple.client._convert_views import collection_value, to_view, view_name
from steeple.client._requests import request_id_or_new
from steeple.client.views import View, ViewCollection
from steeple.errors import InvalidArgumentError
from steeple.v1 import view_service_pb2 as api


class AsyncViewCalls:
    """The part of the client that keeps views: what somebody looks at again and again.

    Views are given by id, by name (``views/{id}``) or as what another call returned.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create_view(
        self,
        display_name: str,
        *,
        collection: ViewCollection | str = ViewCollection.LANDMARKS,
        filter: str = "",
        order_by: str = "",
        layout: Mapping[str, str] | None = None,
        shared: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> View:
        """Keeps a view, which is the caller's.

        Args:
            display_name: What people call it; 1 to 200 characters.
            collection: What it lists.
            filter: As the list takes it; empty: all.
            order_by: As the list takes it; empty: by id.
            layout: The application's own; at most 64 entries.
            shared: Whether all see it; that takes an editor's key.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If a value is out of its limits, or the list takes no such filter or order.
            ResourceExhaustedError: If the caller has 200.
        """
        view = api.View(
            display_name=display_name,
            collection=collection_value(collection),
            filter=filter,
            order_by=order_by,
            layout=dict(layout or {}),
            shared=shared,
        )
        request = api.CreateViewRequest(view=view, request_id=request_id_or_new(request_id))
        response = await self._connection.call(self._connection.link.views.CreateView, request, timeout=timeout)
        return to_view(response.view)

    def list_views(
        self,
        *,
        collection: ViewCollection | str | None = None,
        show_all: bool = False,
        page_size: int = 50,
        timeout: float | None = None,
    ) -> AsyncListing[View]:
        """The caller's views and those that are shared, by id.

        Args:
            collection: Only those of this; None: of all.
            show_all: Those of others that are not shared too; that takes an admin's key.
            page_size: Views fetched at a time, as the iterator needs them.
            timeout: Seconds for each page; None: the client's.
        """
        request = api.ListViewsRequest(
            page_size=page_size,
            collection=api.View.COLLECTION_UNSPECIFIED if collection is None else collection_value(collection),
            show_all=show_all,
        )
        return self._connection.listing(
            self._connection.link.views.ListViews, request, lambda page: map(to_view, page.views), timeout=timeout
        )

    async def update_view(
        self,
        view: str | View,
        *,
        display_name: str | None = None,
        filter: str | None = None,
        order_by: str | None = None,
        layout: Mapping[str, str] | None = None,
        shared: bool | None = None,
        etag: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> View:
        """Changes what is given and leaves the rest; of others' views only administrators do.

        Args:
            view: Which.
            display_name: What people call it.
            filter: As the list takes it.
            order_by: As the list takes it.
            layout: All of it.
            shared: Whether all see it.
            etag: If not empty, that of the view as the caller knows it.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is none that the caller sees.
            PermissionDeniedError: If it is another's.
            AbortedError: If the etag is not the current one.
            InvalidArgumentError: If nothing is given, or a value is out of its limits.
        """
        given = {
            "display_name": display_name is not None,
            "filter": filter is not None,
            "order_by": order_by is not None,
            "layout": layout is not None,
            "shared": shared is not None,
        }
        if not any(given.values()):
            raise InvalidArgumentError(f"nothing to update; give at least one of {', '.join(given)}")
        message = api.View(
            name=view_name(view),
            display_name=display_name or "",
            filter=filter or "",
            order_by=order_by or "",
            layout=dict(layout or {}),
            shared=shared,
            etag=etag,
        )
        mask = FieldMask(paths=[path for path, is_given in given.items() if is_given])
        request = api.UpdateViewRequest(view=message, update_mask=mask, request_id=request_id_or_new(request_id))
        response = await self._connection.call(self._connection.link.views.UpdateView, request, timeout=timeout)
        return to_view(response.view)

    async def delete_view(self, view: str | View, *, request_id: str = "", timeout: float | None = None) -> None:
        """Forgets a view; of others' views only administrators do.

        Raises:
            NotFoundError: If there is none that the caller sees.
            PermissionDeniedError: If it is another's.
        """
        request = api.DeleteViewRequest(name=view_name(view), request_id=request_id_or_new(request_id))
        await self._connection.call(self._connection.link.views.DeleteView, request, timeout=timeout)
