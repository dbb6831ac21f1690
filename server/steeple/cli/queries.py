"""``steeple queries``: what a server has kept for review."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.options import (
    DEFAULT_SERVER,
    FilterOption,
    JsonOption,
    LimitOption,
    LocationOption,
    MetadataOption,
    ServerOption,
    TimeoutOption,
    landmark_id,
    read_location,
    read_metadata,
)
from steeple.cli.output import Cell, Column, Output, describe_time
from steeple.cli.photo_files import suffix_of
from steeple.cli.times import read_time
from steeple.cli.writable import write_new
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Feedback, KeptQuery

app = typer.Typer(
    no_args_is_help=True,
    help="Queries and feedback that a server has kept: look through, correct, promote and erase them.",
)

QueryArgument = Annotated[str, typer.Argument(metavar="QUERY", help="Its id, as list prints it (or queries/ID).")]

_STYLES: Final = {"right": "green", "wrong": "red", "landmark": "cyan", "not_landmark": "yellow"}


@app.command("list")
def list_queries(
    filter: FilterOption = "",
    order_by: Annotated[
        str, typer.Option("--order-by", metavar="FIELDS", help="id, create_time or confidence; default: latest first.")
    ] = "create_time desc",
    limit: LimitOption = 50,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List kept queries, and what people have sent: feedback and photos that they propose.

    A server keeps no other queries unless it is told to: steeple serve --keep-queries unknown.

    \b
    Examples:
      steeple queries list
      steeple queries list --filter 'outcome = unknown AND verdict = none'
      steeple queries list --filter 'origin = proposal AND promoted = false'
      steeple queries list --filter 'origin = feedback AND said = wrong'
      steeple queries list --filter 'landmark = big-ben AND confidence < 0.7' --order-by confidence
      steeple queries list --limit 0 --json | jq -r '.[].id'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        asked = client.list_kept_queries(filter=filter, order_by=order_by)
        found = list(itertools.islice(asked, limit or None))
    output.document([query.to_dict() for query in found])
    output.table(
        (
            Column("id"),
            Column("origin"),
            Column("answer"),
            Column("best candidate"),
            Column("confidence", "right"),
            Column("kept"),
            Column("said"),
            Column("verdict"),
            Column("who"),
        ),
        [
            (
                query.id,
                query.origin.value,
                "identified" if query.identified else "UNKNOWN",
                query.best.landmark if query.best else "",
                f"{query.best.confidence:.3f}" if query.best else "",
                query.content.value,
                _describe_feedback(query.feedback),
                _describe_verdict(query),
                query.key,
            )
            for query in found
        ],
    )
    if not found and not filter:
        output.note(
            "nothing is kept; a server keeps queries only if it is told to: steeple serve --keep-queries unknown"
        )


@app.command("show")
def show_query(query: QueryArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show one kept query: its answer, its candidates, and what was said of it.

    \b
    Example:
      steeple queries show 20270131-120000123-x7kq2m4a
    """
    with connect(server) as client:
        _print(Output(as_json=json), client.get_kept_query(query))


