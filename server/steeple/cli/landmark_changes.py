"""``steeple landmarks update`` and ``delete``: of one landmark, or of many at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.landmark_output import print_landmark
from steeple.cli.options import (
    DEFAULT_SERVER,
    AliasOption,
    EtagOption,
    JsonOption,
    LabelOption,
    LocationOption,
    MetadataOption,
    ServerOption,
    landmark_id,
    read_aliases,
    read_location,
    read_metadata,
)
from steeple.cli.output import Output
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Client

_AT_ONCE: Final = 1000  # as many as the server takes

LandmarksArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="LANDMARK", autocompletion=completion.landmarks, help="Ids, such as big-ben (or landmarks/big-ben)."
    ),
]
WhichOption = Annotated[
    str,
    typer.Option("--filter", metavar="FILTER", help="All that it is true of, in place of LANDMARK; see `list`."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print which they would be, and change nothing.")]


def update_landmarks(
    landmarks: LandmarksArgument = None,
    filter_text: WhichOption = "",
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="What people call it.")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="For whoever asked.")] = None,
    location: LocationOption = None,
    no_location: Annotated[bool, typer.Option("--no-location", help="It stands nowhere (any more).")] = False,
    metadata: MetadataOption = None,
    no_metadata: Annotated[bool, typer.Option("--no-metadata", help="Remove all metadata.")] = False,
    set_metadata: Annotated[
        list[str] | None, typer.Option("--set-metadata", metavar="KEY=VALUE", help="Add or set an entry; repeatable.")
    ] = None,
    remove_metadata: Annotated[
        list[str] | None, typer.Option("--remove-metadata", metavar="KEY", help="Remove an entry; repeatable.")
    ] = None,
    alias: AliasOption = None,
    no_aliases: Annotated[bool, typer.Option("--no-aliases", help="Remove all aliases.")] = False,
    label: LabelOption = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Remove all labels.")] = False,
    add_label: Annotated[
        list[str] | None, typer.Option("--add-label", metavar="WORD", help="Add a label; repeatable.")
    ] = None,
    remove_label: Annotated[
        list[str] | None, typer.Option("--remove-label", metavar="WORD", help="Remove a label; repeatable.")
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it is found; takes effect at once.")
    ] = None,
    etag: EtagOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Change what is given and leave the rest; --metadata, --alias and --label replace all there are.

    Many at once, named or found by --filter, take --add-label, --remove-label, --set-metadata, --remove-metadata,
    --active, --inactive and --description. They are changed a thousand at a time: each thousand all or none.

    \b
    Examples:
      steeple landmarks update big-ben --inactive
      steeple landmarks update big-ben --name "Elizabeth Tower"
      steeple landmarks update big-ben --metadata wikidata=Q41225 --etag '"5f1c"'
      steeple landmarks update big-ben eiffel --add-label tower
      steeple landmarks update --filter 'labels:draft reference_image_count >= 5' --remove-label draft --active
    """
    for one, other, given in (
        ("--location", "--no-location", no_location and location is not None),
        ("--metadata", "--no-metadata", no_metadata and bool(metadata)),
        ("--alias", "--no-aliases", no_aliases and bool(alias)),
        ("--label", "--no-labels", no_labels and bool(label)),
    ):
        if given:
            raise InvalidArgumentError(f"{one} and {other} exclude each other")
    own = _given(
        display_name=name,
        metadata=read_metadata(metadata) if metadata or no_metadata else None,
        aliases=read_aliases(alias) if alias or no_aliases else None,
        labels=(label or []) if label or no_labels else None,
    )
    if location is not None or no_location:
        own["location"] = None if location is None else read_location(location)
    common = _given(
        add_labels=add_label or None,
        remove_labels=remove_label or None,
        set_metadata=read_metadata(set_metadata) or None,
        remove_metadata=remove_metadata or None,
    )
    either = _given(description=description, active=active)
    if not (own or common or either):
        raise InvalidArgumentError(
            "nothing to change: give --name, --description, --location, --metadata, --alias, --label, --active, "
            "--inactive, one of --no-location, --no-metadata, --no-aliases, --no-labels, or one of --add-label, "
            "--remove-label, --set-metadata, --remove-metadata"
        )
    output = Output(as_json=json)
    many = bool(common) or bool(filter_text) or dry_run or len(landmarks or ()) != 1
    if many and (own or etag):
        raise InvalidArgumentError(
            "--name, --location, --metadata, --alias, --label, their --no-... and --etag are for one LANDMARK, alone; "
            "many take --add-label, --remove-label, --set-metadata, --remove-metadata, --active and --description"
        )
    with connect(server) as client:
        if many:
            _update_many(client, output, _which(client, landmarks, filter_text), {**common, **either}, dry_run=dry_run)
        else:
            landmark = landmark_id((landmarks or [""])[0])
            print_landmark(output, client.update_landmark(landmark, etag=etag, **own, **either))


