"""``steeple discover``: landmarks from a heap of photos."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from steeple.cli.connection import connect
from steeple.cli.discover_output import print_discovery, print_photos, print_proposal, print_proposals
from steeple.cli.following import follow
from steeple.cli.options import DEFAULT_SERVER, JsonOption, LimitOption, LocationOption, ServerOption, read_location
from steeple.cli.output import Cell, Column, Output, describe_time
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Client, Landmark, Proposal, Upload

_START = "start"


class _PhotosOrCommand(TyperGroup):
    """``steeple discover photos/`` is ``steeple discover start photos/``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - click's, which typer hides
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_START, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_PhotosOrCommand,
    no_args_is_help=True,
    help="""Find landmarks in a heap of photos that nobody has sorted.

    Photos that were taken near each other and show the same are proposed as a landmark, to be named, taken apart or
    thrown away. A discovery begins with the photos alone:

    \b
      steeple discover holiday-photos/
      steeple discover show DISCOVERY 1
      steeple discover accept DISCOVERY 1 --name "Big Ben"
    """,
)

DiscoveryArgument = Annotated[
    str, typer.Argument(metavar="DISCOVERY", help="Its id, as list prints it (or discoveries/ID).")
]
NumberArgument = Annotated[int, typer.Argument(metavar="PROPOSAL", min=1, help="Its number within the discovery.")]
PhotoOption = Annotated[
    list[int] | None,
    typer.Option("--photo", metavar="N", min=1, help="Number of a photo, as show prints it; repeatable."),
]


