"""``steeple landmarks coverage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, LandmarkArgument, ServerOption, landmark_id
from steeple.cli.output import Column, Output

if TYPE_CHECKING:
    from steeple.client import Coverage

_SECTORS: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_BARS: Final = " ▁▂▃▄▅▆▇█"


def coverage(
    landmark: LandmarkArgument,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1.0, help="Stop comparing photos after about so long.")
    ] = 60.0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show how well its photos cover a landmark, and what is missing.

    Which of the best 60 photos see the same, found as a query is; from where, seen from the landmark, and when photos
    were taken, as far as they say. Many photos take some seconds. What was found is remembered: if time was out, ask
    again, and the server goes on.

    \b
    Examples:
      steeple landmarks coverage big-ben
      steeple landmarks coverage big-ben --json | jq -r '.gaps[].text'
      steeple landmarks coverage big-ben --json | jq -r '.single_images[]'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.get_coverage(landmark_id(landmark), timeout=timeout)
    output.document(found.to_dict())
    output.facts(
        [
            ("landmark", found.landmark),
            ("photos", f"{found.image_count:,}, {len(found.images)} of them compared"),
            ("views", str(len({image.view for image in found.images}))),
            ("groups", f"{len(found.groups)}, and {len(found.single_images)} photos that stand alone"),
            ("taken from", _describe_sectors(found)),
            ("by hour", f"{_bars(found.hours)}  (0 to 23)" if found.timed else ""),
            ("by month", f"{_bars(found.months)}  (January to December)" if found.timed else ""),
        ]
    )
    if found.groups:
        output.say("")
        output.table(
            (Column("group"), Column("photos", "right"), Column("views", "right"), Column("agrees with most others")),
            [
                (str(number), str(len(group.reference_images)), str(group.views), group.reference_images[0])
                for number, group in enumerate(found.groups, start=1)
            ],
        )
    if found.gaps:
        output.say("")
    for gap in found.gaps:
        output.say(f"- {gap.text}")
        if gap.reference_images:
            output.note(f"  {', '.join(gap.reference_images)}")
    if found.partial:
        output.note(
            f"{found.compared} of {len(found.images)} photos were compared before time was out; ask again to go on",
            "yellow",
        )


def _describe_sectors(found: Coverage) -> str:
    if not found.placed or not found.sectors:
        return ""
    counts = [f"{name} {sector.images}" for name, sector in zip(_SECTORS, found.sectors, strict=False) if sector.images]
    near = [f"{found.near} at the landmark itself"] if found.near else []
    return ", ".join([*counts, *near])


def _bars(counts: tuple[int, ...]) -> str:
    """A character a count: the higher the more."""
    most = max(counts, default=0)
    return "".join(_BARS[-(-8 * count // most) if most else 0] for count in counts)
