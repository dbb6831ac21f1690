"""Which kept queries show the same: discovery (:mod:`steeple.server.discovery`) among the newest of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from steeple.delf.features import FeatureSet
from steeple.errors import DataLossError, ImageError, InvalidArgumentError, NotFoundError, ResourceExhaustedError
from steeple.recognition import GalleryImage
from steeple.server.catalogue.pages import ListRequest
from steeple.server.discovery.grouping import HeapPhoto, group_photos
from steeple.server.discovery.matches import HeapMatcher, Match, pairs_of
from steeple.server.discovery.records import DiscoveryOptions
from steeple.server.index.threads import one_thread
from steeple.server.review.records import Content, KeptQuery, QueryVerdict
from steeple.server.review.reviewing import Review
from steeple.server.serving import Served, Serving

DEFAULT_QUERIES: Final = 100
MAX_QUERIES: Final = 200
"""That are compared."""

MAX_NEW: Final = 12
"""Photos that features are made of, and queries that are looked for among the others, in one call: some seconds."""

_REMEMBERED: Final = 2 * MAX_QUERIES  # feature sets: 20 to 60 kB each
_FILTERS: Final = 4  # whose matches are remembered
_NEWEST_FIRST: Final = "id desc"
_OPTIONS: Final = DiscoveryOptions(min_views=1)  # the same view twice is worth showing together too


@dataclass(frozen=True)
class QueryGroup:
    """Kept queries that seem to show the same.

    Attributes:
        queries: Two or more, the newest first.
        landmark_id: What they show, as their reviews or answers have it; empty: that is not known.
    """

    queries: tuple[KeptQuery, ...]
    landmark_id: str


@dataclass(frozen=True)
class QueryGroups:
    """What became of the queries that were to be grouped.

    Attributes:
        groups: Those of most queries first.
        compared: Queries that were compared.
        waiting: Queries whose features are still to be made.
        unusable: Queries that cannot be compared.
        total_size: All that there were to choose from.
    """

    groups: tuple[QueryGroup, ...]
    compared: int
    waiting: int
    unusable: int
    total_size: int


@dataclass(frozen=True, eq=False)
class _Comparable:
    query: KeptQuery
    features: FeatureSet


_Found: TypeAlias = dict[str, list[tuple[str, Match]]]
"""By query: those that it was found to match, and how."""


class QueryGrouper:
    """Groups kept queries, for one caller at a time. Thread safe.

    Features, and which of them match, are remembered until their queries are erased or expire.

    Args:
        review: The queries.
        serving: Makes features of photos, and compares them.
    """

    def __init__(self, review: Review, serving: Serving) -> None:
        self._review = review
        self._serving = serving
        self._working = threading.Lock()
        self._lock = threading.Lock()  # guards what follows
        self._features: OrderedDict[str, FeatureSet | None] = OrderedDict()  # by query; None: it cannot be compared
        self._found: OrderedDict[str, _Found] = OrderedDict()  # by filter
        review.files.deleted = self._forget

    def group(self, filter: str = "", max_queries: int = 0) -> QueryGroups:
        """Groups the newest queries.

        Args:
            filter: Of lists of kept queries.
            max_queries: That are compared; 0 stands for :data:`DEFAULT_QUERIES`, more than :data:`MAX_QUERIES` for
                these.

        Raises:
            InvalidArgumentError: If the filter is none, or the number less than 0.
            FailedPreconditionError: If there are no queries, and none are kept.
            ResourceExhaustedError: If it groups for another caller.
        """
        if max_queries < 0:
            raise InvalidArgumentError(f"max_queries must not be negative, as {max_queries} is", field="max_queries")
        most = min(max_queries or DEFAULT_QUERIES, MAX_QUERIES)
        page = self._review.list(ListRequest(most, "", filter, _NEWEST_FIRST))
        if not self._working.acquire(blocking=False):
            raise ResourceExhaustedError(
                "the server is grouping queries for somebody else; try again in 2 s", retry_delay_seconds="2.000"
            )
        try:
            return self._grouped(filter, page.items, page.total_size)
        finally:
            self._working.release()

    @property
    def remembered(self) -> int:
        """Queries of which features are in memory."""
        with self._lock:
            return len(self._features)

    def _grouped(self, filter: str, queries: Sequence[KeptQuery], total_size: int) -> QueryGroups:
        served, unusable = self._serving.default, 0
        usable: list[_Comparable] = []
        left: list[KeptQuery] = []
        photos = 0
        for query in queries:
            known, features = self._known(query.id)
            if not known and query.content is Content.PHOTO:
                photos += 1
                if photos > MAX_NEW:
                    left.append(query)
                    continue
            if not known:
                features = self._remember(query.id, self._read(query.id, served))
            if features is None or features.model != served.release.name:
                unusable += 1
            else:
                usable.append(_Comparable(query, features))
        found = self._matched(self._found_in(filter), usable, served)
        compared = [one.query for one in usable if one.query.id in found]
        return QueryGroups(
            groups=_groups(compared, found),
            compared=len(compared),
            waiting=len(left) + len(usable) - len(compared),
            unusable=unusable,
            total_size=total_size,
        )

    def _read(self, query_id: str, served: Served) -> FeatureSet | None:
        try:
            _, source = self._review.source(query_id)
            return source if isinstance(source, FeatureSet) else served.extractors.extract(source)
        except (DataLossError, ImageError, NotFoundError):  # not to be used, or erased meanwhile
            return None

    def _found_in(self, filter: str) -> _Found:
        """What is known of the queries of a filter; of the last few filters."""
        with self._lock:
            found = self._found.setdefault(filter, {})
            self._found.move_to_end(filter)
            while len(self._found) > _FILTERS:
                self._found.popitem(last=False)
            return found

    def _matched(self, found: _Found, usable: Sequence[_Comparable], served: Served) -> _Found:
        """``found``, with what some queries match that were not looked for before."""
        ids = [one.query.id for one in usable]
        for gone in found.keys() - set(ids):  # should it come back, it is to be compared with those that came meanwhile
            del found[gone]
        new = [key for key, query_id in enumerate(ids) if query_id not in found]
        if not new:
            return found

        def gallery(keys: Sequence[int]) -> Mapping[int, GalleryImage]:
            return {key: GalleryImage(str(key), usable[key].features) for key in keys}

        with one_thread():  # queries have the other cores
            matcher = HeapMatcher(served.release, gallery)
            for key, one in enumerate(usable):
                matcher.add(key, one.features)
            for key in new[:MAX_NEW]:
                matches = matcher.matches(key, usable[key].features)
                found[ids[key]] = [(ids[match.photo], match) for match in matches]
        return found

    def _known(self, query_id: str) -> tuple[bool, FeatureSet | None]:
        with self._lock:
            if query_id not in self._features:
                return False, None
            self._features.move_to_end(query_id)
            return True, self._features[query_id]

    def _remember(self, query_id: str, features: FeatureSet | None) -> FeatureSet | None:
        with self._lock:
            self._features[query_id] = features
            while len(self._features) > _REMEMBERED:
                self._features.popitem(last=False)
        if not self._review.files.has(query_id):  # erased meanwhile: nothing may be left of it
            self._forget(query_id)
            return None
        return features

    def forget_erased(self) -> None:
        """Forgets the features of queries that another server has erased or deleted."""
        with self._lock:
            remembered = list(self._features)
        for query_id in set(remembered).difference(self._review.known(remembered) if remembered else ()):
            self._forget(query_id)

    def _forget(self, query_id: str) -> None:
        with self._lock:
            self._features.pop(query_id, None)


def _groups(queries: Sequence[KeptQuery], found: Mapping[str, Sequence[tuple[str, Match]]]) -> tuple[QueryGroup, ...]:
    keys = {query.id: key for key, query in enumerate(queries)}
    matches = [
        replace(match, query=keys[query_id], photo=keys[other])
        for query_id in keys
        for other, match in found[query_id]
        if other in keys
    ]
    heap = [
        HeapPhoto(key, query.id, query.feedback.location if query.feedback else None, _landmark(query))
        for key, query in enumerate(queries)
    ]
    grouping = group_photos(heap, pairs_of(matches), _OPTIONS)
    return tuple(
        QueryGroup(tuple(queries[key] for key in sorted(group.photos)), group.landmark_id)
        for group in grouping.groups
        if len(group.photos) > 1
    )


def _landmark(query: KeptQuery) -> str:
    """What it shows, as far as anybody or anything says so."""
    if query.verdict is QueryVerdict.NONE and query.identified:
        return query.candidates[0].landmark_id
    return query.confirmed_landmark_id
