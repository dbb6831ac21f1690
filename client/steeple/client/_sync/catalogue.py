# Made from _async/catalogue.py by tools/generate_sync_client.py; do not edit.
"""Calls of the CatalogService."""

from __future__ import annotations

from steeple.client._sync.connection import Connection
from steeple.client._sync.images import ReferenceImageCalls
from steeple.client._sync.landmark_batches import LandmarkBatchCalls
from steeple.client._sync.landmarks import LandmarkCalls


class CatalogueCalls(LandmarkCalls, LandmarkBatchCalls, ReferenceImageCalls):
    """The part of the client that keeps the catalogue.

    Landmarks are given by id (``big-ben``), by name (``landmarks/big-ben``) or as what another call returned;
    reference images by name (``landmarks/big-ben/images/north``) or as returned. What a call has acknowledged is
    stored durably and searchable.

    Every change carries a ``request_id``, a UUID, with which the server recognises a repeat and gives the first
    answer again. One is made for each call unless given; give one to repeat a call whose outcome was lost.

    All raise NotFoundError for what does not exist, and what :class:`Client` says.
    """

    def __init__(self, connection: Connection) -> None:
        LandmarkCalls.__init__(self, connection)
        LandmarkBatchCalls.__init__(self, connection)
        ReferenceImageCalls.__init__(self, connection)
