"""Whether operations that overlap can be put into an order in which each has its effect at one moment.

The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) in the form that Lowe calls
just-in-time linearization (Testing for Linearizability, 2017): it walks through invocations and completions by time,
keeps every configuration that explains all so far, and linearizes pending operations only when one of them completes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.history.operations import Operation, Outcome

S = TypeVar("S", bound=Hashable)
Configurations = set[tuple[S, frozenset[int]]]
"""States, each with the pending operations that have had their effect in it."""


@dataclass(frozen=True)
class Contradiction(Generic[S]):
    """The first completion that nothing explains.

    Attributes:
        operation: Whose answer it is.
        states: Those possible before it.
        pending: Operations that overlap it and may have had their effect, without it.
    """

    operation: Operation
    states: tuple[S, ...]
    pending: tuple[Operation, ...]


def contradiction(
    operations: Sequence[Operation], initial: S, step: Callable[[S, Operation], Iterable[S]]
) -> Contradiction[S] | None:
    """Looks for an order of the operations that the model explains.

    Args:
        operations: Of one object. An unknown one may have had its effect, or not.
        initial: Before all of them.
        step: The states that an operation, answered as it was, leads to from a state; none if that is impossible.

    Returns:
        None if there is an order, else where there is none any more.
    """
    moments = [(one.invoked, 0, number) for number, one in enumerate(operations)]
    moments += [(one.completed, 1, number) for number, one in enumerate(operations)]
    pending: dict[int, Operation] = {}
    configurations: Configurations[S] = {(initial, frozenset())}
    for _, completes, number in sorted(moments):
        operation = operations[number]
        if not completes:
            pending[number] = operation
            continue
        explained = _linearized(configurations, number, pending, step)
        if operation.outcome is Outcome.UNKNOWN:  # what has not happened by now never will
            explained |= {(state, done) for state, done in configurations if number not in done}
        del pending[number]
        if not explained:
            states = tuple(dict.fromkeys(state for state, _ in configurations))
            return Contradiction(operation, states, tuple(pending.values()))
        configurations = {(state, done - {number}) for state, done in explained}
    return None


def _linearized(
    configurations: Configurations[S],
    number: int,
    pending: dict[int, Operation],
    step: Callable[[S, Operation], Iterable[S]],
) -> Configurations[S]:
    """Configurations in which the pending operation has had its effect, as the last or before."""
    reached: Configurations[S] = set()
    seen = set(configurations)
    left = list(configurations)
    while left:
        state, done = left.pop()
        if number in done:
            reached.add((state, done))
            continue
        for each, operation in pending.items():
            if each not in done:
                for after in step(state, operation):
                    configuration = (after, done | {each})
                    if configuration not in seen:
                        seen.add(configuration)
                        left.append(configuration)
    return reached
