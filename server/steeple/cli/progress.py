"""Bars of bytes on standard error, for files that go up and down."""

from __future__ import annotations

import sys
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
    if output.as_json or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
