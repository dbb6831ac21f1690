"""Stages of a call: whoever wants to know when they begin and end says so, and nothing is done if nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Observer: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""Makes a context for a stage of that name."""

_observer: ContextVar[Observer | None] = ContextVar("stage_observer", default=None)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Stages that run inside, also on the threads that a pool runs its work on, run in the observer's contexts."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """What runs inside is the stage ``decode``, ``extract``, ``search`` or ``verify`` of the current call."""
    observer = _observer.get()
    if observer is None:
        yield
        return
    with observer(name):
        yield
