"""Saved views: what somebody looks at again and again, kept for them or for all."""

from steeple.server.views.records import SavedView, ViewCollection, ViewDraft, Viewer
from steeple.server.views.store import ViewStore

__all__ = ["SavedView", "ViewCollection", "ViewDraft", "ViewStore", "Viewer"]
