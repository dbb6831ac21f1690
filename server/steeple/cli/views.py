"""``steeple views``: lists that somebody looks at again and again."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import (
    DEFAULT_SERVER,
    EtagOption,
    FilterOption,
    JsonOption,
    LimitOption,
    OrderOption,
    ServerOption,
    read_pairs,
)
from steeple.cli.output import Column, Output, describe_metadata, describe_time
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import View

app = typer.Typer(
    no_args_is_help=True,
    help="""Saved views: filters and orders that you, or all, look at again and again.

    \b
      steeple views create "Few photos" --filter 'reference_image_count < 5'
      steeple views list
    """,
)

COLLECTIONS = ("landmarks", "reference_images", "kept_queries")

ViewArgument = Annotated[
    str,
    typer.Argument(metavar="VIEW", autocompletion=completion.views, help="Its id, as list prints it (or views/ID)."),
]
LayoutOption = Annotated[
    list[str] | None,
    typer.Option("--layout", metavar="KEY=VALUE", help="How it is shown, for whoever shows it; repeatable."),
]


@app.command("create")
def create_view(
    display_name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    of: Annotated[
        str,
        typer.Option(
            "--of",
            metavar="|".join(COLLECTIONS),
            autocompletion=completion.choices(*COLLECTIONS),
            help="What it lists.",
        ),
    ] = "landmarks",
    filter_text: FilterOption = "",
    order_by: OrderOption = "",
    layout: LayoutOption = None,
    shared: Annotated[bool, typer.Option("--shared", help="For all; that takes an editor's key.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Keep a view.

    \b
    Examples:
      steeple views create "Few photos" --filter 'reference_image_count < 5' --order-by reference_image_count
      steeple views create "To review" --of kept_queries --filter 'verdict = none' --shared
    """
    with connect(server) as client:
        view = client.create_view(
            display_name,
            collection=of,
            filter=filter_text,
            order_by=order_by,
            layout=read_pairs(layout, "--layout"),
            shared=shared,
        )
    _print(Output(as_json=json), view)


@app.command("list")
def list_views(
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="|".join(COLLECTIONS),
            autocompletion=completion.choices(*COLLECTIONS),
            help="Only those that list this.",
        ),
    ] = None,
    everyones: Annotated[
        bool, typer.Option("--all", help="Those of others that are not shared too; that takes an admin's key.")
    ] = False,
    limit: LimitOption = 0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List your views and those that are shared.

    \b
    Examples:
      steeple views list
      steeple views list --of landmarks --json | jq -r '.[].filter'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = list(itertools.islice(client.list_views(collection=of, show_all=everyones), limit or None))
    output.document([view.to_dict() for view in found])
    output.table(
        (Column("id"), Column("name"), Column("of"), Column("filter"), Column("order"), Column("whose")),
        [
            (
                view.id,
                view.display_name,
                view.collection.value,
                view.filter,
                view.order_by,
                f"{view.owner}, shared" if view.shared else view.owner,
            )
            for view in found
        ],
    )


@app.command("update")
def update_view(
    view: ViewArgument,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="What people call it.")] = None,
    filter_text: Annotated[str | None, typer.Option("--filter", metavar="FILTER", help='"" for all.')] = None,
    order_by: Annotated[str | None, typer.Option("--order-by", metavar="FIELDS", help='"" for by id.')] = None,
    layout: LayoutOption = None,
    shared: Annotated[bool | None, typer.Option("--shared/--private", help="Whether all see it.")] = None,
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Change what is given of a view and leave the rest; --layout replaces all of it.

    \b
    Examples:
      steeple views update x7kq2m4a --name "Fewer than three photos" --filter 'reference_image_count < 3'
      steeple views update x7kq2m4a --shared
    """
    changes: dict[str, Any] = {
        "display_name": name,
        "filter": filter_text,
        "order_by": order_by,
        "layout": read_pairs(layout, "--layout") if layout else None,
        "shared": shared,
    }
    given = {field: value for field, value in changes.items() if value is not None}
    if not given:
        raise InvalidArgumentError(
            "nothing to change: give --name, --filter, --order-by, --layout, --shared or --private"
        )
    with connect(server) as client:
        updated = client.update_view(view, etag=etag, **given)
    _print(Output(as_json=json), updated)


@app.command("delete")
def delete_view(view: ViewArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Forget a view.

    \b
    Example:
      steeple views delete x7kq2m4a
    """
    output = Output(as_json=json)
    name = f"views/{view.removeprefix('views/')}"
    with connect(server) as client:
        client.delete_view(view)
    output.document({"deleted": name})
    output.say(f"deleted {name}")


def _print(output: Output, view: View) -> None:
    output.document(view.to_dict())
    output.facts(
        [
            ("id", view.id),
            ("name", view.display_name),
            ("of", view.collection.value),
            ("filter", view.filter),
            ("order", view.order_by),
            ("layout", describe_metadata(view.layout)),
            ("whose", view.owner),
            ("shared", "yes" if view.shared else "no"),
            ("created", describe_time(view.create_time)),
            ("updated", describe_time(view.update_time)),
            ("etag", view.etag),
        ]
    )
