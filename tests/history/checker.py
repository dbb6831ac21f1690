"""The verdict on a history: what it says that cannot be.

Landmarks are independent, so each is checked alone, with its images, for linearizability. Two things are looser, as the
contract promises no more:

- The catalogue shows a change as soon as it is committed, the index a little later, and the call returns after both. So
  ``Identify`` is compared with the model only where no change that it could notice overlaps it. Then it is strict: what
  was acknowledged is found, what was removed is not.
- A call whose answer was lost had its effect before its server's end, or never.

Of several servers on one database, each shows the changes that were made through another one a moment later: that long
before ``Identify`` too there must be no change, and no outage of the database. Through one and the same server it stays
as strict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.history.linearizability import contradiction
from tests.history.model import Model, State
from tests.history.operations import (
    CHANGES,
    DATABASE_ENDS,
    DATABASE_READY,
    IMAGE_CHANGES,
    LANDMARK_CHANGES,
    REPEAT,
    Event,
    History,
    Operation,
    Outcome,
)

_EXPECTED_REFUSALS = {"NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "ABORTED"}
_SHOWN = 12


@dataclass(frozen=True)
class Violation:
    """Something that must not happen.

    Attributes:
        kind: In a few words.
        operation: Whose answer shows it.
        explanation: What was possible instead, for people.
    """

    kind: str
    operation: Operation
    explanation: str

    def __str__(self) -> str:
        return f"{self.kind}:\n  {self.operation}\n{self.explanation}"


def check(history: History, lag: int = 0) -> list[Violation]:
    """All violations; after the first of a landmark, nothing is known of that landmark any more.

    Args:
        history: What clients saw.
        lag: Nanoseconds within which a server must show what was done through another one.
    """
    return [
        *_refusals(history.operations),
        *_wrong_landmarks(history.operations),
        *_repeats(history.operations),
        *_contradictions(history, lag),
    ]


def compared(history: History, lag: int = 0) -> int:
    """How many answers of ``Identify`` are compared with the model: those that no change overlaps."""
    by_landmark = _by_landmark(history, lag)
    return sum(one.action == "Identify" for each in by_landmark.values() for one in each)


def _refusals(operations: Sequence[Operation]) -> Iterator[Violation]:
    for one in operations:
        if one.outcome is Outcome.REFUSED and one.status not in _EXPECTED_REFUSALS:
            yield Violation("an error that nothing explains", one, f"  {one.message}")


def _wrong_landmarks(operations: Sequence[Operation]) -> Iterator[Violation]:
    for one in operations:
        if one.action == "Identify" and one.outcome is Outcome.OK and one.answer["other"]:
            yield Violation("identified as another image", one, f"  {one.answer['other']}")


def _repeats(operations: Sequence[Operation]) -> Iterator[Violation]:
    first = {(one.client, one.number): one for one in operations}
    for one in operations:
        if one.action == REPEAT and one.outcome is not Outcome.UNKNOWN:
            repeated = first[one.client, one.arguments["of"]]
            if (one.status, dict(one.answer)) != (repeated.status, dict(repeated.answer)):
                yield Violation("a repeated request was answered differently", one, f"  first: {repeated}")


def _contradictions(history: History, lag: int) -> Iterator[Violation]:
    model = Model(retained=history.retained)
    for operations in _by_landmark(history, lag).values():
        found = contradiction(operations, State(), model.step)
        if found is not None:
            kind = "an answer that no order of the operations explains"
            before = [one for one in operations if one.completed < found.operation.invoked and one.action in CHANGES]
            lines = ["  possible states: ", *(f"    {state}" for state in found.states[:_SHOWN])]
            lines += ["  overlapping: ", *(f"    {one}" for one in found.pending)]
            lines += ["  changes before: ", *(f"    {one}" for one in before[-_SHOWN:])]
            yield Violation(kind, found.operation, "\n".join(lines))


def _by_landmark(history: History, lag: int) -> dict[str, list[Operation]]:
    """What is to be explained of each landmark."""
    outages = _outages(history.events)
    found: defaultdict[str, list[Operation]] = defaultdict(list)
    lists: list[Operation] = []
    for one in history.operations:
        if one.action == REPEAT or (one.outcome is Outcome.REFUSED and one.status not in _EXPECTED_REFUSALS):
            continue
        if one.action not in CHANGES and one.outcome is Outcome.UNKNOWN:
            continue
        if one.action == "ListLandmarks":
            lists.append(one)
        else:
            found[one.arguments["landmark"]].append(one)
    for landmark, each in found.items():
        each += [
            replace(one, arguments={"landmark": landmark}, answer=_listed(one.answer["landmarks"], landmark))
            for one in lists
        ]
        changes = [one for one in each if one.action in CHANGES]
        each[:] = [
            one
            for one in each
            if one.action != "Identify" or not (_noticeable(one, changes, lag) or _after_outage(one, outages, lag))
        ]
    return dict(found)


def _outages(events: Sequence[Event]) -> list[tuple[int, int]]:
    """When the database could not be reached."""
    begins = [event.time for event in events if event.what == DATABASE_ENDS]
    ends = [event.time for event in events if event.what == DATABASE_READY]
    return list(zip(begins, ends, strict=False))


def _after_outage(search: Operation, outages: Sequence[tuple[int, int]], lag: int) -> bool:
    return any(begin <= search.completed and search.invoked <= end + lag for begin, end in outages)


def _listed(landmarks: dict[str, dict[str, object]], landmark: str) -> dict[str, object]:
    return {"listed": True, **landmarks[landmark]} if landmark in landmarks else {"listed": False}


def _noticeable(search: Operation, changes: Sequence[Operation], lag: int) -> bool:
    """Whether a change overlaps a search, or came shortly before through another server, and may matter to it."""
    return any(
        change.invoked <= search.completed
        and search.invoked <= change.completed + (lag if change.server != search.server else 0)
        and _touches(change, search)
        for change in changes
    )


def _touches(change: Operation, search: Operation) -> bool:
    if change.action in LANDMARK_CHANGES:
        return True
    images = change.arguments.get("images") or [change.arguments.get("image")]
    return change.action in IMAGE_CHANGES and search.arguments["image"] in images
