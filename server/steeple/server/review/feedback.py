"""Takes what people who point the camera say, and the photos that they propose."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, InvalidArgumentError, ResourceExhaustedError
from steeple.server.catalogue import audit
from steeple.server.catalogue.limits import MAX_DISPLAY_NAME, check_location, check_text
from steeple.server.catalogue.requests import Request, features_digest
from steeple.server.identification import Identification
from steeple.server.review.keeper import QueryKeeper
from steeple.server.review.records import Feedback, KeepRules, Origin, QueryDraft, QueryVerdict
from steeple.server.review.store import KeptQueryStore

MAX_NOTE: Final = 2000
"""Characters of a note."""

_DAY: Final = timedelta(days=1)
_STORED_WITHIN: Final = timedelta(minutes=1)
_SHARE: Final = 0.5  # of the room for files, that one key may fill: what others have sent must not go for it


class FeedbackBox:
    """Where feedback and proposals are put, to be reviewed like kept queries. Thread safe.

    Args:
        rules: Whether they are taken, and how many.
        keeper: Writes them.
        store: Knows what was sent before.
        lineage: Gives a key's id and those of the keys that it has replaced.
        clock: Tells the time, UTC.
    """

    def __init__(
        self,
        rules: KeepRules,
        keeper: QueryKeeper,
        store: KeptQueryStore,
        lineage: Callable[[str], Iterable[str]],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rules = rules
        self._keeper = keeper
        self._store = store
        self._lineage = lineage
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: dict[str, deque[datetime]] = {}  # by key: what was taken last, be it gone by now

    def take(
        self,
        source: bytes | FeatureSet,
        feedback: Feedback,
        answer: Callable[[], Identification],
        *,
        origin: Origin,
        key_id: str = "",
        call_id: str = "",
        request_id: str = "",
    ) -> str:
        """Keeps what somebody has sent; it is there, also after a power cut, when this returns.

        Args:
            source: The photo, or its features.
            feedback: What they say.
            answer: Answers the query anew, for whoever reviews it.
            origin: FEEDBACK or PROPOSAL.
            key_id: Of who sends it; empty: there is no key.
            call_id: To find the call by in the server's log.
            request_id: A repeat does nothing.

        Returns:
            The id of the kept query; of a repeat, that of the first.

        Raises:
            FailedPreconditionError: If none is taken, of anybody or with this key.
            InvalidArgumentError: If a field breaks the contract.
            ResourceExhaustedError: If the key has sent as much as it may, or there is no room.
            SteepleError: What ``answer`` raises, and :meth:`QueryKeeper.keep`.
        """
        self._check_taken(key_id)
        _check(feedback, origin)
        # With the key, so that who learns the id of another's request learns nothing by repeating it.
        content = {"key": key_id, "source": _digest(source), "feedback": asdict(feedback)}
        request = Request.of(f"FeedbackService/{origin}", request_id, content)
        before = self._store.answered(request)
        if before is not None:
            audit.leave_out()
            return before
        with self._within_limits(key_id, source) as now:
            draft = QueryDraft(source, answer(), key_id, call_id, now, origin, feedback)
            return self._keeper.keep(draft, request)

    def _check_taken(self, key_id: str) -> None:
        if not self._rules.feedback:
            raise FailedPreconditionError(
                "this server takes no feedback and no proposals; whoever runs it has set feedback = off"
            )
        if not self._rules.excluded_keys.isdisjoint(self._lineage(key_id)):
            raise FailedPreconditionError(
                "this server keeps nothing that comes with this key (keep_queries_excluded_keys), and so takes no "
                "feedback with it"
            )

    @contextmanager
    def _within_limits(self, key_id: str, source: bytes | FeatureSet) -> Iterator[datetime]:
        """One more that a key sends, unless the block fails; when that is."""
        size = len(source) if isinstance(source, bytes) else source.descriptors.nbytes
        if self._store.sent_bytes(key_id) + size > _SHARE * self._rules.max_bytes:
            raise ResourceExhaustedError(
                "what came with this key takes all the room that it may, until it is erased or has expired "
                f"({_SHARE:.0%} of kept_queries_max_bytes)",
                limit="kept_queries_max_bytes",
            )
        most, now = self._rules.feedback_per_day, self._clock()
        with self._lock:
            times = self._sent.get(key_id)
            if times is None or self._store.shared:  # else nobody but this server has taken any
                stored = self._store.sent_times(key_id, most)
                times = self._sent[key_id] = deque(_together(times or (), stored), most)
            if len(times) < most or times[0] + _DAY <= now:
                times.append(now)  # in place of the oldest
            else:
                raise self._too_many(times[0] + _DAY - now)
        try:
            yield now
        except BaseException:
            with self._lock, suppress(ValueError):  # others may have taken its place
                self._sent[key_id].remove(now)
            raise

    def _too_many(self, wait: timedelta) -> ResourceExhaustedError:
        most = self._rules.feedback_per_day
        return ResourceExhaustedError(
            f"{most} pieces of feedback came in 24 hours, and no more are taken (feedback_per_day); try again in "
            f"{-(-wait // timedelta(minutes=1))} minutes",
            retry_delay_seconds=f"{wait.total_seconds():.3f}",
            limit="feedback_per_day",
        )


def _together(here: Iterable[datetime], stored: Iterable[datetime]) -> list[datetime]:
    """When something was sent, through this server or another; what was erased since counts where it came.

    Args:
        here: What came here, in order; it was stored a moment later.
        stored: What is there, in order, whichever server it came through.
    """
    found, left = [], deque(stored)
    for time in here:
        while left and left[0] < time:
            found.append(left.popleft())
        if left and left[0] - time < _STORED_WITHIN:
            left.popleft()
        found.append(time)
    return [*found, *left]


def _check(feedback: Feedback, origin: Origin) -> None:
    """What somebody says, if it can be kept.

    Raises:
        InvalidArgumentError: If it says nothing, contradicts itself or is too long; ``field`` says which.
    """
    if (feedback.verdict is QueryVerdict.LANDMARK) != bool(feedback.landmark_id):
        raise InvalidArgumentError(
            "landmark goes with VERDICT_LANDMARK, which says what the photo shows, and with no other verdict",
            field="landmark",
        )
    if origin is Origin.FEEDBACK and feedback.verdict is QueryVerdict.NONE:
        raise InvalidArgumentError("verdict must say whether the answer was right, or what it shows", field="verdict")
    if origin is Origin.PROPOSAL and not feedback.suggested_name.strip():
        raise InvalidArgumentError("suggested_name must not be blank: give what people call it", field="suggested_name")
    check_text(feedback.suggested_name, "suggested_name", MAX_DISPLAY_NAME)
    check_text(feedback.note, "note", MAX_NOTE)
    check_location(feedback.location)


def _digest(source: bytes | FeatureSet) -> str:
    return hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else features_digest(wire.pack(source))
