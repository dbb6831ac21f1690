"""Saved views."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class ViewCollection(enum.Enum):
    """What a view lists.

    Attributes:
        LANDMARKS: ``list_landmarks``.
        REFERENCE_IMAGES: ``list_reference_images``, of any landmark.
        KEPT_QUERIES: ``list_kept_queries``.
        OTHER: Something that this version of the SDK does not know.
    """

    LANDMARKS = "landmarks"
    REFERENCE_IMAGES = "reference_images"
    KEPT_QUERIES = "kept_queries"
    OTHER = "other"


@dataclass(frozen=True)
class View:
    """A list, filtered and ordered, that somebody looks at again and again.

    Attributes:
        name: ``views/{id}``.
        display_name: What people call it.
        collection: What it lists.
        filter: As the list takes it; empty: all.
        order_by: As the list takes it; empty: by id.
        layout: The application's own, such as which columns there are.
        shared: Whether all see it.
        owner: Whose it is: ``keys/{id}``; ``open`` where the server asks for no keys.
        create_time: UTC.
        update_time: UTC.
        etag: Changes with every update.
    """

    name: str
    display_name: str
    collection: ViewCollection
    filter: str
    order_by: str
    layout: Mapping[str, str] = field(hash=False)
    shared: bool
    owner: str
    create_time: datetime
    update_time: datetime
    etag: str

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.removeprefix("views/")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "id": self.id,
            "display_name": self.display_name,
            "collection": self.collection.value,
            "filter": self.filter,
            "order_by": self.order_by,
            "layout": dict(self.layout),
            "shared": self.shared,
            "owner": self.owner,
            "create_time": self.create_time.isoformat(),
            "update_time": self.update_time.isoformat(),
            "etag": self.etag,
        }
