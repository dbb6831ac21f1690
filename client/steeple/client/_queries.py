"""The message of a query, without what is searched with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from steeple.client.resources import LatLng
from steeple.errors import InvalidArgumentError
from steeple.v1.visual_search_service_pb2 import Query

MAX_CANDIDATES: Final = 100
"""In an answer."""


def query_message(
    max_candidates: int,
    near: LatLng | None,
    radius_meters: float | None,
    metadata: Mapping[str, str] | None,
    *,
    include_matches: bool = False,
    include_thumbnails: bool = False,
    keep: bool = True,
) -> Query:
    """What to look for, and how to answer; the arguments are those of the client's ``identify``.

    Raises:
        InvalidArgumentError: If the number of candidates is out of range, or a place has no radius.
    """
    # Checked here too, because 0 would silently stand for the default.
    if not 1 <= max_candidates <= MAX_CANDIDATES:
        raise InvalidArgumentError(f"max_candidates must be 1 to {MAX_CANDIDATES}, not {max_candidates}")
    if (near is None) != (radius_meters is None):
        raise InvalidArgumentError("near and radius_meters go together: give both or neither")
    query = Query(
        max_candidates=max_candidates,
        include_matches=include_matches,
        include_thumbnails=include_thumbnails,
        no_keep=not keep,
    )
    if near is not None and radius_meters is not None:
        query.restriction.near.latitude, query.restriction.near.longitude = near.latitude, near.longitude
        query.restriction.radius_meters = radius_meters
    if metadata:
        query.restriction.metadata.update(metadata)
    return query
