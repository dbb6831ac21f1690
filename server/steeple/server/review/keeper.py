"""Keeps queries after they have been answered, and drops them rather than have anybody wait; keeps feedback too."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.delf.image import sniff
from steeple.delf.photo_metadata import without_metadata
from steeple.errors import ImageError, ResourceExhaustedError, SteepleError
from steeple.server.catalogue.ids import timed_id
from steeple.server.catalogue.requests import Request
from steeple.server.identification import Identification
from steeple.server.logs import facts
from steeple.server.review.files import QueryFiles
from steeple.server.review.records import Content, KeepPolicy, KeepRules, KeptCandidate, KeptQuery, QueryDraft
from steeple.server.review.store import KeptQueryStore

log = logging.getLogger(__name__)

MOST_WAITING: Final = 64
"""Queries that wait to be written, at most."""

MOST_WAITING_BYTES: Final = 64 * 2**20
"""Of these, in memory, at most."""

_SLACK: Final = 0.02  # of the room for files, that is made beyond what is needed

_SHARERS: Final = 16  # servers that may fill the room together, where files are shared

OUTCOMES: Final = ("kept", "dropped", "failed")
"""What becomes of a query that is to be kept."""


class QueryKeeper:
    """A thread that writes queries, and a queue before it, from :meth:`start` to :meth:`close`. Thread safe.

    Args:
        rules: Which queries are kept.
        store: Takes what is known of them.
        files: Takes what they searched with.
        lineage: Gives a key's id and those of the keys that it has replaced.
        clock: Tells the time, UTC.
        share: Gives random numbers from 0 to below 1.
    """

    def __init__(
        self,
        rules: KeepRules,
        store: KeptQueryStore,
        files: QueryFiles,
        lineage: Callable[[str], Iterable[str]],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        share: Callable[[], float] = random.random,
    ) -> None:
        self._rules = rules
        self._store = store
        self._files = files
        self._lineage = lineage
        self._clock = clock
        self._share = share
        self._changed = threading.Condition()  # guards what follows
        self._waiting: deque[QueryDraft] = deque()
        self._waiting_bytes = 0
        self._writing = False
        self._closed = False
        self._counts: Counter[str] = Counter()
        self._erased: dict[str | None, datetime] = {}  # by key, None: all; what was answered until then is not kept
        self._thread = threading.Thread(target=self._run, name="kept queries", daemon=True)
        self._one_at_a_time = threading.Lock()  # writes, and guards what follows
        self._room = 0  # bytes that may be written before all are counted again, about

    def start(self) -> None:
        """Makes room if there is less of it than there was, and begins, if anything is to be kept."""
        with self._one_at_a_time:
            self._keep_quota()
        if self._rules.policy is not KeepPolicy.OFF:
            self._thread.start()

    def close(self) -> None:
        """Writes what waits, and ends. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many queries were written, found the queue full, and could not be written, by :data:`OUTCOMES`."""
        with self._changed:
            return {outcome: self._counts[outcome] for outcome in OUTCOMES}

    def call(self, key_id: str, request_id: str) -> KeptOfCall:
        """What notes the queries of one call.

        Args:
            key_id: Of who calls; empty: there is no key.
            request_id: Of the call.
        """
        rules = self._rules
        wanted = rules.policy is not KeepPolicy.OFF
        if wanted and rules.excluded_keys:
            wanted = rules.excluded_keys.isdisjoint(self._lineage(key_id))
        return KeptOfCall(self, key_id, request_id, wanted=wanted and self._share() < rules.sample)

    def draft(
        self, source: bytes | FeatureSet, found: Identification, key_id: str, request_id: str
    ) -> QueryDraft | None:
        """A query that was just answered; None if its answer is not of those that are kept."""
        if found.identified and self._rules.policy is not KeepPolicy.ALL:
            return None
        return QueryDraft(source, found, key_id, request_id, self._clock())

    def offer(self, draft: QueryDraft) -> None:
        """Lets a query be written, if there is room for it in the queue. Returns at once."""
        with self._changed:
            full = len(self._waiting) >= MOST_WAITING or self._waiting_bytes + draft.size_bytes > MOST_WAITING_BYTES
            if full or self._closed:
                self._counts["dropped"] += 1
                return
            self._waiting.append(draft)
            self._waiting_bytes += draft.size_bytes
            self._changed.notify_all()

    def keep(self, draft: QueryDraft, request: Request) -> str:
        """Writes what somebody has sent, to stay, while they wait.

        Args:
            draft: What; its time is when it is written.
            request: That has brought it.

        Returns:
            Its id; of a repeated request, that of the first.

        Raises:
            ImageError: If it is a photo whose parts cannot be told from each other.
            ResourceExhaustedError: If there is no room for it.
            InvalidArgumentError: If the id of the request was used with other content.
            UnavailableError: If it cannot be written otherwise.
        """
        return self._write(draft, request)

    def forget(self, key_id: str | None) -> None:
        """What was answered until now, with a key or (None) at all, is not written any more."""
        with self._changed:
            self._erased[key_id] = self._clock()

    def settle(self) -> None:
        """Returns when what was offered, or has begun to be written, before is written."""
        with self._changed:
            if self._thread.is_alive():
                self._changed.wait_for(lambda: not (self._waiting or self._writing) or not self._thread.is_alive())
        with self._one_at_a_time:
            pass

    def _run(self) -> None:
        while (draft := self._next()) is not None:
            outcome = "failed"
            try:
                outcome = "kept" if self._write(draft) else "dropped"
            except ImageError as error:
                log.info("a query was not kept", extra=facts(reason=error.message, of_request=draft.request_id))
            except SteepleError as error:
                log.warning("a query was not kept", extra=facts(reason=error.message, of_request=draft.request_id))
            except Exception:  # whatever it is, the next one may do
                log.exception("a query was not kept", extra=facts(of_request=draft.request_id))
            with self._changed:
                self._counts[outcome] += 1
                self._writing = False
                self._changed.notify_all()

    def _next(self) -> QueryDraft | None:
        """The query that has waited for longest, which is to be written then; None at the end."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return None
                draft = self._waiting.popleft()
                self._waiting_bytes -= draft.size_bytes
                erased = [self._erased.get(key) for key in (None, draft.key_id)]
                if not any(time is not None and draft.create_time <= time for time in erased):
                    self._writing = True
                    return draft
                self._changed.notify_all()

    def _write(self, draft: QueryDraft, request: Request | None = None) -> str:
        data = _packed(draft.source)
        if len(data) > self._rules.max_bytes:
            raise ResourceExhaustedError(
                f"it takes {len(data)} bytes, and kept_queries_max_bytes is {self._rules.max_bytes}"
            )
        with self._one_at_a_time:
            if request is not None:  # as of now: what was erased before has nothing to do with it
                draft = replace(draft, create_time=self._clock())
            query = _kept(draft, data, draft.create_time + self._rules.retention)
            self._files.write(query.id, data, lasting=request is not None)
            stored = ""
            try:
                stored = self._store.add(query, request)
            finally:
                if stored != query.id:
                    self._files.delete([query.id])
            if stored == query.id:
                self._room -= len(data)
            if self._room < 0:
                self._keep_quota()
        return stored

    def _keep_quota(self) -> None:
        """Deletes the oldest queries, if there are too many bytes of them: a few more than needed, to count seldom."""
        most, total = self._rules.max_bytes, self._store.total_bytes()
        if total > most:
            oldest = self._store.oldest(total - most + round(_SLACK * most))
            self._files.delete(oldest)
            self._store.delete(oldest)
            total = self._store.total_bytes()
        # Others fill the same room: it is counted again before all of them together may have used it up.
        self._room = (most - total) // (_SHARERS if self._files.shared else 1)


