"""Bars of bytes on standard error, for files that go up and down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from steeple.cli.output import Output


@contextmanager
def bytes_bar(output: Output, what: str) -> Iterator[Callable[[int, int], None]]:
    """What the client's transfers take as ``progress``; draws nothing where standard error is no terminal.

    Args:
        output: Of the command.
        what: Is done, in a word.
    """
    bar = output.bar(of_bytes=True)
    if bar is None:
        yield lambda _done, _total: None
        return
    with bar:
        task = bar.add_task(what, total=None, note="")
        yield lambda done, total: bar.update(task, completed=done, total=total)
