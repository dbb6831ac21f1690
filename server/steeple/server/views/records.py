"""What a saved view is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from steeple.server.access import Scope


class ViewCollection(StrEnum):
    """What a view lists."""

    LANDMARKS = "landmarks"
    REFERENCE_IMAGES = "reference_images"
    KEPT_QUERIES = "kept_queries"


@dataclass(frozen=True)
class Viewer:
    """Who asks.

    Attributes:
        actor: As in the audit log: ``keys/{id}``, ``open``.
        scope: What they may do.
    """

    actor: str
    scope: Scope


@dataclass(frozen=True)
class ViewDraft:
    """A new view.

    Attributes:
        display_name: What people call it; 1 to 200 characters.
        collection: What it lists.
        filter: As the list of that takes it; empty: all.
        order_by: As the list of that takes it; empty: by id.
        layout: The application's own, such as which columns there are; limits as for a landmark's metadata.
        shared: Whether all see it.
    """

    display_name: str
    collection: ViewCollection
    filter: str = ""
    order_by: str = ""
    layout: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False


@dataclass(frozen=True)
class SavedView:
    """A view as stored.

    Attributes:
        id: The last segment of ``views/{id}``.
        display_name: What people call it.
        collection: What it lists.
        filter: As the list of that takes it.
        order_by: As the list of that takes it.
        layout: The application's own.
        shared: Whether all see it.
        owner: Who made it, as in the audit log.
        create_time: UTC, aware.
        update_time: UTC, aware.
        etag: Quoted; changes with every update.
    """

    id: str
    display_name: str
    collection: ViewCollection
    filter: str
    order_by: str
    layout: Mapping[str, str]
    shared: bool
    owner: str
    create_time: datetime
    update_time: datetime
    etag: str

    @property
    def name(self) -> str:
        """``views/{id}``."""
        return view_name(self.id)


def view_name(view_id: str) -> str:
    """``views/{view_id}``."""
    return f"views/{view_id}"
