"""Tells a browser of long work as it goes on: server-sent events, as HTML has them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from steeple.client import AsyncClient, Operation, OperationState
from steeple.errors import SteepleError

_FIRST_PAUSE: Final = 0.4
_LONGEST_PAUSE: Final = 2.0
_ALIVE_SECONDS: Final = 15.0
"""Of silence, after which a comment keeps what is in between from closing the connection."""
_LONGEST_SECONDS: Final = 300.0
"""After which the browser calls again, and shows again who it is."""
_CHANGED_SECONDS: Final = 2.0
"""Between two times that a page is told to look for more problems."""

STATES: Final[Mapping[OperationState, str]] = {
    OperationState.QUEUED: "Waiting for others",
    OperationState.RUNNING: "Running",
    OperationState.SUCCEEDED: "Done",
    OperationState.FAILED: "Failed",
    OperationState.CANCELLED: "Stopped",
}
"""In the words of pages."""


def facts(operation: Operation) -> dict[str, Any]:
    """What a page shows of an operation while it goes on; the keys are the ``data-fact`` of places."""
    done, total = operation.done_count, operation.total_count
    return {
        "state": STATES.get(operation.state, operation.state.value),
        "step": "stopping" if operation.cancel_requested and not operation.finished else operation.step,
        "done": done,
        "total": total,
        "count": f"{done:,} of {total:,}" if total else (f"{done:,}" if done else ""),
        "share": f"{100 * done // total} %" if total else "",
        "problems": operation.problem_count,
        "left": remaining(operation),
    }


def remaining(operation: Operation, now: float | None = None) -> str:
    """How long it takes from here, in words, where that can be guessed."""
    done, total = operation.done_count, operation.total_count
    if operation.finished or operation.start_time is None or done < 3 or done >= total:
        return ""
    passed = (time.time() if now is None else now) - operation.start_time.timestamp()
    seconds = passed * (total - done) / done
    if seconds < 90:
        return "about a minute left" if seconds > 45 else "less than a minute left"
    return f"about {seconds / 60:.0f} minutes left" if seconds < 5400 else f"about {seconds / 3600:.0f} hours left"


def event(name: str, data: Mapping[str, Any]) -> str:
    """An event as it is sent."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def follow(
    client: AsyncClient, operation: str, *, pause: float = _FIRST_PAUSE, longest: float = _LONGEST_SECONDS
) -> AsyncIterator[str]:
    """Events of an operation: ``progress`` when something is new, ``changed`` when there are more problems, ``end``.

    Args:
        client: Of whoever looks on.
        operation: Its name or id.
        pause: Seconds between two looks while something happens; they grow while nothing does.
        longest: Seconds after which it ends, and the browser is to call again.
    """
    yield "retry: 1500\n\n"
    told: dict[str, Any] = {}
    problems, changed_at = -1, 0.0
    begun = spoke = time.monotonic()
    wait = pause
    while True:
        try:
            found = await client.get_operation(operation)
        except SteepleError:
            return  # the browser calls again, and is told then what is the matter
        now, new = time.monotonic(), facts(found)
        if new != told:
            told, spoke, wait = new, now, pause
            yield event("progress", new)
        else:
            wait = min(1.5 * wait, _LONGEST_PAUSE)
        if problems < 0:
            problems = found.problem_count
        if found.finished:
            yield event("end", new)
            return
        if found.problem_count != problems and now - changed_at >= _CHANGED_SECONDS:
            problems, changed_at = found.problem_count, now
            yield event("changed", new)
        if now - begun > longest:
            return
        if now - spoke > _ALIVE_SECONDS:
            spoke = now
            yield ": still here\n\n"
        await asyncio.sleep(wait)