@app.command("download")
def download_query(
    query: QueryArgument,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; default: ID.jpg and the like.")
    ] = None,
    thumbnail: Annotated[
        bool, typer.Option("--thumbnail", help="A JPEG of at most 256 pixels a side instead.")
    ] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Download the photo of a kept query, without its metadata. An existing file is not overwritten.

    Where a device has sent features only, these are downloaded, as a FeatureSet message (ID.features): there is no
    photo to look at.

    \b
    Examples:
      steeple queries download 20270131-120000123-x7kq2m4a
      steeple queries download 20270131-120000123-x7kq2m4a --thumbnail -o small.jpg
    """
    from steeple.delf import wire
    from steeple.delf.features import FeatureSet

    output = Output(as_json=json)
    identifier = query.removeprefix("queries/")
    with connect(server, 60.0) as client:
        found = client.get_kept_query_thumbnail(query) if thumbnail else client.download_kept_query(query)
    if isinstance(found, FeatureSet):
        data, media_type, suffix = wire.pack(found).SerializeToString(), "", ".features"
        output.note("only features were sent: the photo stayed on the device")
    else:
        data, media_type, suffix = found.data, found.media_type, suffix_of(found.media_type)
    path = file or Path(identifier + suffix)
    write_new(path, data)
    output.document({"query": f"queries/{identifier}", "file": str(path), "bytes": len(data), "media_type": media_type})
    output.say(f"{path}: {len(data):,} bytes")


@app.command("review")
def review_query(
    query: QueryArgument,
    right: Annotated[
        bool, typer.Option("--right", help="The answer is right; of UNKNOWN: it is not in the catalogue.")
    ] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="It is wrong, and you do not know what it shows.")] = False,
    landmark: Annotated[
        str | None, typer.Option("--landmark", metavar="LANDMARK", help="It shows this one, whatever the answer was.")
    ] = None,
    not_landmark: Annotated[bool, typer.Option("--not-landmark", help="It shows no landmark at all.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take back what was said before.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Say whether the answer to a kept query was right, and what the query shows. The last word stands.

    \b
    Examples:
      steeple queries review 20270131-120000123-x7kq2m4a --right
      steeple queries review 20270131-120000123-x7kq2m4a --landmark big-ben
    """
    given = {"right": right, "wrong": wrong, "landmark": landmark is not None}
    given |= {"not_landmark": not_landmark, "none": clear}
    verdicts = [verdict for verdict, said in given.items() if said]
    if len(verdicts) != 1:
        raise InvalidArgumentError("say one of --right, --wrong, --landmark LANDMARK, --not-landmark and --clear")
    with connect(server) as client:
        found = client.review_query(query, verdicts[0], landmark=None if landmark is None else landmark_id(landmark))
    _print(Output(as_json=json), found)


