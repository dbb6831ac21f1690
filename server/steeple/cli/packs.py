"""``steeple packs``: offline packs, which phones search by themselves."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.following import follow, leave_running
from steeple.cli.options import (
    DEFAULT_PACK_FEATURES,
    DEFAULT_PACK_IMAGES,
    DEFAULT_SERVER,
    JsonOption,
    LimitOption,
    NoWaitOption,
    ServerOption,
    read_location,
    read_metadata,
)
from steeple.cli.output import Cell, Column, Output, describe_metadata, describe_size, describe_time
from steeple.cli.progress import bytes_bar
from steeple.cli.writable import check_writable
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Client, Operation, Pack

app = typer.Typer(
    no_args_is_help=True,
    help="""Offline packs: the landmarks of a region in one file, for apps to fetch and to search without a server.

    \b
      steeple packs create paris --name "Paris" --near 48.8566,2.3522 --radius 10000
      steeple packs list
      steeple packs export paris.pack --near 48.8566,2.3522 --radius 10000
    """,
)

PackArgument = Annotated[
    str,
    typer.Argument(metavar="PACK", autocompletion=completion.packs, help="Its id, as list prints it (or packs/ID)."),
]
NearOption = Annotated[
    str | None, typer.Option("--near", metavar="LAT,LNG", help="Only landmarks around here that have a location.")
]
RadiusOption = Annotated[
    float | None, typer.Option("--radius", metavar="METRES", help="So far from there at most; goes with --near.")
]
HavingOption = Annotated[
    list[str] | None,
    typer.Option("--metadata", "-m", metavar="KEY=VALUE", help="Only landmarks that have it; repeatable."),
]
LabelledOption = Annotated[
    list[str] | None, typer.Option("--label", metavar="WORD", help="Only landmarks that have it; repeatable.")
]
MaxImagesOption = Annotated[
    int, typer.Option("--max-images", metavar="N", min=1, max=100, help="Reference images of a landmark, at most.")
]
MaxFeaturesOption = Annotated[
    int, typer.Option("--max-features", metavar="N", min=1, max=4096, help="Features of an image, at most.")
]
ExactOption = Annotated[
    bool, typer.Option("--exact", help="Keep descriptors beside their codes: 40 bytes more a feature.")
]

_SUFFIX: Final = ".pack"
_STYLES: Final = {"current": "green", "stale": "yellow", "lost": "red"}


@app.command("create")
def create_pack(
    pack: Annotated[str, typer.Argument(metavar="ID", help="Letters a-z, digits, hyphens; one that is there goes.")],
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What people call it; default: ID.")] = "",
    near: NearOption = None,
    radius: RadiusOption = None,
    metadata: HavingOption = None,
    label: LabelledOption = None,
    max_images: MaxImagesOption = DEFAULT_PACK_IMAGES,
    max_features: MaxFeaturesOption = DEFAULT_PACK_FEATURES,
    exact: ExactOption = False,
    no_wait: NoWaitOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make a pack of the catalogue as it is, and publish it: whoever has a key may download it.

    A pack of the same id is replaced once the new one is whole; downloads of the old one that have begun go on.

    \b
    Examples:
      steeple packs create paris --name "Paris" --near 48.8566,2.3522 --radius 10000
      steeple packs create churches --label church --max-images 5
      steeple packs create everything --no-wait
    """
    output = Output(as_json=json)
    settings = _settings(name or pack, near, radius, metadata, label, max_images, max_features, exact)
    with connect(server) as client:
        begun = client.create_pack(pack, **settings)
        if no_wait:
            leave_running(output, begun)
            return
        found = _published(output, client, begun)
    output.document(found.to_dict())
    _say(output, found)


