"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli import completion
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import LatLng

DEFAULT_SERVER: Final = "localhost:50051"
DEFAULT_MODEL: Final = "delf-lite2-v1"
"""``steeple.delf.DEFAULT_RELEASE``, which --help must not import numpy for; a test holds them equal."""

DEFAULT_PACK_IMAGES: Final = 3
DEFAULT_PACK_FEATURES: Final = 1000
"""As the server and ``steeple.packs`` have them, for the same reason."""

ServerOption = Annotated[
    str,
    typer.Option(
        "--server", "-s", metavar="HOST:PORT", envvar="STEEPLE_SERVER", help="The Steeple server, or several: A:1,B:2."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw the figures as well, as a chart.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Give up on a call after this long.")
]
LandmarkArgument = Annotated[
    str,
    typer.Argument(
        metavar="LANDMARK",
        autocompletion=completion.landmarks,
        help="Id of the landmark, such as big-ben (or landmarks/big-ben).",
    ),
]
DeletedLandmarkArgument = Annotated[
    str,
    typer.Argument(
        metavar="LANDMARK",
        autocompletion=completion.deleted_landmarks,
        help="Id of the landmark, such as big-ben (or landmarks/big-ben).",
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most so many; 0: all.")]
NoWaitOption = Annotated[bool, typer.Option("--no-wait", help="Begin, and do not wait for the end.")]
EtagOption = Annotated[
    str, typer.Option("--etag", help="Refuse if it was changed since this etag (printed by show) was read.")
]
MetadataOption = Annotated[
    list[str] | None,
    typer.Option("--metadata", "-m", metavar="KEY=VALUE", help="Your own data, returned with answers; repeatable."),
]
LocationOption = Annotated[
    str | None, typer.Option("--location", metavar="LAT,LNG", help="WGS84 degrees, such as 48.8867,2.3431.")
]
AliasOption = Annotated[
    list[str] | None,
    typer.Option("--alias", metavar="LANG=NAME", help="Another name, by language, such as fr=NAME; repeatable."),
]
LabelOption = Annotated[
    list[str] | None, typer.Option("--label", metavar="WORD", help="Lower-case word for filters; repeatable.")
]
FilterOption = Annotated[
    str, typer.Option("--filter", metavar="FILTER", help="Only those that it is true of; see docs/server/catalogue.md.")
]
OrderOption = Annotated[
    str, typer.Option("--order-by", metavar="FIELDS", help='Such as "create_time desc, display_name"; default: by id.')
]
DeletedOption = Annotated[bool, typer.Option("--deleted", help="Those that are deleted too.")]

_LANDMARKS: Final = "landmarks/"
_IMAGES: Final = "/images/"


@dataclass(frozen=True)
class ImageName:
    """A reference image's resource name, taken apart.

    Attributes:
        landmark: Id of its landmark.
        image: Its id within the landmark.
    """

    landmark: str
    image: str

    def __str__(self) -> str:
        return f"{_LANDMARKS}{self.landmark}{_IMAGES}{self.image}"


def landmark_id(text: str) -> str:
    """The id in ``big-ben`` or ``landmarks/big-ben``."""
    return text.removeprefix(_LANDMARKS)


def image_name(text: str) -> ImageName:
    """A reference image's name, with or without the leading ``landmarks/``.

    Raises:
        InvalidArgumentError: If it is not of the form ``landmarks/{landmark}/images/{image}``.
    """
    landmark, found, image = landmark_id(text).partition(_IMAGES)
    if not (landmark and found and image):
        raise InvalidArgumentError(
            f"{text!r} does not name a reference image; it must read landmarks/LANDMARK/images/IMAGE, "
            "as `steeple images list LANDMARK` prints it"
        )
    return ImageName(landmark, image)


def read_location(text: str, option: str = "--location") -> LatLng:
    """``48.8867,2.3431``, given to an option, as a point.

    Raises:
        InvalidArgumentError: If it is not two numbers, or they are out of range.
    """
    from steeple.client import LatLng

    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidArgumentError(
            f"{option} must read LAT,LNG in degrees, such as 48.8867,2.3431, not {text!r}"
        ) from error
    if not (math.isfinite(latitude) and -90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InvalidArgumentError(
            f"{option} must be a latitude of -90 to 90 and a longitude of -180 to 180 degrees, not {text!r}"
        )
    return LatLng(latitude, longitude)


def read_metadata(pairs: Iterable[str] | None) -> dict[str, str]:
    """``["a=1", "b=2"]``, given to ``--metadata``, as a dictionary.

    Raises:
        InvalidArgumentError: If one is not of the form KEY=VALUE, or a key is given twice.
    """
    return read_pairs(pairs, "--metadata")


def read_pairs(pairs: Iterable[str] | None, option: str) -> dict[str, str]:
    """``["a=1", "b=2"]``, given to an option, as a dictionary.

    Raises:
        InvalidArgumentError: If one is not of the form KEY=VALUE, or a key is given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs or ():
        key, separator, value = pair.partition("=")
        if not (key and separator):
            raise InvalidArgumentError(f"{option} must read KEY=VALUE, not {pair!r}")
        if key in found:
            raise InvalidArgumentError(f"{option} {key} is given twice")
        found[key] = value
    return found


def read_aliases(pairs: Iterable[str] | None) -> dict[str, list[str]]:
    """``["fr=Tour Eiffel", "fr=La dame de fer"]`` as names by language.

    Raises:
        InvalidArgumentError: If one is not of the form LANG=NAME.
    """
    aliases: dict[str, list[str]] = {}
    for pair in pairs or ():
        language, found, name = pair.partition("=")
        if not (language and found and name):
            raise InvalidArgumentError(f"--alias must read LANG=NAME, such as fr=NAME, not {pair!r}")
        aliases.setdefault(language, []).append(name)
    return aliases
