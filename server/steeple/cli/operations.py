"""``steeple operations``: long-running operations of a server."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.following import describe_progress, follow, leave_running, print_problems
from steeple.cli.options import DEFAULT_SERVER, JsonOption, LimitOption, ServerOption
from steeple.cli.output import Cell, Column, Output, describe_time

if TYPE_CHECKING:
    from steeple.client import Operation

app = typer.Typer(no_args_is_help=True, help="What a server does in the background: imports, exports and the like.")

OperationArgument = Annotated[
    str, typer.Argument(metavar="OPERATION", help="Its id, as list prints it (or operations/ID).")
]

_STYLES: Final = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}


@app.command("list")
def list_operations(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="queued, running, succeeded, failed, cancelled; repeatable."),
    ] = None,
    limit: LimitOption = 50,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List operations, the latest first.

    \b
    Examples:
      steeple operations list
      steeple operations list --state running --state queued --json | jq -r '.[].id'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = list(itertools.islice(client.list_operations(states=state or ()), limit or None))
    output.document([operation.to_dict() for operation in found])
    output.table(
        (
            Column("id"),
            Column("what"),
            Column("state"),
            Column("progress", "right"),
            Column("problems", "right"),
            Column("who"),
        ),
        [
            (
                operation.id,
                operation.method.rpartition("/")[2],
                Cell(operation.state.value, _STYLES.get(operation.state.value, "")),
                describe_progress(operation),
                str(operation.problem_count or ""),
                operation.actor,
            )
            for operation in found
        ],
    )


@app.command("show")
def show_operation(
    operation: OperationArgument,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show one operation, and what failed in it.

    \b
    Examples:
      steeple operations show 20270131-120000123-x7kq2m4a
      steeple operations show 20270131-120000123-x7kq2m4a --json | jq -r '.problems[].item'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.get_operation(operation)
        problems = list(client.list_operation_problems(operation, page_size=1000))
    output.document({**found.to_dict(), "problems": [problem.to_dict() for problem in problems]})
    _print(output, found)
    print_problems(output, problems)


@app.command("wait")
def wait_for_operation(
    operation: OperationArgument,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Wait for the end of an operation, with a progress bar. Interrupting this does not stop the operation.

    \b
    Example:
      steeple operations wait 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = follow(output, client, client.get_operation(operation))
    output.document(found.to_dict())
    _print(output, found)


@app.command("cancel")
def cancel_operation(
    operation: OperationArgument,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Stop an operation. What it has done so far stays done; `resume` goes on with it.

    \b
    Example:
      steeple operations cancel 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.cancel_operation(operation)
    output.document(found.to_dict())
    output.say(f"{found.name} is {'told to stop' if not found.finished else found.state.value}")


@app.command("resume")
def resume_operation(
    operation: OperationArgument,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Go on with an operation that failed or was cancelled, where it was.

    \b
    Example:
      steeple operations resume 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.resume_operation(operation)
    leave_running(output, found)


@app.command("delete")
def delete_operation(
    operation: OperationArgument,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Forget a finished operation, and delete its files.

    \b
    Example:
      steeple operations delete 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    name = f"operations/{operation.removeprefix('operations/')}"
    with connect(server) as client:
        client.delete_operation(operation)
    output.document({"deleted": name})
    output.say(f"deleted {name}")


def _print(output: Output, operation: Operation) -> None:
    output.facts(
        [
            ("name", operation.name),
            ("what", operation.method),
            ("state", operation.state.value),
            ("step", "" if operation.finished else operation.step),
            ("progress", describe_progress(operation)),
            ("problems", str(operation.problem_count or "")),
            ("error", operation.error_message),
            ("who", operation.actor),
            ("begun", describe_time(operation.create_time)),
            ("ended", describe_time(operation.end_time)),
            *sorted(operation.results.items()),
        ]
    )
