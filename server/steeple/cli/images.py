"""``steeple images``: the reference images of a landmark."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import (
    DEFAULT_SERVER,
    DeletedOption,
    EtagOption,
    FilterOption,
    JsonOption,
    LandmarkArgument,
    LocationOption,
    MetadataOption,
    OrderOption,
    ServerOption,
    TimeoutOption,
    image_name,
    landmark_id,
    read_location,
    read_metadata,
)
from steeple.cli.output import Column, Output, describe_metadata, describe_time, error_facts
from steeple.cli.photo_files import find_photos, suffix_of
from steeple.cli.writable import write_new
from steeple.errors import AlreadyExistsError, ImageError, InvalidArgumentError, ResourceExhaustedError, SteepleError

if TYPE_CHECKING:
    from steeple.client import Client, ReferenceImage

app = typer.Typer(no_args_is_help=True, help="The reference images that landmarks are recognised by.")

_PARTLY_FAILED = 1

ImageArgument = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        autocompletion=completion.images,
        help="landmarks/LANDMARK/images/IMAGE, as `images list` prints it.",
    ),
]


@app.command("add")
def add_images(
    landmark: LandmarkArgument,
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO|FOLDER", help="JPEG, PNG, WebP or BMP files, or folders of such."),
    ],
    metadata: MetadataOption = None,
    refuse_duplicates: Annotated[
        bool,
        typer.Option("--refuse-duplicates", help="Do not add photos that are there nearly so, or elsewhere."),
    ] = False,
    timeout: TimeoutOption = 60.0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> int:
    """Add photos to a landmark; each is searchable as soon as it is counted.

    A photo that cannot be used is reported and the rest goes on. Photos that the landmark has already (the same
    bytes) are skipped, so a run that was interrupted is resumed by the same command. Photos that look like one that is
    there, under this landmark or another, are added and named, or with --refuse-duplicates refused.

    \b
    Examples:
      steeple images add big-ben clock.jpg
      steeple images add big-ben photos/big-ben/ --metadata photographer=Ada
      steeple images add big-ben photos/big-ben/ --refuse-duplicates

    \b
    Exit code: 0 if every photo is in the catalogue now, 1 if one could not be added.
    """
    output = Output(as_json=json)
    entries = read_metadata(metadata)
    files = find_photos(photos)
    report = _Report(f"landmarks/{landmark_id(landmark)}")
    with connect(server, timeout) as client, output.progress("adding", len(files)) as done:
        known = {image.sha256 for image in client.list_reference_images(landmark_id(landmark)) if image.sha256}
        for file in files:
            try:
                _add(client, landmark_id(landmark), file, known, entries, report, refuse_duplicates)
            except (
                InvalidArgumentError,
                ResourceExhaustedError,
                AlreadyExistsError,
            ) as error:  # this photo's fault; the next may do
                report.failed.append((file, error))
                if not output.as_json:
                    output.error(error, photo=str(file))
            done.advance(file.name)
    output.document(report.to_dict())
    for file, image in report.added:
        for duplicate in image.duplicates:
            output.say(
                f"{file}: {duplicate.kind.value}, {duplicate.inliers} inliers: {duplicate.reference_image}", "yellow"
            )
    output.say(
        f"{len(report.added)} added, {len(report.skipped)} there already, {len(report.failed)} failed",
        "bold red" if report.failed else "bold green",
    )
    return _PARTLY_FAILED if report.failed else 0


class _Report:
    """What became of each photo."""

    def __init__(self, landmark: str) -> None:
        self.landmark = landmark
        self.added: list[tuple[Path, ReferenceImage]] = []
        self.skipped: list[Path] = []
        self.failed: list[tuple[Path, SteepleError]] = []

    def to_dict(self) -> dict[str, object]:
        return {
            "landmark": self.landmark,
            "added": [{"photo": str(file), **image.to_dict()} for file, image in self.added],
            "skipped": [str(file) for file in self.skipped],
            "failed": [{"photo": str(file), "error": error_facts(error)} for file, error in self.failed],
        }


def _add(
    client: Client,
    landmark: str,
    file: Path,
    known: set[str],
    metadata: dict[str, str],
    report: _Report,
    refuse_duplicates: bool,
) -> None:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest in known:
        report.skipped.append(file)
        return
    image = client.add_reference_image(landmark, data, metadata=metadata, refuse_duplicates=refuse_duplicates)
    report.added.append((file, image))
    known.add(digest)


@app.command("list")
def list_images(
    landmark: LandmarkArgument,
    filter_text: FilterOption = "",
    order_by: OrderOption = "",
    deleted: DeletedOption = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List the reference images of a landmark.

    \b
    Examples:
      steeple images list big-ben
      steeple images list big-ben --filter 'quality_grade < 3' --order-by identify_count
    """
    output = Output(as_json=json)
    with connect(server) as client:
        images = list(
            client.list_reference_images(
                landmark_id(landmark), filter=filter_text, order_by=order_by, show_deleted=deleted
            )
        )
    output.document([image.to_dict() for image in images])
    output.table(
        (
            Column("image"),
            Column("pixels", "right"),
            Column("features", "right"),
            Column("grade", "right"),
            Column("identified", "right"),
            Column("bytes", "right"),
            Column("SHA-256"),
            Column("state"),
        ),
        [
            (
                image.name,
                f"{image.width}x{image.height}",
                str(image.feature_count),
                "" if image.quality is None else str(image.quality.grade),
                str(image.identify_count),
                f"{image.size_bytes:,}" if image.size_bytes else "features only",
                image.sha256[:16],
                _describe_state(image),
            )
            for image in images
        ],
    )


