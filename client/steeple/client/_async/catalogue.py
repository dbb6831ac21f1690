"""Calls of the CatalogService."""

from __future__ import annotations

from steeple.client._async.connection import AsyncConnection
from steeple.client._async.images import AsyncReferenceImageCalls
from steeple.client._async.landmark_batches import AsyncLandmarkBatchCalls
from steeple.client._async.landmarks import AsyncLandmarkCalls


class AsyncCatalogueCalls(AsyncLandmarkCalls, AsyncLandmarkBatchCalls, AsyncReferenceImageCalls):
    """The part of the client that keeps the catalogue.

    Landmarks are given by id (``big-ben``), by name (``landmarks/big-ben``) or as what another call returned;
    reference images by name (``landmarks/big-ben/images/north``) or as returned. What a call has acknowledged is
    stored durably and searchable.

    Every change carries a ``request_id``, a UUID, with which the server recognises a repeat and gives the first
    answer again. One is made for each call unless given; give one to repeat a call whose outcome was lost.

    All raise NotFoundError for what does not exist, and what :class:`AsyncClient` says.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        AsyncLandmarkCalls.__init__(self, connection)
        AsyncLandmarkBatchCalls.__init__(self, connection)
        AsyncReferenceImageCalls.__init__(self, connection)
