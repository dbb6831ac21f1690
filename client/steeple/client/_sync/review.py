# Made from _async/review.py by tools/generate_sync_client.py; do not edit.
"""Calls of the ReviewService."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steeple.client._convert import draft_message, landmark_name, to_reference_image
from steeple.client._convert_access import key_name
from steeple.client._convert_review import query_name, to_kept_query, to_kept_query_groups, verdict_value
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client.access import Key
from steeple.client.resources import ImageFile, Landmark, ReferenceImage
from steeple.client.review import KeptQuery, KeptQueryGroups, QueryVerdict
from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.v1 import catalog_service_pb2
from steeple.v1 import review_service_pb2 as api


class ReviewCalls:
    """The part of the client that reviews queries which the server has kept.

    Kept queries are given by id, by name (``queries/{id}``) or as what another call returned. All raise NotFoundError
    for what is not kept, or not any more.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_kept_queries(
        self, *, filter: str = "", order_by: str = "", page_size: int = 50, timeout: float | None = None
    ) -> Listing[KeptQuery]:
        """Kept queries. Pages are fetched as the iterator needs them; ``timeout`` is for each.

        Args:
            filter: Only those that it is true of, such as ``"outcome = unknown AND verdict = none"``.
            order_by: Fields, each with or without ``" desc"``, such as ``"confidence desc"``; empty: by time.
            page_size: How many to fetch at a time.
            timeout: Seconds; None: the client's.

        Raises:
            FailedPreconditionError: If there are none, and the server keeps none.
            InvalidArgumentError: If the filter or the order is none; the message tells where it is wrong.
        """
        request = api.ListKeptQueriesRequest(page_size=page_size, filter=filter, order_by=order_by)
        return self._connection.listing(
            self._connection.link.review.ListKeptQueries,
            request,
            lambda page: map(to_kept_query, page.kept_queries),
            timeout=timeout,
        )

    def get_kept_query(self, query: str | KeptQuery, *, timeout: float | None = None) -> KeptQuery:
        """A kept query as it is now."""
        request = api.GetKeptQueryRequest(name=query_name(query))
        response = self._connection.call(self._connection.link.review.GetKeptQuery, request, timeout=timeout)
        return to_kept_query(response.kept_query)

    def download_kept_query(self, query: str | KeptQuery, *, timeout: float | None = None) -> ImageFile | FeatureSet:
        """What was searched with: the photo without its metadata, or its features where only these were sent.

        Raises:
            DataLossError: If the server has lost it.
        """
        request = api.DownloadKeptQueryRequest(name=query_name(query))
        response = self._connection.call(
            self._connection.link.review.DownloadKeptQuery, request, timeout=timeout, long=True
        )
        if response.WhichOneof("content") == "features":
            return wire.unpack(response.features)
        return ImageFile(response.image, response.media_type)

    def get_kept_query_thumbnail(self, query: str | KeptQuery, *, timeout: float | None = None) -> ImageFile:
        """The photo made small: a JPEG of at most 256 pixels a side.

        Raises:
            NotFoundError: Also if only features are kept.
        """
        request = api.GetKeptQueryThumbnailRequest(name=query_name(query))
        response = self._connection.call(self._connection.link.review.GetKeptQueryThumbnail, request, timeout=timeout)
        return ImageFile(response.image, "image/jpeg")

    def review_query(
        self,
        query: str | KeptQuery,
        verdict: QueryVerdict | str,
        *,
        landmark: str | Landmark | None = None,
        timeout: float | None = None,
    ) -> KeptQuery:
        """Says whether the answer was right, and what the query shows. The last word stands.

        Args:
            query: Which.
            verdict: What there is to say; ``none`` takes back what was said before.
            landmark: What it shows, with the verdict ``landmark`` and with no other.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: Also if there is no such landmark.
            InvalidArgumentError: If verdict and landmark do not go together.
        """
        request = api.ReviewQueryRequest(
            name=query_name(query),
            verdict=verdict_value(verdict),
            landmark="" if landmark is None else landmark_name(landmark),
        )
        response = self._connection.call(self._connection.link.review.ReviewQuery, request, timeout=timeout)
        return to_kept_query(response.kept_query)

    def promote_query(
        self,
        query: str | KeptQuery,
        *,
        image_id: str = "",
        metadata: Mapping[str, str] | None = None,
        refuse_duplicates: bool = False,
        new_landmark: Landmark | None = None,
        request_id: str = "",
        timeout: float | None = None,
    ) -> ReferenceImage:
        """Makes a reference image of a query, of the landmark that its review has confirmed, or of a new one.

        Args:
            query: Which.
            image_id: 1 to 63 lower-case letters, digits and hyphens; empty: the server chooses.
            metadata: The application's own data; at most 64 entries.
            refuse_duplicates: As for ``add_reference_image``.
            new_landmark: Is created first, and confirmed to be what the query shows; with an empty name, the server
                chooses its id. If the image is refused then, it stays, and the next attempt takes it.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's ``long_timeout``.

        Raises:
            FailedPreconditionError: If no review has confirmed what it shows, or another landmark than the new one.
            AlreadyExistsError: If there is an image of it, the id is taken, or it has duplicates and they are refused.
        """
        refuse, report = catalog_service_pb2.DUPLICATE_POLICY_REFUSE, catalog_service_pb2.DUPLICATE_POLICY_REPORT
        request = api.PromoteQueryRequest(
            name=query_name(query),
            reference_image_id=image_id,
            metadata=dict(metadata or {}),
            duplicate_policy=refuse if refuse_duplicates else report,
            request_id=request_id_or_new(request_id),
        )
        if new_landmark is not None:
            request.new_landmark.CopyFrom(draft_message(new_landmark))
            request.landmark_id = new_landmark.id
        response = self._connection.call(self._connection.link.review.PromoteQuery, request, timeout=timeout, long=True)
        return to_reference_image(response.reference_image, response.duplicates)

    def erase_queries(
        self,
        queries: Iterable[str | KeptQuery] = (),
        *,
        key: str | Key | None = None,
        filter: str = "",
        everything: bool = False,
        timeout: float | None = None,
    ) -> int:
        """Erases kept queries for good, from the server's disk. Exactly one argument says which.

        Args:
            queries: These, at most 1000; those that are not there are passed over.
            key: All that came with this key.
            filter: All that it is true of, such as ``'create_time < "2027-01-01"'``.
            everything: All that there are.
            timeout: Seconds; None: the client's ``long_timeout``.

        Returns:
            How many were erased.

        Raises:
            UnavailableError: If what was erased may not be gone from the disk yet: do it again.
        """
        request = api.EraseQueriesRequest(
            names=[query_name(query) for query in queries],
            key="" if key is None else key_name(key),
            filter=filter,
            all=everything,
        )
        response = self._connection.call(self._connection.link.review.EraseQueries, request, timeout=timeout, long=True)
        return int(response.erased_count)

    def group_kept_queries(
        self, *, filter: str = "", max_queries: int = 100, timeout: float | None = None
    ) -> KeptQueryGroups:
        """Puts kept queries together that seem to show the same.

        A call does some seconds of work: the answer says how many queries are ``waiting`` for another.

        Args:
            filter: As for :meth:`list_kept_queries`.
            max_queries: The newest of them are compared, so many at most; 1 to 200.
            timeout: Seconds; None: the client's ``long_timeout``.

        Raises:
            ResourceExhaustedError: If the server groups for another caller all the while.
        """
        if max_queries < 1:  # 0 would silently stand for the default
            raise InvalidArgumentError(f"max_queries must be 1 to 200, not {max_queries}")
        request = api.GroupKeptQueriesRequest(filter=filter, max_queries=max_queries)
        response = self._connection.call(
            self._connection.link.review.GroupKeptQueries, request, timeout=timeout, long=True
        )
        return to_kept_query_groups(response)