@app.command("show")
def show_image(image: ImageArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show one reference image: its grade and why, where and when it was taken, how often it was found.

    \b
    Example:
      steeple images show landmarks/big-ben/images/x7kq2m
    """
    with connect(server) as client:
        _print(Output(as_json=json), client.get_reference_image(str(image_name(image))))


@app.command("update")
def update_image(
    image: ImageArgument,
    metadata: MetadataOption = None,
    no_metadata: Annotated[bool, typer.Option("--no-metadata", help="Remove all metadata.")] = False,
    location: LocationOption = None,
    no_location: Annotated[bool, typer.Option("--no-location", help="Where it was taken is not known.")] = False,
    taken: Annotated[
        str | None, typer.Option("--taken", metavar="TIME", help='When: 2024-05-01T12:30:00; "": not known.')
    ] = None,
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Change what is said about a reference image; --metadata replaces all there is.

    \b
    Examples:
      steeple images update landmarks/big-ben/images/x7kq2m --metadata photographer=Ada
      steeple images update landmarks/big-ben/images/x7kq2m --location 51.5007,-0.1246 --taken 2024-05-01T12:30:00
    """
    if no_location and location is not None:
        raise InvalidArgumentError("--location and --no-location exclude each other")
    if no_metadata and metadata:
        raise InvalidArgumentError("--metadata and --no-metadata exclude each other")
    changes: dict[str, Any] = {}
    if metadata or no_metadata:
        changes["metadata"] = read_metadata(metadata)
    if location is not None or no_location:
        changes["capture_location"] = None if location is None else read_location(location)
    if taken is not None:
        changes["capture_time"] = taken
    if not changes:
        raise InvalidArgumentError(
            "nothing to change: give --metadata, --location, --taken, --no-metadata or --no-location"
        )
    with connect(server) as client:
        _print(Output(as_json=json), client.update_reference_image(str(image_name(image)), etag=etag, **changes))


@app.command("delete")
def delete_images(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE", autocompletion=completion.images, help="As `images list` prints them."),
    ],
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Delete reference images.

    All of them (at most 100) or, if one is not there, none. They are kept for the server's retention period and can
    be undeleted until then.

    \b
    Examples:
      steeple images delete landmarks/big-ben/images/x7kq2m
      steeple images undelete landmarks/big-ben/images/x7kq2m
    """
    output = Output(as_json=json)
    names = [image_name(text) for text in images]
    if etag and len(names) > 1:
        raise InvalidArgumentError("--etag is of one reference image; give one IMAGE with it")
    with connect(server) as client:
        if len(names) == 1:
            client.delete_reference_image(str(names[0]), etag=etag)
        else:
            client.batch_delete_reference_images([str(name) for name in names])
    for name in names:
        output.say(f"deleted {name}")
    output.document({"deleted": [str(name) for name in names]})


@app.command("undelete")
def undelete_image(
    image: Annotated[
        str,
        typer.Argument(metavar="IMAGE", autocompletion=completion.deleted_images, help="As `images list` prints it."),
    ],
    etag: EtagOption = "",
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Bring a deleted reference image back; it is found again at once.

    \b
    Examples:
      steeple images list big-ben --deleted
      steeple images undelete landmarks/big-ben/images/x7kq2m
    """
    with connect(server) as client:
        _print(Output(as_json=json), client.undelete_reference_image(str(image_name(image)), etag=etag))


@app.command("download")
def download_image(
    image: ImageArgument,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; default: IMAGE.jpg and the like.")
    ] = None,
    thumbnail: Annotated[
        bool, typer.Option("--thumbnail", help="A JPEG of at most 256 pixels a side, without metadata, instead.")
    ] = False,
    original: Annotated[
        bool, typer.Option("--original", help="As it was uploaded, with its metadata; takes an editor's key.")
    ] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Download a reference image, without its metadata. An existing file is not overwritten.

    \b
    Examples:
      steeple images download landmarks/big-ben/images/x7kq2m -o clock.jpg
      steeple images download landmarks/big-ben/images/x7kq2m --thumbnail
      steeple images download landmarks/big-ben/images/x7kq2m --original
    """
    output = Output(as_json=json)
    name = image_name(image)
    if thumbnail and original:
        raise InvalidArgumentError("--thumbnail and --original exclude each other; give one")
    with connect(server, 60.0) as client:
        if thumbnail:
            photo = client.get_reference_image_thumbnail(str(name))
        else:
            photo = client.download_reference_image(str(name), original=original)
    path = file or Path(name.image + suffix_of(photo.media_type))
    write_new(path, photo.data)
    output.document({"image": str(name), "file": str(path), "bytes": len(photo.data), "media_type": photo.media_type})
    output.say(f"{path}: {len(photo.data):,} bytes")


def _print(output: Output, image: ReferenceImage) -> None:
    place, quality = image.capture_location, image.quality
    output.document(image.to_dict())
    output.facts(
        [
            ("image", image.name),
            ("model", image.model),
            ("pixels", f"{image.width}x{image.height}"),
            ("features", str(image.feature_count)),
            ("grade", "" if quality is None else f"{quality.grade} of 5"),
            ("because", "" if quality is None else "; ".join(quality.reasons)),
            ("taken", image.capture_time),
            ("taken at", "" if place is None else f"{place.latitude:.5f},{place.longitude:.5f}"),
            ("identified", str(image.identify_count)),
            ("photo", f"{image.size_bytes:,} bytes, {image.media_type}" if image.size_bytes else "features only"),
            ("SHA-256", image.sha256),
            ("metadata", describe_metadata(image.metadata)),
            ("state", _describe_state(image)),
            ("created", describe_time(image.create_time)),
            ("etag", image.etag),
        ]
    )


def _describe_state(image: ReferenceImage) -> str:
    if image.delete_time is not None:
        return f"deleted until {describe_time(image.expire_time)}"
    return image.state.value + (f": {image.state_reason}" if image.state_reason else "")
