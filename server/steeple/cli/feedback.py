"""``steeple feedback``: what people who point the camera have to say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption, TimeoutOption, landmark_id, read_location
from steeple.cli.output import Output
from steeple.errors import InvalidArgumentError

app = typer.Typer(
    no_args_is_help=True, help="Say whether an answer was right, or propose a photo. It waits for steeple queries."
)

PhotoArgument = Annotated[Path, typer.Argument(metavar="PHOTO", help="A JPEG, PNG, WebP or BMP file.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Whatever else there is to say.")]
PlaceOption = Annotated[
    str | None, typer.Option("--at", metavar="LAT,LNG", help="Where it was taken. The server keeps it.")
]


@app.command("send")
def send(
    photo: PhotoArgument,
    right: Annotated[bool, typer.Option("--right", help="The answer is right; it may have been UNKNOWN.")] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="It is wrong, and you do not know what it shows.")] = False,
    landmark: Annotated[
        str | None,
        typer.Option(
            "--landmark", metavar="LANDMARK", autocompletion=completion.landmarks, help="It shows this landmark."
        ),
    ] = None,
    not_landmark: Annotated[bool, typer.Option("--not-landmark", help="It shows no landmark at all.")] = False,
    shown: Annotated[
        str | None, typer.Option("--shown", metavar="LANDMARK", help="What the answer was; UNKNOWN if none is given.")
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What people call it.")] = "",
    note: NoteOption = "",
    at: PlaceOption = None,
    upload: Annotated[
        bool, typer.Option("--upload", help="Send the photo itself, for others to look at, not only its features.")
    ] = False,
    timeout: TimeoutOption = 10.0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Say whether the answer to a photo was right, and what it shows.

    Only features of the photo are sent unless you say --upload. The server keeps them, for somebody to review, and
    changes nothing by itself.

    \b
    Examples:
      steeple feedback send photo.jpg --right --shown big-ben
      steeple feedback send photo.jpg --landmark tower-bridge --shown big-ben --note "from the other bank"
    """
    given = {"right": right, "wrong": wrong, "landmark": landmark is not None, "not_landmark": not_landmark}
    verdicts = [verdict for verdict, said in given.items() if said]
    if len(verdicts) != 1:
        raise InvalidArgumentError("say one of --right, --wrong, --landmark LANDMARK and --not-landmark")
    place = None if at is None else read_location(at, "--at")
    with connect(server, timeout) as client:
        query = client.send_feedback(
            photo,
            verdicts[0],
            landmark=None if landmark is None else landmark_id(landmark),
            shown=None if shown is None else landmark_id(shown),
            suggested_name=name,
            note=note,
            location=place,
            upload=upload,
        )
    _print(Output(as_json=json), query)


@app.command("propose")
def propose(
    photo: PhotoArgument,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What people call what it shows.")],
    note: NoteOption = "",
    at: PlaceOption = None,
    timeout: TimeoutOption = 60.0,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Propose a photo for the catalogue.

    The photo is sent. The server keeps it without its metadata, for somebody to review.

    \b
    Example:
      steeple feedback propose photo.jpg --name "Old Mill" --at 48.8867,2.3431 --note "the one by the river"
    """
    place = None if at is None else read_location(at, "--at")
    with connect(server, timeout) as client:
        query = client.propose_photo(photo, name, note=note, location=place)
    _print(Output(as_json=json), query)


def _print(output: Output, query: str) -> None:
    output.document({"query": query})
    output.say(f"sent: {query}")