@app.command("promote")
def promote_query(
    query: QueryArgument,
    image_id: Annotated[str, typer.Option("--id", metavar="ID", help="Of the image; the server chooses if none.")] = "",
    metadata: MetadataOption = None,
    refuse_duplicates: Annotated[
        bool, typer.Option("--refuse-duplicates", help="Not if it is there nearly so, or elsewhere.")
    ] = False,
    create: Annotated[
        str | None, typer.Option("--create", metavar="NAME", help="Create a landmark of this name first: it shows it.")
    ] = None,
    landmark: Annotated[
        str, typer.Option("--landmark-id", metavar="ID", help="Of the new landmark; the server chooses if none.")
    ] = "",
    location: LocationOption = None,
    timeout: TimeoutOption = 60.0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make a reference image of a kept query, of the landmark that its review has confirmed or of a new one.

    \b
    Examples:
      steeple queries review 20270131-120000123-x7kq2m4a --landmark big-ben
      steeple queries promote 20270131-120000123-x7kq2m4a --metadata source=review
      steeple queries promote 20270131-120000123-x7kq2m4a --create "Old Mill" --location 48.8867,2.3431
    """
    from steeple.client import Landmark

    if create is None and (landmark or location is not None):
        raise InvalidArgumentError("--landmark-id and --location are about a new landmark: give --create NAME as well")
    new = None
    if create is not None:
        place = None if location is None else read_location(location)
        new = Landmark(f"landmarks/{landmark_id(landmark)}" if landmark else "", create, location=place)
    output = Output(as_json=json)
    entries = read_metadata(metadata)
    with connect(server, timeout) as client:
        image = client.promote_query(
            query, image_id=image_id, metadata=entries, refuse_duplicates=refuse_duplicates, new_landmark=new
        )
    output.document(image.to_dict())
    for duplicate in image.duplicates:
        output.say(f"{duplicate.kind.value}, {duplicate.inliers} inliers: {duplicate.reference_image}", "yellow")
    output.say(f"added {image.name}, {image.feature_count} features")


@app.command("group")
def group_queries(
    filter: FilterOption = "",
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=200, help="Compare the newest N queries.")
    ] = 100,
    timeout: TimeoutOption = 60.0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Put kept queries together that seem to show the same, to review many at once.

    \b
    Examples:
      steeple queries group --filter 'outcome = unknown AND verdict = none'
      steeple queries group --json | jq -r '.groups[0].queries[].id'
    """
    output = Output(as_json=json)
    with connect(server, timeout) as client, output.steps() as step:
        found = client.group_kept_queries(filter=filter, max_queries=limit)
        while found.waiting:  # less with each call
            step("comparing queries", found.compared, found.compared + found.waiting)
            found = client.group_kept_queries(filter=filter, max_queries=limit)
    output.document(found.to_dict())
    output.table(
        (Column("queries", "right"), Column("shows"), Column("newest"), Column("ids")),
        [
            (
                str(len(group.queries)),
                group.landmark or "not known",
                describe_time(group.queries[0].create_time),
                " ".join(query.id for query in group.queries),
            )
            for group in found.groups
        ],
    )
    grouped = sum(len(group.queries) for group in found.groups)
    output.note(
        f"{grouped} of {found.compared} queries are alike others; {found.unusable} could not be compared; the filter "
        f"is true of {found.total_size:,}"
    )


@app.command("erase")
def erase_queries(
    queries: Annotated[list[str] | None, typer.Argument(metavar="[QUERY]...", help="Ids, as list prints them.")] = None,
    from_key: Annotated[
        str | None, typer.Option("--from-key", metavar="KEY_ID", help="All that came with this key.")
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="SPAN|TIME", help="All that are older: 7d, 2027-01-31.")
    ] = None,
    filter: FilterOption = "",
    everything: Annotated[bool, typer.Option("--all", help="All that there are.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Erase kept queries for good, from the server's disk. Reference images made of them stay.

    \b
    Examples:
      steeple queries erase 20270131-120000123-x7kq2m4a
      steeple queries erase --from-key mfzwizltoqqhg2ds
      steeple queries erase --before 7d --filter 'verdict = right'
      steeple queries erase --all
    """
    limits = [] if not filter else [f"({filter})"]
    if before is not None:
        limits.append(f'create_time < "{read_time(before, "--before", towards="past").isoformat()}"')
    if limits and from_key is not None:
        limits.append(f'key = "{from_key.removeprefix("keys/")}"')
    if sum(map(bool, (queries, limits or from_key, everything))) != 1:
        raise InvalidArgumentError("say what to erase: queries by id, or --from-key, --before and --filter, or --all")
    output = Output(as_json=json)
    with connect(server, 60.0) as client:
        erased = client.erase_queries(
            queries or (), key=None if limits else from_key, filter=" AND ".join(limits), everything=everything
        )
    output.document({"erased": erased})
    output.say(f"{erased:,} erased")


def _print(output: Output, query: KeptQuery) -> None:
    output.document(query.to_dict())
    output.facts(
        [
            ("name", query.name),
            ("origin", query.origin.value),
            ("answered" if query.feedback is None else "sent", describe_time(query.create_time)),
            ("kept until", describe_time(query.expire_time)),
            ("answer", "identified" if query.identified else "UNKNOWN"),
            ("kept", f"{query.content.value}, {query.size_bytes:,} bytes"),
            ("image", f"{query.width}x{query.height}, {query.feature_count} features of {query.model}"),
            ("who", query.key),
            ("request id", query.request_id),
            ("verdict", _describe_verdict(query).text),
            ("said by", f"{query.reviewer}, {describe_time(query.review_time)}" if query.reviewer else ""),
            ("became", query.reference_image),
            *_feedback_facts(query.feedback),
        ]
    )
    if query.candidates and not output.as_json:
        output.table(
            (Column("candidate"), Column("confidence", "right"), Column("inliers", "right"), Column("best reference")),
            [
                (one.landmark, f"{one.confidence:.3f}", f"{one.inliers}/{one.matches}", one.reference_image)
                for one in query.candidates
            ],
        )


def _feedback_facts(feedback: Feedback | None) -> list[tuple[str, str]]:
    if feedback is None:
        return []
    place = feedback.location
    return [
        ("said by who sent it", _describe_feedback(feedback).text if feedback.verdict.value != "none" else ""),
        ("was shown", feedback.shown_landmark or ("UNKNOWN" if feedback.verdict.value != "none" else "")),
        ("suggested name", feedback.suggested_name),
        ("note", feedback.note),
        ("taken at", "" if place is None else f"{place.latitude:.5f},{place.longitude:.5f}"),
    ]


def _describe_feedback(feedback: Feedback | None) -> Cell:
    if feedback is None:
        return Cell("")
    word = feedback.verdict.value
    if word == "none":
        return Cell(feedback.suggested_name)
    return Cell(feedback.landmark or word.replace("_", " "), _STYLES.get(word, ""))


def _describe_verdict(query: KeptQuery) -> Cell:
    word = query.verdict.value
    if word == "none":
        return Cell("")
    return Cell(query.landmark or word.replace("_", " "), _STYLES.get(word, ""))