def delete_landmarks(
    landmarks: LandmarksArgument = None,
    filter_text: WhichOption = "",
    force: Annotated[bool, typer.Option("--force", help="Delete their reference images too.")] = False,
    etag: EtagOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Delete landmarks; refused while one has reference images, unless forced.

    They are kept for the server's retention period and can be undeleted until then. Many are deleted a thousand at a
    time: each thousand all or none.

    \b
    Examples:
      steeple landmarks delete big-ben --force
      steeple landmarks undelete big-ben
      steeple landmarks delete --filter 'labels:draft reference_image_count = 0' --dry-run
    """
    output = Output(as_json=json)
    many = bool(filter_text) or dry_run or len(landmarks or ()) != 1
    if many and etag:
        raise InvalidArgumentError("--etag is of one landmark; give one LANDMARK with it, and no --filter")
    with connect(server) as client:
        if many:
            names = _which(client, landmarks, filter_text)
            if dry_run:
                _tell(output, "would_delete", names)
                return
            with output.progress("deleting", len(names)) as done:
                for some in _thousands(names):
                    client.batch_delete_landmarks(some, force=force)
                    for one in some:
                        done.advance(one)
        else:
            names = [f"landmarks/{landmark_id((landmarks or [''])[0])}"]
            client.delete_landmark(names[0], force=force, etag=etag)
    _tell(output, "deleted", names)


def _given(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of any field
    return {name: value for name, value in fields.items() if value is not None}


def _update_many(
    client: Client, output: Output, names: Sequence[str], changes: dict[str, Any], *, dry_run: bool
) -> None:
    if dry_run:
        _tell(output, "would_update", names)
        return
    changed: list[str] = []
    with output.progress("updating", len(names)) as done:
        for some in _thousands(names):
            changed += client.batch_update_landmarks(some, **changes)
            for one in some:
                done.advance(one)
    others = set(changed)
    same = [name for name in names if name not in others]
    output.document({"updated": changed, "unchanged": same})
    output.say(f"updated {len(changed):,} of {len(names):,} landmarks; {len(same):,} were so already")


def _which(client: Client, landmarks: Sequence[str] | None, filter_text: str) -> list[str]:
    if bool(landmarks) == bool(filter_text):
        raise InvalidArgumentError("which landmarks? give one or more LANDMARK, or a --filter, and not both")
    if landmarks:
        return [f"landmarks/{landmark_id(landmark)}" for landmark in dict.fromkeys(landmarks)]
    return [landmark.name for landmark in client.list_landmarks(filter=filter_text, page_size=_AT_ONCE)]


def _thousands(names: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(itertools.islice(rest, _AT_ONCE)):
        yield some


def _tell(output: Output, what: str, names: Sequence[str]) -> None:
    output.document({what: list(names)})
    for name in names:
        output.say(f"{what.replace('_', ' ')} {name}")
    if not names:
        output.note("no landmark is one of these")