@app.command(_START, short_help="Begin with photos; the word start may be left out.")
def start(
    photos: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER|ZIP]", help="Photos of yours: a folder, or a ZIP archive.")
    ] = None,
    on_server: Annotated[
        str, typer.Option("--on-server", metavar="FOLDER", help="Instead, a folder below the server's import_dir.")
    ] = "",
    radius: Annotated[
        float | None,
        typer.Option("--radius", metavar="METERS", help="Photos so near each other are of one place; default: 200."),
    ] = None,
    reach: Annotated[
        float | None,
        typer.Option("--reach", metavar="METERS", help="Photos farther apart are not compared; default: 5000."),
    ] = None,
    min_views: Annotated[
        int | None, typer.Option("--min-views", metavar="N", help="Views that a proposal has at least; default: 2.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Look for landmarks in photos, and list what is proposed.

    The server works in the background: interrupting this does not stop it. What is proposed becomes part of the
    catalogue with `steeple discover accept` alone.

    \b
    Examples:
      steeple discover start holiday-photos/
      steeple discover holiday-photos.zip --min-views 3
      steeple discover start --on-server archive/2019
    """
    output = Output(as_json=json)
    options = {"radius_meters": radius, "reach_meters": reach, "min_views": min_views}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if (photos is None) == (not on_server):
        raise InvalidArgumentError("give a folder or a ZIP archive of photos, or --on-server, one of the two")
    with connect(server) as client:
        upload = None if photos is None else _upload(output, client, photos)
        operation = client.start_discovery(upload="" if upload is None else upload.name, folder=on_server, **given)
        output.note(f"discovery {operation.id} began")
        follow(output, client, operation)
        if upload is not None:  # the server has taken what it needs
            client.delete_upload(upload)
        found = client.get_discovery(operation)
        proposals = list(client.list_proposals(found, page_size=1000))
    output.document({**found.to_dict(), "proposals": [proposal.to_dict() for proposal in proposals]})
    print_proposals(output, proposals)
    print_discovery(output, found)


def _upload(output: Output, client: Client, photos: Path) -> Upload:
    from steeple.cli.discover_archive import archive_of

    with archive_of(photos, output) as archive:
        output.note(f"sending {archive.stat().st_size / 1e6:.1f} MB")
        return client.upload_file(archive)


@app.command("list")
def list_discoveries(
    limit: LimitOption = 50,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List discoveries, the latest first.

    \b
    Example:
      steeple discover list
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = list(itertools.islice(client.list_discoveries(), limit or None))
    output.document([discovery.to_dict() for discovery in found])
    output.table(
        (
            Column("id"),
            Column("source"),
            Column("photos", "right"),
            Column("proposals", "right"),
            Column("open", "right"),
            Column("leftovers", "right"),
            Column("begun"),
            Column("state"),
        ),
        [
            (
                discovery.id,
                discovery.source,
                str(discovery.photo_count),
                str(discovery.proposal_count),
                str(discovery.open_proposal_count),
                str(discovery.leftover_count),
                describe_time(discovery.create_time),
                Cell("ready", "green") if discovery.ready else Cell("unfinished", "yellow"),
            )
            for discovery in found
        ],
    )


@app.command("show")
def show(
    discovery: DiscoveryArgument,
    proposal: Annotated[
        int | None, typer.Argument(metavar="[PROPOSAL]", min=1, help="Its number; without one, all are listed.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only proposed, accepted or discarded ones; repeatable."),
    ] = None,
    leftovers: Annotated[
        bool, typer.Option("--leftovers", help="Instead, the photos that are part of no proposal, and why.")
    ] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Show what a discovery proposes, or one proposal with its photos.

    \b
    Examples:
      steeple discover show 20270131-120000123-x7kq2m4a
      steeple discover show 20270131-120000123-x7kq2m4a 3
      steeple discover show 20270131-120000123-x7kq2m4a --leftovers
    """
    output = Output(as_json=json)
    if proposal is not None and (leftovers or state):
        raise InvalidArgumentError("one proposal is shown whole: leave out --leftovers and --state")
    with connect(server) as client:
        if proposal is not None:
            one = client.get_proposal(_name(discovery, proposal))
            output.document(one.to_dict())
            print_proposal(output, one)
            return
        found = client.get_discovery(discovery)
        if leftovers:
            photos = list(client.list_leftovers(found, page_size=1000))
            output.document([photo.to_dict() for photo in photos])
            print_photos(output, photos)
            return
        proposals = list(client.list_proposals(found, states=state or (), page_size=1000))
    output.document({**found.to_dict(), "proposals": [each.to_dict() for each in proposals]})
    print_proposals(output, proposals)
    print_discovery(output, found)


@app.command("accept")
def accept(
    discovery: DiscoveryArgument,
    proposal: NumberArgument,
    name: Annotated[str, typer.Option("--name", help="What people call it: it becomes a new landmark.")] = "",
    identifier: Annotated[
        str, typer.Option("--id", metavar="ID", help="Of the new landmark; default: from its name.")
    ] = "",
    location: LocationOption = None,
    landmark: Annotated[
        str, typer.Option("--landmark", metavar="LANDMARK", help="Instead, a landmark of the catalogue to add to.")
    ] = "",
    photo: PhotoOption = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make a landmark of a proposal, or add its photos to one that there is.

    Of each view the best photo becomes a reference image, unless photos are chosen. They are found at once.

    \b
    Examples:
      steeple discover accept 20270131-120000123-x7kq2m4a 3 --name "Big Ben" --id big-ben
      steeple discover accept 20270131-120000123-x7kq2m4a 4 --landmark big-ben
      steeple discover accept 20270131-120000123-x7kq2m4a 5 --name "Tower Bridge" --photo 12 --photo 19
    """
    from steeple.client import Landmark

    output = Output(as_json=json)
    if bool(name) == bool(landmark):
        raise InvalidArgumentError("say what it is: --name for a new landmark, or --landmark, one of the two")
    if landmark and (identifier or location):
        raise InvalidArgumentError("--id and --location are of a new landmark; leave them out with --landmark")
    target: Landmark | str = landmark
    if name:
        place = None if location is None else read_location(location)
        target = Landmark(f"landmarks/{identifier}" if identifier else "", name, location=place)
    with connect(server, 60.0) as client:
        accepted = client.accept_proposal(_name(discovery, proposal), target, photos=_photos(discovery, photo))
    output.document(accepted.to_dict())
    output.say(
        f"{accepted.landmark.name}: {len(accepted.reference_images)} reference images added, "
        f"{accepted.landmark.reference_image_count} now",
        "bold green",
    )


@app.command("merge")
def merge(
    discovery: DiscoveryArgument,
    proposals: Annotated[list[int], typer.Argument(metavar="PROPOSAL", help="Numbers; the first stays.")],
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make one proposal of several.

    \b
    Example:
      steeple discover merge 20270131-120000123-x7kq2m4a 3 7
    """
    with connect(server) as client:
        _show(Output(as_json=json), client.merge_proposals([_name(discovery, number) for number in proposals]))


@app.command("split")
def split(
    discovery: DiscoveryArgument,
    proposal: NumberArgument,
    photo: PhotoOption = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Take photos out of a proposal and make another of them.

    \b
    Example:
      steeple discover split 20270131-120000123-x7kq2m4a 3 --photo 12 --photo 14
    """
    output = Output(as_json=json)
    with connect(server) as client:
        rest, taken_out = client.split_proposal(_name(discovery, proposal), _photos(discovery, photo))
    output.document({"proposal": rest.to_dict(), "split_proposal": taken_out.to_dict()})
    print_proposals(output, [rest, taken_out])


@app.command("discard")
def discard(
    discovery: DiscoveryArgument,
    proposals: Annotated[list[int], typer.Argument(metavar="PROPOSAL", help="Numbers within the discovery.")],
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Say that proposals are no landmarks.

    \b
    Example:
      steeple discover discard 20270131-120000123-x7kq2m4a 4 5 9
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = [client.discard_proposal(_name(discovery, number)) for number in proposals]
    output.document([each.to_dict() for each in found])
    for each in found:
        output.say(f"discarded {each.name}")


@app.command("restore")
def restore(
    discovery: DiscoveryArgument,
    proposals: Annotated[list[int], typer.Argument(metavar="PROPOSAL", help="Numbers within the discovery.")],
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Take back that proposals are no landmarks.

    \b
    Example:
      steeple discover restore 20270131-120000123-x7kq2m4a 4
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = [client.restore_proposal(_name(discovery, number)) for number in proposals]
    output.document([each.to_dict() for each in found])
    for each in found:
        output.say(f"restored {each.name}")


@app.command("picture")
def picture(
    discovery: DiscoveryArgument,
    file: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to: a .jpg or .png.")] = Path(
        "proposals.jpg"
    ),
    proposal: Annotated[
        int | None, typer.Option("--proposal", metavar="N", min=1, help="All photos of one proposal instead.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Draw the proposals that are open, a row each, to see what they show.

    \b
    Examples:
      steeple discover picture 20270131-120000123-x7kq2m4a -o proposals.jpg
      steeple discover picture 20270131-120000123-x7kq2m4a --proposal 3 -o third.jpg
    """
    from steeple.cli.canvas import FORMATS, save
    from steeple.cli.discover_picture import draw_proposal, draw_proposals
    from steeple.cli.writable import check_writable

    output = Output(as_json=json)
    check_writable(file, "--output", FORMATS)
    with connect(server, 60.0) as client:
        if proposal is not None:
            drawn, count = draw_proposal(client, client.get_proposal(_name(discovery, proposal)), output), 1
        else:
            names = [each.name for each in client.list_proposals(discovery, states=["proposed"], page_size=1000)]
            drawn, count = draw_proposals(client, names, output), len(names)
    save(drawn, file)
    output.document({"file": str(file), "proposals": count})
    output.say(f"drawn: {file}")


@app.command("delete")
def delete(discovery: DiscoveryArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Forget a discovery and its photos. What was accepted stays in the catalogue.

    \b
    Example:
      steeple discover delete 20270131-120000123-x7kq2m4a
    """
    output = Output(as_json=json)
    name = f"discoveries/{discovery.removeprefix('discoveries/')}"
    with connect(server, 60.0) as client:
        client.delete_discovery(name)
    output.document({"deleted": name})
    output.say(f"deleted {name}")


def _show(output: Output, proposal: Proposal) -> None:
    output.document(proposal.to_dict())
    print_proposal(output, proposal)


def _name(discovery: str, proposal: int) -> str:
    return f"discoveries/{discovery.removeprefix('discoveries/')}/proposals/{proposal}"


def _photos(discovery: str, numbers: list[int] | None) -> list[str]:
    parent = f"discoveries/{discovery.removeprefix('discoveries/')}"
    return [f"{parent}/photos/{number}" for number in numbers or ()]
