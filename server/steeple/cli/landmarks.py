"""``steeple landmarks``: the identities that can be returned."""

from __future__ import annotations

import itertools
from typing import Annotated

import typer

from steeple.cli import coverage, history, landmark_changes, landmark_map
from steeple.cli.connection import connect
from steeple.cli.landmark_output import describe_location, describe_state, print_landmark
from steeple.cli.options import (
    DEFAULT_SERVER,
    AliasOption,
    DeletedLandmarkArgument,
    DeletedOption,
    EtagOption,
    FilterOption,
    JsonOption,
    LabelOption,
    LandmarkArgument,
    LimitOption,
    LocationOption,
    MetadataOption,
    OrderOption,
    ServerOption,
    landmark_id,
    read_aliases,
    read_location,
    read_metadata,
)
from steeple.cli.output import Column, Output

app = typer.Typer(no_args_is_help=True, help="The catalogue's landmarks: what can be identified.")
app.command("coverage", short_help="How well its photos cover a landmark.")(coverage.coverage)


@app.command("list")
def list_landmarks(
    limit: LimitOption = 0,
    filter_text: FilterOption = "",
    order_by: OrderOption = "",
    deleted: DeletedOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List landmarks.

    \b
    Examples:
      steeple landmarks list
      steeple landmarks list --filter 'labels:museum AND reference_image_count < 5'
      steeple landmarks list --filter '"notre dame"' --order-by 'update_time desc'
      steeple landmarks list --json | jq -r '.[].name'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        landmarks = list(
            itertools.islice(
                client.list_landmarks(filter=filter_text, order_by=order_by, show_deleted=deleted), limit or None
            )
        )
    output.document([landmark.to_dict() for landmark in landmarks])
    output.table(
        (Column("id"), Column("name"), Column("photos", "right"), Column("location"), Column("state")),
        [
            (
                landmark.id,
                landmark.display_name,
                str(landmark.reference_image_count),
                describe_location(landmark.location),
                describe_state(landmark),
            )
            for landmark in landmarks
        ],
    )


@app.command("show")
def show_landmark(landmark: LandmarkArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show one landmark.

    \b
    Example:
      steeple landmarks show big-ben
    """
    with connect(server) as client:
        print_landmark(Output(as_json=json), client.get_landmark(landmark_id(landmark)))


@app.command("create")
def create_landmark(
    display_name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    chosen_id: Annotated[
        str, typer.Option("--id", metavar="ID", help="Letters a-z, digits, hyphens; made from NAME if not given.")
    ] = "",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="For whoever asked.")] = "",
    location: LocationOption = None,
    metadata: MetadataOption = None,
    alias: AliasOption = None,
    label: LabelOption = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Keep it, but do not find it yet.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Create a landmark; add photos to it with `steeple images add`.

    \b
    Examples:
      steeple landmarks create "Big Ben"
      steeple landmarks create "Sacré-Cœur" --id sacre-coeur --location 48.8867,2.3431 \\
          --description "Basilica on Montmartre, Paris." --metadata wikidata=Q46858 \\
          --alias en="Sacred Heart" --label church --label paris
    """
    point = None if location is None else read_location(location)
    entries = read_metadata(metadata)
    aliases = read_aliases(alias)
    with connect(server) as client:
        created = client.create_landmark(
            display_name,
            landmark_id=landmark_id(chosen_id),
            description=description,
            location=point,
            metadata=entries,
            aliases=aliases,
            labels=label or (),
            active=not inactive,
        )
    print_landmark(Output(as_json=json), created)


@app.command("undelete")
def undelete_landmark(
    landmark: DeletedLandmarkArgument,
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Bring a deleted landmark back with its reference images; it is found again at once.

    \b
    Examples:
      steeple landmarks list --deleted
      steeple landmarks undelete big-ben
    """
    with connect(server, 60.0) as client:
        print_landmark(Output(as_json=json), client.undelete_landmark(landmark_id(landmark), etag=etag))


app.command("history")(history.history)
app.command("undo")(history.undo)
app.command("update")(landmark_changes.update_landmarks)
app.command("delete")(landmark_changes.delete_landmarks)
app.command("map")(landmark_map.map_landmarks)
