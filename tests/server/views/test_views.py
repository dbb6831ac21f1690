"""Saved views: whose they are, who sees them, and who changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from steeple.errors import (
    AbortedError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
)
from steeple.server.access import Scope
from steeple.server.catalogue import Catalogue
from steeple.server.views import SavedView, ViewCollection, ViewDraft, Viewer, ViewStore

ADA, BOB = Viewer("keys/ada", Scope.EDITOR), Viewer("keys/bob", Scope.EDITOR)
READER, BOSS = Viewer("keys/reader", Scope.READER), Viewer("keys/boss", Scope.ADMIN)
FEW = ViewDraft("Few", ViewCollection.LANDMARKS, "reference_image_count < 5", "create_time desc", {"columns": "id"})


@pytest.fixture
def store(catalogue_url: str) -> Iterator[ViewStore]:
    with Catalogue.open(catalogue_url) as catalogue:
        yield ViewStore(catalogue.database)


def names(store: ViewStore, viewer: Viewer, **wanted: Any) -> list[str]:
    return sorted(view.display_name for view in store.list(viewer, **wanted).items)


def test_a_view_is_as_it_was_saved(store: ViewStore) -> None:
    view = store.create(FEW, ADA)
    assert (view.display_name, view.collection, view.filter) == ("Few", "landmarks", FEW.filter)
    assert (view.order_by, view.layout, view.shared, view.owner) == (FEW.order_by, FEW.layout, False, "keys/ada")
    assert store.list(ADA).items == (view,)
    changed = store.update(view.id, {"filter": "", "layout": {}}, ADA, etag=view.etag)
    assert (changed.filter, changed.layout, changed.order_by) == ("", {}, FEW.order_by)
    assert changed.update_time >= view.update_time == view.create_time
    with pytest.raises(AbortedError):
        store.update(view.id, {"filter": "id = x"}, ADA, etag=view.etag)
    store.delete(view.id, ADA)
    assert store.list(ADA).items == ()


def test_others_see_only_what_is_shared_and_change_nothing(store: ViewStore) -> None:
    mine = store.create(FEW, ADA)
    ours = store.create(ViewDraft("Ours", ViewCollection.KEPT_QUERIES, "verdict = none", shared=True), ADA)
    assert (names(store, ADA), names(store, BOB), names(store, BOSS)) == (["Few", "Ours"], ["Ours"], ["Ours"])
    assert names(store, BOSS, everyones=True) == ["Few", "Ours"]
    assert names(store, ADA, collection=ViewCollection.KEPT_QUERIES) == ["Ours"]
    for change in (
        lambda view, by: store.update(view.id, {"filter": ""}, by),
        lambda view, by: store.delete(view.id, by),
    ):
        with pytest.raises(NotFoundError):
            change(mine, BOB)
        with pytest.raises(PermissionDeniedError, match="belongs to keys/ada"):
            change(ours, BOB)
    assert store.update(mine.id, {"shared": True}, BOSS).owner == "keys/ada"
    store.delete(mine.id, BOSS)
    with pytest.raises(NotFoundError):
        store.delete(mine.id, ADA)


def test_readers_keep_views_but_share_none(store: ViewStore) -> None:
    view = store.create(FEW, READER)
    with pytest.raises(PermissionDeniedError, match="takes editor or more"):
        store.update(view.id, {"shared": True}, READER)
    with pytest.raises(PermissionDeniedError):
        store.create(ViewDraft("X", ViewCollection.LANDMARKS, shared=True), READER)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (ViewDraft(" ", ViewCollection.LANDMARKS), "display_name"),
        (ViewDraft("X", ViewCollection.LANDMARKS, "colour = red"), "filter"),
        (ViewDraft("X", ViewCollection.KEPT_QUERIES, "labels:church"), "filter"),
        (ViewDraft("X", ViewCollection.REFERENCE_IMAGES, "", "display_name"), "order_by"),
        (ViewDraft("X", ViewCollection.LANDMARKS, layout={"": "x"}), "layout"),
    ],
)
def test_what_the_list_would_refuse_is_not_saved(store: ViewStore, draft: ViewDraft, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        store.create(draft, ADA)
    assert caught.value.metadata["field"] == field
    view = store.create(ViewDraft("X", draft.collection), ADA)
    with pytest.raises(InvalidArgumentError):
        store.update(view.id, {field: getattr(draft, field)}, ADA)


def test_views_are_listed_in_pages_and_are_no_more_than_200(store: ViewStore) -> None:
    made = {store.create(ViewDraft(f"View {number}", ViewCollection.LANDMARKS), ADA).id for number in range(200)}
    with pytest.raises(ResourceExhaustedError, match="keys/ada has 200 views"):
        store.create(FEW, ADA)
    store.create(FEW, BOB)
    seen: list[SavedView] = []
    token = ""
    while True:
        page = store.list(ADA, page_size=90, page_token=token)
        seen += page.items
        assert page.total_size == 200
        if not (token := page.next_page_token):
            break
    assert [view.id for view in seen] == sorted(made)
    token = store.list(ADA, page_size=90).next_page_token
    with pytest.raises(InvalidArgumentError, match="page_token"):
        store.list(BOB, page_token=token)


def test_a_repeat_makes_no_second_view(store: ViewStore) -> None:
    request_id = "0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d"
    view = store.create(FEW, ADA, request_id=request_id)
    assert store.create(FEW, ADA, request_id=request_id) == view
    with pytest.raises(InvalidArgumentError, match="used before with other content"):
        store.create(FEW, BOB, request_id=request_id)
    for _ in range(2):
        store.delete(view.id, ADA, request_id="0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1e")
