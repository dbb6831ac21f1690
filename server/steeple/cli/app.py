"""``steeple app``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli.options import read_location
from steeple.errors import InvalidArgumentError, UnavailableError

if TYPE_CHECKING:
    from steeple.app.device import Camera

_SIZE = re.compile(r"([0-9]{2,4})x([0-9]{2,4})")


def app(
    video: Annotated[
        Path | None, typer.Option("--video", metavar="FILE", help="Play a video, again and again, as the camera.")
    ] = None,
    webcam: Annotated[int, typer.Option("--webcam", metavar="N", min=0, help="Which webcam; 0 is the first.")] = 0,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Where the app keeps its data. [~/.local/share/steeple-app]"),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="LAT,LNG", help="Where this computer stands, in WGS84 degrees.")
    ] = None,
    size: Annotated[
        str, typer.Option("--size", metavar="WIDTHxHEIGHT", help="Of the window, pixels; the default is a phone's.")
    ] = "412x915",
) -> None:
    """Point a camera at a landmark: the app for phones, in a window of this computer.

    Server, key and everything else are set in the app. Photos dropped onto the window are looked at too.

    \b
    Examples:
      steeple app
      steeple app --video walk.mp4 --at 51.5007,-0.1246
      steeple app --size 1280x800 --folder /tmp/trial

    \b
    Needs Kivy (pip install 'steeple[app]') and a display with OpenGL.
    """
    width_and_height = _SIZE.fullmatch(size)
    if width_and_height is None:
        raise InvalidArgumentError(f"--size is WIDTHxHEIGHT, such as 412x915, not {size!r}")
    place = None if at is None else read_location(at, "--at")

    from steeple.app.device import Place
    from steeple.app.ui.desktop import DesktopDevice
    from steeple.app.ui.start import make

    device = DesktopDevice(
        folder,
        camera=_camera(video, webcam),
        place=None if place is None else Place(place.latitude, place.longitude),
    )
    make(device, size=(int(width_and_height[1]), int(width_and_height[2]))).run()


def _camera(video: Path | None, webcam: int) -> Camera | None:
    from steeple.app.video import Video, VideoCamera

    source = Video(webcam if video is None else video)
    try:
        source.check()
    except UnavailableError:
        if video is not None:
            raise
        return None  # the app says so, and takes photos of files
    return VideoCamera(source)
