"""``steeple landmarks map``: how many landmarks stand where."""

from __future__ import annotations

from typing import Annotated

import typer

from steeple.cli.connection import connect
from steeple.cli.landmark_output import describe_location
from steeple.cli.options import DEFAULT_SERVER, FilterOption, JsonOption, ServerOption, read_location
from steeple.cli.output import Column, Output
from steeple.errors import InvalidArgumentError


def map_landmarks(
    zoom: Annotated[int, typer.Option("--zoom", metavar="Z", min=0, max=22, help="0: cells of 90°; each halves.")] = 2,
    filter_text: FilterOption = "",
    southwest: Annotated[
        str | None,
        typer.Option("--southwest", metavar="LAT,LNG", help="Corner of what to look at; default: the earth."),
    ] = None,
    northeast: Annotated[str | None, typer.Option("--northeast", metavar="LAT,LNG", help="The other corner.")] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Count landmarks by where they stand, in cells of 90 / 2^Z degrees.

    Cells are larger than asked for where there would be more than 2048 of them. Landmarks that are deleted or stand
    nowhere are left out.

    \b
    Examples:
      steeple landmarks map
      steeple landmarks map --zoom 12 --southwest 48.81,2.22 --northeast 48.91,2.47 --filter labels:church
      steeple landmarks map --zoom 4 --json | jq '.clusters[] | [.landmark_count, .display_name]'
    """
    if (southwest is None) != (northeast is None):
        raise InvalidArgumentError("--southwest and --northeast go together: give both, or neither")
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.list_landmark_clusters(
            zoom=zoom,
            filter=filter_text,
            southwest=None if southwest is None else read_location(southwest, "--southwest"),
            northeast=None if northeast is None else read_location(northeast, "--northeast"),
        )
    output.document(found.to_dict())
    output.table(
        (Column("landmarks", "right"), Column("center"), Column("southwest"), Column("northeast"), Column("such as")),
        [
            (
                f"{cluster.landmark_count:,}",
                describe_location(cluster.center),
                describe_location(cluster.southwest),
                describe_location(cluster.northeast),
                cluster.display_name,
            )
            for cluster in found.clusters
        ],
    )
    where = f"in {len(found.clusters):,} cells of zoom {found.zoom}"
    output.say(f"{found.landmark_count:,} landmarks {where}", "dim")