class KeptOfCall:
    """Keeps at most one query of a call: of a camera, the last frame whose answer is of those that are kept.

    Belongs to one call, whose queries are answered one after the other.

    Args:
        keeper: Takes it in the end.
        key_id: Of who calls.
        request_id: Of the call.
        wanted: Whether one is to be kept at all.
    """

    def __init__(self, keeper: QueryKeeper, key_id: str, request_id: str, *, wanted: bool) -> None:
        self._keeper = keeper
        self._key_id = key_id
        self._request_id = request_id
        self._wanted = wanted
        self._draft: QueryDraft | None = None
        self._frame: object = None  # that the draft is of
        self._refused: object = None  # frame that must not be kept

    def answered(
        self, source: bytes | FeatureSet, found: Identification, *, no_keep: bool, frame: object = None
    ) -> None:
        """Notes a query.

        Args:
            source: All that was searched with.
            found: The answer to it.
            no_keep: Whether who asked does not want it kept.
            frame: Stands for the frame; the answers to its parts follow each other. None: it is the only one.
        """
        if not self._wanted:
            return
        frame = self if frame is None else frame
        if no_keep:
            self._refused = frame
        draft = None
        if frame is not self._refused:
            draft = self._keeper.draft(source, found, self._key_id, self._request_id)
        if draft is not None or frame is self._frame:  # the last answer to a frame counts
            self._draft, self._frame = draft, frame

    def close(self) -> None:
        """The call has ended: lets the query that was noted last be written."""
        if self._draft is not None:
            self._keeper.offer(self._draft)
            self._draft = None


def _packed(source: bytes | FeatureSet) -> bytes:
    return without_metadata(source) if isinstance(source, bytes) else wire.pack(source).SerializeToString()


def _kept(draft: QueryDraft, data: bytes, expire_time: datetime) -> KeptQuery:
    found, is_photo = draft.found, isinstance(draft.source, bytes)
    return KeptQuery(
        id=timed_id(draft.create_time),
        create_time=draft.create_time,
        expire_time=expire_time,
        key_id=draft.key_id,
        request_id=draft.request_id,
        identified=found.identified,
        candidates=tuple(
            KeptCandidate(
                landmark_id=candidate.landmark.id,
                confidence=float(candidate.recognised.confidence),
                image_id=candidate.image.id,
                inliers=candidate.recognised.inliers,
                matches=candidate.recognised.matches,
            )
            for candidate in found.candidates
        ),
        model=found.model,
        width=found.width,
        height=found.height,
        feature_count=found.feature_count,
        content=Content.PHOTO if is_photo else Content.FEATURES,
        media_type=sniff(data).media_type if is_photo else "",
        size_bytes=len(data),
        origin=draft.origin,
        feedback=draft.feedback,
    )
