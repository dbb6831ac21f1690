"""Following a long-running operation from the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from steeple.cli.output import Output, plain

if TYPE_CHECKING:
    from steeple.client import Client, Operation


def follow(output: Output, client: Client, operation: Operation) -> Operation:
    """The operation once it has succeeded, with a progress bar on standard error where that is a terminal.

    An interruption ends the following, not the operation, and says so.

    Args:
        output: For the bar and for notes.
        client: Of the operation's server.
        operation: As it was begun.

    Raises:
        CancelledError: If it was cancelled.
        SteepleError: What it failed with.
    """
    try:
        if output.as_json or not sys.stderr.isatty():
            return client.wait_operation(operation)
        return _with_bar(client, operation)
    except KeyboardInterrupt:
        output.note(f"{operation.name} goes on; see: steeple operations show {operation.id}")
        output.note(f"stop it with: steeple operations cancel {operation.id}")
        raise


def describe_progress(operation: Operation) -> str:
    """``12 of 40``; empty where there is nothing to count."""
    if operation.total_count:
        return f"{operation.done_count} of {operation.total_count}"
    return str(operation.done_count or "")


def _with_bar(client: Client, operation: Operation) -> Operation:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[problems]}", markup=True),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(operation.state.value, total=None, problems="")

        def show(now: Operation) -> None:
            problems = f"{now.problem_count} failed" if now.problem_count else ""
            text = plain(now.step or now.state.value).replace("[", "(")
            bar.update(
                task, description=text, completed=now.done_count, total=now.total_count or None, problems=problems
            )

        return client.wait_operation(operation, progress=show)
