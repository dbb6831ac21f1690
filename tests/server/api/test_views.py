"""The ViewService: views belong to the key that saved them."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from steeple.server.access import Scope
from steeple.v1.view_service_pb2 import (
    CreateViewRequest,
    DeleteViewRequest,
    ListViewsRequest,
    UpdateViewRequest,
    View,
)
from steeple.v1.view_service_pb2_grpc import ViewServiceStub

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key

FEW = View(display_name="Few", collection=View.COLLECTION_LANDMARKS, filter="reference_image_count < 5")


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


async def test_views_belong_to_keys(start: Start, refused: Refused) -> None:
    async with start(access="keys") as running:
        reader, editor, admin = [await make_key(running, scope) for scope in (Scope.READER, Scope.EDITOR, Scope.ADMIN)]
        views: Any = ViewServiceStub(running.channel)

        async def listed(secret: str, **asked: Any) -> list[str]:
            response = await views.ListViews(ListViewsRequest(**asked), metadata=bearer(secret))
            assert response.total_size == len(response.views)
            return [view.name for view in response.views]

        view = (await views.CreateView(CreateViewRequest(view=FEW), metadata=bearer(reader.secret))).view
        assert (view.owner, view.shared, view.filter) == (reader.key.name, False, FEW.filter)
        assert await listed(reader.secret) == [view.name]
        assert await listed(editor.secret) == await listed(admin.secret) == []
        assert await listed(admin.secret, show_all=True) == [view.name]
        found = await refused(views.ListViews(ListViewsRequest(show_all=True), metadata=bearer(editor.secret)))
        assert found.code is grpc.StatusCode.PERMISSION_DENIED
        share = UpdateViewRequest(view=View(name=view.name, shared=True, etag=view.etag))
        for key, code in ((reader, grpc.StatusCode.PERMISSION_DENIED), (editor, grpc.StatusCode.NOT_FOUND)):
            found = await refused(views.UpdateView(share, metadata=bearer(key.secret)))
            assert found.code is code
        await views.UpdateView(share, metadata=bearer(admin.secret))
        assert await listed(editor.secret, collection=View.COLLECTION_LANDMARKS) == [view.name]
        assert await listed(editor.secret, collection=View.COLLECTION_KEPT_QUERIES) == []
        hide = UpdateViewRequest(view=View(name=view.name, shared=False))  # said, and so set without a mask
        hidden = (await views.UpdateView(hide, metadata=bearer(reader.secret))).view
        assert (hidden.shared, hidden.filter) == (False, FEW.filter)
        await views.DeleteView(DeleteViewRequest(name=view.name), metadata=bearer(reader.secret))
        found = await refused(views.DeleteView(DeleteViewRequest(name=view.name), metadata=bearer(reader.secret)))
        assert (found.code, found.details["ResourceInfo"].resource_type) == (
            grpc.StatusCode.NOT_FOUND,
            "steeple.v1.View",
        )


async def test_where_no_keys_are_asked_for_views_are_everyones(running: Running, refused: Refused) -> None:
    views: Any = ViewServiceStub(running.channel)
    view = (await views.CreateView(CreateViewRequest(view=FEW))).view
    assert view.owner == "open"
    found = await refused(views.UpdateView(UpdateViewRequest(view=View(name=view.name, order_by="colour"))))
    assert found.details["BadRequest"].field_violations[0].field == "view.order_by"
    found = await refused(views.CreateView(CreateViewRequest(view=View(display_name="X"))))
    assert found.details["BadRequest"].field_violations[0].field == "view.collection"
