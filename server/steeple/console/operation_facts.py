"""What pages show of operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from steeple.client import Operation, OperationState
from steeple.console.following import STATES
from steeple.console.links import deed, field_words, path_of
from steeple.console.rendering import number, size

KINDS: Final[Mapping[OperationState, str]] = {
    OperationState.RUNNING: "on",
    OperationState.SUCCEEDED: "good",
    OperationState.FAILED: "bad",
    OperationState.CANCELLED: "warn",
}
"""Of their badges."""

FILTERS: Final[Mapping[str, tuple[str, Sequence[OperationState]]]] = {
    "": ("All", ()),
    "now": ("Going on", (OperationState.QUEUED, OperationState.RUNNING)),
    "failed": ("Failed", (OperationState.FAILED,)),
    "done": ("Done", (OperationState.SUCCEEDED, OperationState.CANCELLED)),
}
"""By what stands in the address."""

_FILE: Final = ("file", "file_size_bytes", "file_sha256")


@dataclass(frozen=True)
class Result:
    """A line of what came of an operation.

    Attributes:
        title: What.
        text: The value.
        path: Of the page about it; empty: there is none.
    """

    title: str
    text: str
    path: str


@dataclass(frozen=True)
class File:
    """What an operation has made.

    Attributes:
        name: Of the file.
        size: Bytes.
        sha256: Its hash.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Facts:
    """An operation as pages show it.

    Attributes:
        operation: The same.
        title: What it does.
        state: In words.
        kind: Of the badge.
        results: What came of it, but for files.
        file: What it has made; None: nothing.
        share: Of its step that is done, in percent; empty: not known.
    """

    operation: Operation
    title: str
    state: str
    kind: str
    results: Sequence[Result]
    file: File | None
    share: str


def facts_of(operation: Operation) -> Facts:
    """As pages show it."""
    state, kind = STATES.get(operation.state, operation.state.value), KINDS.get(operation.state, "")
    if operation.cancel_requested and not operation.finished:
        state, kind = "Stopping", "warn"
    results = operation.results
    name, length = results.get("file", ""), results.get("file_size_bytes", "")
    total = operation.total_count
    return Facts(
        operation,
        deed(operation.method),
        state,
        kind,
        [_result(key, value) for key, value in sorted(results.items()) if key not in _FILE],
        File(name, int(length) if length.isdecimal() else 0, results.get("file_sha256", "")) if name else None,
        f"{100 * operation.done_count // total} %" if total and not operation.finished else "",
    )


def _result(key: str, value: str) -> Result:
    text = value
    if value.isdecimal() and len(value) < 16:
        text = size(int(value)) if key.endswith("_bytes") else number(int(value))
    return Result(field_words(key), text, path_of(value))
