"""Following a long-running operation from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steeple.cli.output import Cell, Column, Output, plain

if TYPE_CHECKING:
    from rich.progress import Progress

    from steeple.client import Client, Operation, OperationProblem


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
        bar = output.bar()
        return client.wait_operation(operation) if bar is None else _with_bar(bar, client, operation)
    except KeyboardInterrupt:
        output.note(f"{operation.name} goes on; see: steeple operations show {operation.id}")
        output.note(f"stop it with: steeple operations cancel {operation.id}")
        raise


def carry_out(output: Output, client: Client, operation: Operation, *, no_wait: bool) -> Operation | None:
    """The operation once it has succeeded, which is the JSON document too; None if it is not waited for.

    Args:
        output: Of the command.
        client: Of the operation's server.
        operation: As it was begun.
        no_wait: Whether only to say how to follow it.

    Raises:
        CancelledError: If it was cancelled.
        SteepleError: What it failed with.
    """
    if no_wait:
        leave_running(output, operation)
        return None
    done = follow(output, client, operation)
    output.document(done.to_dict())
    return done


def leave_running(output: Output, operation: Operation) -> None:
    """Says how to follow an operation that is not waited for."""
    output.document(operation.to_dict())
    output.say(f"{operation.name} goes on; follow it with: steeple operations wait {operation.id}")


def print_problems(output: Output, problems: Sequence[OperationProblem]) -> None:
    """A table of what failed in an operation; nothing if nothing did."""
    if problems:
        output.table(
            (Column("item"), Column("status"), Column("problem")),
            [(problem.item, Cell(problem.status, "yellow"), problem.message) for problem in problems],
        )


def describe_progress(operation: Operation) -> str:
    """``12 of 40``; empty where there is nothing to count."""
    if operation.total_count:
        return f"{operation.done_count} of {operation.total_count}"
    return str(operation.done_count or "")


def _with_bar(bar: Progress, client: Client, operation: Operation) -> Operation:
    with bar:
        task = bar.add_task(operation.state.value, total=None, note="")

        def show(now: Operation) -> None:
            bar.update(
                task,
                description=plain(now.step or now.state.value),
                completed=now.done_count,
                total=now.total_count or None,
                note=f"{now.problem_count} failed" if now.problem_count else "",
            )

        return client.wait_operation(operation, progress=show)
