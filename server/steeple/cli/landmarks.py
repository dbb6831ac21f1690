"""``steeple landmarks``: the identities that can be returned."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steeple.cli import history
from steeple.cli.connection import connect
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
from steeple.cli.output import Column, Output, describe_metadata, describe_time
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Landmark, LatLng

app = typer.Typer(no_args_is_help=True, help="The catalogue's landmarks: what can be identified.")

NameOption = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="What people call it.")]


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
                _describe_location(landmark.location),
                _describe_state(landmark),
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
        _print(Output(as_json=json), client.get_landmark(landmark_id(landmark)))


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
    _print(Output(as_json=json), created)


@app.command("update")
def update_landmark(
    landmark: LandmarkArgument,
    name: NameOption = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="For whoever asked.")] = None,
    location: LocationOption = None,
    no_location: Annotated[bool, typer.Option("--no-location", help="It stands nowhere (any more).")] = False,
    metadata: MetadataOption = None,
    no_metadata: Annotated[bool, typer.Option("--no-metadata", help="Remove all metadata.")] = False,
    alias: AliasOption = None,
    no_aliases: Annotated[bool, typer.Option("--no-aliases", help="Remove all aliases.")] = False,
    label: LabelOption = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Remove all labels.")] = False,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it is found; takes effect at once.")
    ] = None,
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Change what is given and leave the rest; --metadata, --alias and --label replace all there are.

    \b
    Examples:
      steeple landmarks update big-ben --inactive
      steeple landmarks update big-ben --name "Elizabeth Tower"
      steeple landmarks update big-ben --metadata wikidata=Q41225 --etag '"5f1c"'
    """
    if no_location and location is not None:
        raise InvalidArgumentError("--location and --no-location exclude each other")
    if no_metadata and metadata:
        raise InvalidArgumentError("--metadata and --no-metadata exclude each other")
    if no_aliases and alias:
        raise InvalidArgumentError("--alias and --no-aliases exclude each other")
    if no_labels and label:
        raise InvalidArgumentError("--label and --no-labels exclude each other")
    changes: dict[str, Any] = {}
    if name is not None:
        changes["display_name"] = name
    if description is not None:
        changes["description"] = description
    if location is not None or no_location:
        changes["location"] = None if location is None else read_location(location)
    if metadata or no_metadata:
        changes["metadata"] = read_metadata(metadata)
    if alias or no_aliases:
        changes["aliases"] = read_aliases(alias)
    if label or no_labels:
        changes["labels"] = label or []
    if active is not None:
        changes["active"] = active
    if not changes:
        raise InvalidArgumentError(
            "nothing to change: give --name, --description, --location, --metadata, --alias, --label, --active, "
            "--inactive or one of --no-location, --no-metadata, --no-aliases, --no-labels"
        )
    with connect(server) as client:
        updated = client.update_landmark(landmark_id(landmark), etag=etag, **changes)
    _print(Output(as_json=json), updated)


@app.command("delete")
def delete_landmark(
    landmark: LandmarkArgument,
    force: Annotated[bool, typer.Option("--force", help="Delete its reference images too.")] = False,
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Delete a landmark; refused while it has reference images, unless forced.

    It is kept for the server's retention period and can be undeleted until then.

    \b
    Examples:
      steeple landmarks delete big-ben --force
      steeple landmarks undelete big-ben
    """
    output = Output(as_json=json)
    with connect(server) as client:
        client.delete_landmark(landmark_id(landmark), force=force, etag=etag)
    output.document({"deleted": f"landmarks/{landmark_id(landmark)}"})
    output.say(f"deleted landmarks/{landmark_id(landmark)}")


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
        _print(Output(as_json=json), client.undelete_landmark(landmark_id(landmark), etag=etag))


app.command("history")(history.history)
app.command("undo")(history.undo)


def _print(output: Output, landmark: Landmark) -> None:
    output.document(landmark.to_dict())
    output.facts(
        [
            ("id", landmark.id),
            ("name", landmark.display_name),
            ("description", landmark.description),
            ("location", _describe_location(landmark.location)),
            ("metadata", describe_metadata(landmark.metadata)),
            ("aliases", "; ".join(f"{one}: {', '.join(names)}" for one, names in landmark.aliases.items())),
            ("labels", ", ".join(landmark.labels)),
            ("state", _describe_state(landmark)),
            ("photos", str(landmark.reference_image_count)),
            ("created", describe_time(landmark.create_time)),
            ("updated", describe_time(landmark.update_time)),
            ("etag", landmark.etag),
            *((month.month, f"{month.identified:,} identified") for month in landmark.usage),
        ]
    )


def _describe_location(location: LatLng | None) -> str:
    return "" if location is None else f"{location.latitude:.5f},{location.longitude:.5f}"


def _describe_state(landmark: Landmark) -> str:
    if landmark.delete_time is not None:
        return f"deleted until {describe_time(landmark.expire_time)}"
    return "active" if landmark.active else "inactive"
