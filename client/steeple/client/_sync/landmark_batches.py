# Made from _async/landmark_batches.py by tools/generate_sync_client.py; do not edit.
"""Calls of the CatalogService that are about many landmarks at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steeple.client._convert import landmark_name, point_message
from steeple.client._convert_map import to_landmark_map
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client.landmark_map import LandmarkMap
from steeple.client.resources import Landmark, LatLng
from steeple.v1 import catalog_service_pb2 as api


class LandmarkBatchCalls:
    """The part of the client that changes, and counts, many landmarks at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def batch_update_landmarks(
        self,
        landmarks: Iterable[str | Landmark],
        *,
        add_labels: Iterable[str] = (),
        remove_labels: Iterable[str] = (),
        set_metadata: Mapping[str, str] | None = None,
        remove_metadata: Iterable[str] = (),
        active: bool | None = None,
        description: str | None = None,
        request_id: str = "",
        timeout: float | None = None,
    ) -> list[str]:
        """Changes 1 to 1000 landmarks alike, all or, if one is refused, none; what is not given stays.

        Args:
            landmarks: Which, none twice.
            add_labels: That each has afterwards, beside those that it had.
            remove_labels: That none has afterwards.
            set_metadata: Entries to add or to set anew; the others stay.
            remove_metadata: Keys to remove where they are.
            active: Whether searches find them; takes effect at once.
            description: A sentence or two, the same for all.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Returns:
            Names of those that are other than before; the rest was so already.

        Raises:
            FailedPreconditionError: If one is deleted.
            InvalidArgumentError: If nothing is given, or a value is out of its limits.
        """
        request = api.BatchUpdateLandmarksRequest(
            names=[landmark_name(landmark) for landmark in landmarks],
            add_labels=add_labels,
            remove_labels=remove_labels,
            set_metadata=dict(set_metadata or {}),
            remove_metadata=remove_metadata,
            active=active,
            description=description,
            request_id=request_id_or_new(request_id),
        )
        response = self._connection.call(
            self._connection.link.catalog.BatchUpdateLandmarks, request, timeout=timeout, long=True
        )
        return list(response.updated)

    def batch_delete_landmarks(
        self,
        landmarks: Iterable[str | Landmark],
        *,
        force: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> None:
        """Removes 1 to 1000 landmarks, all or, if one is refused, none. They can be undeleted until they expire.

        Args:
            landmarks: Which, none twice.
            force: Whether their reference images go too.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            FailedPreconditionError: If one has reference images and ``force`` is not set.
        """
        request = api.BatchDeleteLandmarksRequest(
            names=[landmark_name(landmark) for landmark in landmarks],
            force=force,
            request_id=request_id_or_new(request_id),
        )
        self._connection.call(self._connection.link.catalog.BatchDeleteLandmarks, request, timeout=timeout, long=True)

    def list_landmark_clusters(
        self,
        *,
        zoom: int = 0,
        filter: str = "",
        southwest: LatLng | None = None,
        northeast: LatLng | None = None,
        timeout: float | None = None,
    ) -> LandmarkMap:
        """How many landmarks stand where, for a map; those that stand nowhere are on none.

        Args:
            zoom: 0 to 22. A cluster is of a cell of 90 / 2^zoom degrees, 64 pixels of a web map; where that would make
                more than 2048 cells, they are larger, and the answer tells of what zoom.
            filter: Only landmarks that it is true of, as of :meth:`list_landmarks`.
            southwest: Corner of what to look at; None: all of the earth.
            northeast: The other corner. To the west of the first one, they have the 180th meridian between them.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If a value is out of its limits, or one corner is given without the other.
        """
        request = api.ListLandmarkClustersRequest(
            zoom=zoom, filter=filter, southwest=point_message(southwest), northeast=point_message(northeast)
        )
        response = self._connection.call(self._connection.link.catalog.ListLandmarkClusters, request, timeout=timeout)
        return to_landmark_map(response)
