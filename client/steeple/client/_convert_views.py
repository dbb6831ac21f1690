"""Protocol messages of saved views to the SDK's types, and back."""

from __future__ import annotations

from typing import Final

from steeple.client._requests import number_of, prefixed
from steeple.client._times import to_time
from steeple.client.views import View, ViewCollection
from steeple.v1 import view_service_pb2 as api

_COLLECTIONS: Final = {
    ViewCollection.LANDMARKS: api.View.COLLECTION_LANDMARKS,
    ViewCollection.REFERENCE_IMAGES: api.View.COLLECTION_REFERENCE_IMAGES,
    ViewCollection.KEPT_QUERIES: api.View.COLLECTION_KEPT_QUERIES,
}
_COLLECTION_OF: Final = {number: collection for collection, number in _COLLECTIONS.items()}


def view_name(view: str | View) -> str:
    """``views/{id}`` of an id, a name or a view."""
    return view.name if isinstance(view, View) else prefixed("views/", view)


def collection_value(collection: ViewCollection | str) -> api.View.Collection.ValueType:
    """The number of a collection, or of its name.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    return number_of(collection, _COLLECTIONS, says="collection must be", field="collection")


def to_view(message: api.View) -> View:
    """A saved view."""
    return View(
        name=message.name,
        display_name=message.display_name,
        collection=_COLLECTION_OF.get(message.collection, ViewCollection.OTHER),
        filter=message.filter,
        order_by=message.order_by,
        layout=dict(message.layout),
        shared=message.shared,
        owner=message.owner,
        create_time=to_time(message.create_time),
        update_time=to_time(message.update_time),
        etag=message.etag,
    )
