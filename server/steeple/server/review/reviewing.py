"""Looking through kept queries, making reference images of them, and erasing them."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from google.protobuf.message import DecodeError
from sqlalchemy import true

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import (
    AbortedError,
    AlreadyExistsError,
    DataLossError,
    FailedPreconditionError,
    FeatureSetError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from steeple.server.access.records import key_name
from steeple.server.catalogue import Catalogue, LandmarkDraft, Page, ReferenceImage
from steeple.server.catalogue.filters import condition
from steeple.server.catalogue.limits import check_metadata
from steeple.server.catalogue.pages import ListRequest
from steeple.server.catalogue.requests import check_request_id
from steeple.server.duplicates import DuplicatePolicy
from steeple.server.files import FileStore
from steeple.server.ingest import Ingest
from steeple.server.logs import facts
from steeple.server.review.feedback import FeedbackBox
from steeple.server.review.files import QueryFiles
from steeple.server.review.keeper import QueryKeeper
from steeple.server.review.records import Content, KeepPolicy, KeepRules, KeptQuery, QueryVerdict, query_name
from steeple.server.review.store import FILTERS, KeptQueryStore, named, of_key, older_than
from steeple.v1 import features_pb2

log = logging.getLogger(__name__)

MAX_NAMES: Final = 1000
"""Of queries that one call erases."""

_SWEEP_SECONDS: Final = 24 * 3600.0


class Review:
    """All that can be done with queries after they were answered. Thread safe.

    Args:
        rules: Which queries are kept.
        files: Where their files are.
        catalogue: Whose database has what is known of them.
        ingest: Makes reference images.
        lineage: Gives a key's id and those of the keys that it has replaced.
        clock: Tells the time, UTC.

    Attributes:
        keeper: Keeps queries, from :meth:`start` to :meth:`close`.
        feedback: Takes what people send.
        files: What queries were searched with.
    """

    def __init__(
        self,
        rules: KeepRules,
        files: FileStore,
        catalogue: Catalogue,
        ingest: Ingest,
        lineage: Callable[[str], Iterable[str]],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._ingest = ingest
        self._clock = clock
        self.files = QueryFiles(files)
        self._store = KeptQueryStore(catalogue.database, rules.retention)
        self._lock = threading.Lock()
        self._promoting: set[str] = set()
        self._sweep_due = 0.0
        self.keeper = QueryKeeper(rules, self._store, self.files, lineage, clock=clock)
        self.feedback = FeedbackBox(rules, self.keeper, self._store, lineage, clock=clock)

    def start(self) -> None:
        """Removes what a crash has left, and begins to keep queries if that is wanted."""
        self._sweep()
        if self._rules.policy is not KeepPolicy.OFF:
            log.info(
                "queries are kept for review",
                extra=facts(which=self._rules.policy, share=self._rules.sample, days=self._rules.retention.days),
            )
        if self._rules.feedback:
            log.info("feedback is taken, and kept for review", extra=facts(days=self._rules.retention.days))
        self.keeper.start()

    def close(self) -> None:
        """Writes what waits. May be called again."""
        self.keeper.close()

    def purge(self, now: datetime | None = None) -> None:
        """Deletes the queries whose time is over.

        Args:
            now: UTC, aware; None: the time.
        """
        now = now or self._clock()
        expired = self._store.ids(older_than(now - self._rules.retention))
        if expired:
            self.files.delete(expired)
            self._store.delete(expired)
        if self.files.shared and time.monotonic() >= self._sweep_due:
            self._sweep()

    def known(self, query_ids: Iterable[str]) -> Iterable[str]:
        """Those of some queries that there are."""
        return self._store.ids(named(query_ids))

    def _sweep(self) -> None:
        self._sweep_due = time.monotonic() + _SWEEP_SECONDS
        try:
            strangers = self.files.sweep(lambda: self._store.ids(true()))
        except UnavailableError as error:
            if not self.files.shared:
                raise
            log.warning("files of kept queries cannot be listed", extra=facts(error=error))
            return
        if strangers:
            log.info("files of kept queries that nothing was known of are deleted", extra=facts(files=strangers))

    def get(self, query_id: str) -> KeptQuery:
        """A query.

        Raises:
            NotFoundError: If there is none of that id.
        """
        return self._store.get(query_id)

    def list(self, request: ListRequest) -> Page[KeptQuery]:
        """A page of queries.

        Raises:
            InvalidArgumentError: If size, token, filter or order are not valid.
            FailedPreconditionError: If there are none, and neither queries nor feedback are kept.
        """
        page = self._store.list(request)
        if self._rules.policy is not KeepPolicy.OFF or self._rules.feedback:
            return page
        if not page.items and self._store.empty():
            raise FailedPreconditionError(
                "this server keeps no queries; to review them, start it with keep_queries = unknown (or all), as in "
                "`steeple serve --keep-queries unknown`, or with feedback = on"
            )
        return page

    def source(self, query_id: str) -> tuple[KeptQuery, bytes | FeatureSet]:
        """A query, and the photo or the features that were searched with.

        Raises:
            NotFoundError: If there is none of that id.
            DataLossError: If its file is missing or damaged.
        """
        query = self._store.get(query_id)
        data = self.files.read(query_id, query.size_bytes)
        if query.content is Content.PHOTO:
            return query, data
        try:
            return query, wire.unpack(features_pb2.FeatureSet.FromString(data))
        except (DecodeError, FeatureSetError) as error:
            raise DataLossError(f"the file of {query.name} is damaged; erase the query", resource=query.name) from error

    def thumbnail(self, query_id: str) -> bytes:
        """The photo made small, as a JPEG.

        Raises:
            NotFoundError: If there is none of that id, or only features are kept of it.
            DataLossError: If its file is missing or damaged.
        """
        query, source = self.source(query_id)
        if not isinstance(source, bytes):
            raise NotFoundError(
                f"{query.name} has no photo: only its features were sent, and the photo stayed on the device",
                resource=query.name,
            )
        return self._ingest.thumbnails.of_photo(source)

    def review(self, query_id: str, verdict: QueryVerdict, landmark_id: str = "") -> KeptQuery:
        """Says what a query shows.

        Args:
            query_id: Which.
            verdict: NONE takes back what was said before.
            landmark_id: What it shows, with the verdict LANDMARK.

        Raises:
            NotFoundError: If there is no such query, or no such landmark.
            InvalidArgumentError: If verdict and landmark do not go together.
        """
        if (verdict is QueryVerdict.LANDMARK) != bool(landmark_id):
            raise InvalidArgumentError(
                "landmark goes with VERDICT_LANDMARK, which says what the query shows, and with no other verdict",
                field="landmark",
            )
        if landmark_id:
            self._catalogue.get_landmark(landmark_id)
        return self._store.review(query_id, verdict, landmark_id, self._clock())

    def promote(
        self,
        query_id: str,
        *,
        image_id: str = "",
        metadata: Mapping[str, str] | None = None,
        duplicate_policy: DuplicatePolicy = DuplicatePolicy.REPORT,
        request_id: str = "",
        new_landmark: LandmarkDraft | None = None,
        landmark_id: str = "",
    ) -> tuple[KeptQuery, ReferenceImage]:
        """Makes a reference image of a query, of the landmark that its review has confirmed, or of a new one.

        A photo is extracted from anew; of a query by features, these become those of the image.

        Args:
            query_id: Which.
            image_id: Empty: the catalogue chooses one.
            metadata: The application's own data.
            duplicate_policy: Whether an image that has duplicates is added.
            request_id: A repeat gets the first answer.
            new_landmark: Is created first, and confirmed to be what the query shows; unless its review names one of
                that display name already. It stays if the image is refused then. None: there is one.
            landmark_id: Of the new landmark; empty: the catalogue chooses one.

        Returns:
            The query, which tells of the image, and the image.

        Raises:
            NotFoundError: If there is no such query, or its landmark is gone.
            FailedPreconditionError: If no review has confirmed what it shows, or another landmark than the new one.
            InvalidArgumentError: If a field breaks the contract.
            AlreadyExistsError: If there is an image of it, the id is taken, or it has duplicates and they are refused.
            AbortedError: If it is being promoted by another call.
            SteepleError: As :meth:`Ingest.create_image`.
        """
        check_request_id(request_id)
        check_metadata(metadata or {})
        if landmark_id and new_landmark is None:
            raise InvalidArgumentError("landmark_id goes with new_landmark", field="landmark_id")
        with self._only_one(query_id):  # or a query could become two images
            query, source = self.source(query_id)
            if new_landmark is not None:
                query = self._confirmed(query, new_landmark, landmark_id, request_id)
            return self._promoted(query, source, image_id, metadata or {}, duplicate_policy, request_id)

    def erase(self, *, names: Sequence[str] = (), key_id: str = "", filter: str = "", every: bool = False) -> int:
        """Erases queries for good: files, rows, and what the database's log has of them. Exactly one must be given.

        Args:
            names: Ids; those that are not there are passed over.
            key_id: All that came with this key.
            filter: All that it is true of.
            every: All.

        Returns:
            How many were erased.

        Raises:
            InvalidArgumentError: If nothing or several things are given, or too many names, or the filter is none.
            UnavailableError: If what was erased may not be gone from the disk yet: do it again.
        """
        where = condition(filter, FILTERS) if filter else true()
        if sum(map(bool, (names, key_id, filter, every))) != 1:
            raise InvalidArgumentError(
                "say which queries to erase: exactly one of names, key, filter, or all = true", field="names"
            )
        if len(names) > MAX_NAMES:
            raise InvalidArgumentError(f"names must be at most {MAX_NAMES}, not {len(names)}", field="names")
        if key_id or every:
            self.keeper.forget(key_id or None)  # also what is still on its way
        self.keeper.settle()
        if key_id or every:
            self._store.forbid(key_id or None, self._clock())
        ids = self._store.ids(named(names) if names else of_key(key_id) if key_id else where)
        self.files.delete(ids)
        what = None if names else key_name(key_id) if key_id else "queries"
        erased = self._store.erase(ids, self._clock(), what)
        self._catalogue.database.forget_deleted()
        return erased

    def _confirmed(self, query: KeptQuery, new: LandmarkDraft, landmark_id: str, request_id: str) -> KeptQuery:
        """The query, reviewed to show a landmark that is created for it."""
        if known := query.confirmed_landmark_id:
            if self._catalogue.get_landmark(known).display_name == new.display_name:
                return query  # as after an attempt whose image was refused
            name = f"landmarks/{known}"
            raise FailedPreconditionError(
                f"the review of {query.name} says that it shows {name}: leave the new landmark out, or take that back",
                resource=name,
            )
        # A crash may come between the two changes: the repeat must meet the same landmark.
        repeat = str(uuid.uuid5(uuid.UUID(request_id), query.name)) if request_id else ""
        landmark = self._catalogue.create_landmark(new, landmark_id=landmark_id, request_id=repeat)
        return self._store.review(query.id, QueryVerdict.LANDMARK, landmark.id, self._clock())

    def _is_there(self, landmark_id: str, image_id: str) -> bool:
        try:
            return self._catalogue.get_image(landmark_id, image_id).delete_time is None
        except NotFoundError:
            return False

    def _promoted(
        self,
        query: KeptQuery,
        source: bytes | FeatureSet,
        image_id: str,
        metadata: Mapping[str, str],
        duplicate_policy: DuplicatePolicy,
        request_id: str,
    ) -> tuple[KeptQuery, ReferenceImage]:
        landmark_id = query.confirmed_landmark_id
        if not landmark_id:
            raise FailedPreconditionError(
                f"nobody has confirmed what {query.name} shows; review it first: right, or the landmark that it shows",
                resource=query.name,
            )
        if query.image is not None and self._is_there(*query.image):
            repeated = None
            if request_id:
                digest = hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else source
                repeated = self._catalogue.replayed_image(
                    landmark_id, source=digest, metadata=metadata, image_id=image_id, request_id=request_id
                )
            if repeated is not None:
                return query, repeated
            name = "landmarks/{}/images/{}".format(*query.image)
            raise AlreadyExistsError(f"{query.name} is a reference image already: {name}", resource=name)
        image = self._ingest.create_image(
            landmark_id,
            source,
            image_id=image_id,
            metadata=metadata,
            request_id=request_id,
            duplicate_policy=duplicate_policy,
        )
        return self._store.link(query.id, image.landmark_id, image.id), image

    @contextmanager
    def _only_one(self, query_id: str) -> Iterator[None]:
        with self._lock:
            if query_id in self._promoting:
                name = query_name(query_id)
                raise AbortedError(f"somebody else is just promoting {name}; look at it again", resource=name)
            self._promoting.add(query_id)
        try:
            yield
        finally:
            with self._lock:
                self._promoting.remove(query_id)