@app.command("refresh")
def refresh_packs(
    packs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PACK]...", autocompletion=completion.packs, help="Ids, as list prints them."),
    ] = None,
    stale: Annotated[bool, typer.Option("--stale", help="All that are not current.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make packs anew of the catalogue as it is, as they were made before.

    \b
    Examples:
      steeple packs refresh paris
      steeple packs refresh --stale
    """
    output = Output(as_json=json)
    if bool(packs) == stale:
        raise InvalidArgumentError("say which packs: give their ids, or --stale, one of the two")
    made = []
    with connect(server) as client:
        chosen = packs or [each.id for each in client.list_packs(page_size=1000) if each.state.value != "current"]
        for each in chosen:
            made.append(_published(output, client, client.refresh_pack(each)))
            _say(output, made[-1])
    output.document([pack.to_dict() for pack in made])
    if not made:
        output.say("all packs are current")


@app.command("list")
def list_packs(limit: LimitOption = 0, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """List packs that are published.

    A pack is stale once what it was made of has changed in the catalogue; refresh makes it anew.

    \b
    Examples:
      steeple packs list
      steeple packs list --json | jq -r '.[] | select(.state == "stale") | .id'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = list(itertools.islice(client.list_packs(), limit or None))
    output.document([pack.to_dict() for pack in found])
    output.table(
        (
            Column("id"),
            Column("name"),
            Column("landmarks", "right"),
            Column("size", "right"),
            Column("where"),
            Column("made"),
            Column("state"),
        ),
        [
            (
                pack.id,
                pack.display_name,
                str(pack.landmark_count),
                describe_size(pack.size_bytes),
                _describe_region(pack),
                describe_time(pack.create_time),
                Cell(pack.state.value, _STYLES.get(pack.state.value, "")),
            )
            for pack in found
        ],
    )


@app.command("show")
def show_pack(pack: PackArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show one pack.

    \b
    Example:
      steeple packs show paris
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.get_pack(pack)
    output.document(found.to_dict())
    output.facts(
        [
            ("name", found.name),
            ("called", found.display_name),
            ("state", found.state.value),
            ("where", _describe_region(found)),
            ("metadata", describe_metadata(found.metadata)),
            ("labels", ", ".join(found.labels)),
            ("landmarks", str(found.landmark_count)),
            ("images", f"{found.image_count}, at most {found.max_images} of a landmark"),
            ("features", f"{found.feature_count}, at most {found.max_features} of an image"),
            ("descriptors", "exact" if found.exact_descriptors else "codes only"),
            ("model", found.model),
            ("change", str(found.sequence)),
            ("size", describe_size(found.size_bytes)),
            ("SHA-256", found.sha256),
            ("made", describe_time(found.create_time)),
        ]
    )


@app.command("download")
def download_pack(
    pack: PackArgument,
    file: Annotated[
        Path | None, typer.Argument(metavar="[OUT.pack]", help="Where it is to be; default: PACK.pack here.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Download a pack. The same again goes on where one broke off.

    \b
    Examples:
      steeple packs download paris
      steeple packs download paris /srv/app/packs/paris.pack
    """
    output = Output(as_json=json)
    target = file or Path(f"{pack.removeprefix('packs/')}{_SUFFIX}")
    check_writable(target, "OUT.pack", (_SUFFIX,))
    with connect(server) as client, bytes_bar(output, "downloading") as progress:
        found = client.download_pack(pack, target, progress=progress)
    output.document({**found.to_dict(), "file": str(target)})
    output.say(f"{target}: {found.landmark_count} landmarks, {describe_size(found.size_bytes)}")


@app.command("delete")
def delete_pack(pack: PackArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Delete a pack from the server; devices that have it keep it.

    \b
    Example:
      steeple packs delete paris
    """
    output = Output(as_json=json)
    name = f"packs/{pack.removeprefix('packs/')}"
    with connect(server) as client:
        client.delete_pack(pack)
    output.document({"deleted": name})
    output.say(f"deleted {name}")


@app.command("export")
def export_pack(
    file: Annotated[Path, typer.Argument(metavar="OUT.pack", help="Where it is to be; what is there goes.")],
    chosen_id: Annotated[
        str, typer.Option("--id", metavar="ID", help="What it calls itself; default: made from the file's name.")
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What people call it; default: its id.")] = "",
    near: NearOption = None,
    radius: RadiusOption = None,
    metadata: HavingOption = None,
    label: LabelledOption = None,
    max_images: MaxImagesOption = DEFAULT_PACK_IMAGES,
    max_features: MaxFeaturesOption = DEFAULT_PACK_FEATURES,
    exact: ExactOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make a pack and download it, without publishing it: to try it out, or to ship it inside an app.

    \b
    Examples:
      steeple packs export paris.pack --near 48.8566,2.3522 --radius 10000
      steeple packs export all.pack --name "All there is" --exact
    """
    output = Output(as_json=json)
    check_writable(file, "OUT.pack", (_SUFFIX,))
    pack_id = chosen_id or _id_of(file.stem)
    settings = _settings(name or pack_id, near, radius, metadata, label, max_images, max_features, exact)
    with connect(server) as client:
        done = follow(output, client, client.export_pack(pack_id, **settings))
        _tell_problems(output, client, done)
        with bytes_bar(output, "downloading") as progress:
            client.download_operation_file(done, done.results.get("file", ""), file, progress=progress)
        client.delete_operation(done)
    results = done.results
    output.document({**results, "file": str(file), "problem_count": done.problem_count})
    size = describe_size(int(results["file_size_bytes"]))
    output.say(f"{file}: {results['landmarks']} landmarks, {results['images']} images, {size}")


def _settings(
    name: str,
    near: str | None,
    radius: float | None,
    metadata: list[str] | None,
    label: list[str] | None,
    max_images: int,
    max_features: int,
    exact: bool,
) -> dict[str, Any]:
    """Arguments of the client's calls.

    Raises:
        InvalidArgumentError: If an option cannot be read.
    """
    if (near is None) != (radius is None):
        raise InvalidArgumentError("--near and --radius go together: give both or neither")
    return {
        "display_name": name,
        "near": None if near is None else read_location(near, "--near"),
        "radius_meters": radius or 0.0,
        "metadata": read_metadata(metadata),
        "labels": label or (),
        "max_images": max_images,
        "max_features": max_features,
        "exact_descriptors": exact,
    }


def _id_of(stem: str) -> str:
    words = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem.lower())
    return words[:63].strip("-") or "pack"


def _published(output: Output, client: Client, begun: Operation) -> Pack:
    """The pack that an operation makes, once it is published."""
    done = follow(output, client, begun)
    _tell_problems(output, client, done)
    return client.get_pack(done.results["pack"])


def _tell_problems(output: Output, client: Client, done: Operation) -> None:
    for problem in client.list_operation_problems(done) if done.problem_count else ():
        output.note(f"no thumbnail of {problem.item}: {problem.message}", "yellow")


def _say(output: Output, pack: Pack) -> None:
    output.say(f"{pack.name}: {pack.landmark_count} landmarks, {pack.image_count} images, {_size_a_landmark(pack)}")


def _size_a_landmark(pack: Pack) -> str:
    each = describe_size(pack.size_bytes / max(1, pack.landmark_count))
    return f"{describe_size(pack.size_bytes)} ({each} a landmark)"


def _describe_region(pack: Pack) -> str:
    if pack.near is None:
        return "everywhere"
    return f"{pack.radius_meters:.0f} m around {pack.near.latitude:.5g},{pack.near.longitude:.5g}"
