"""``steeple benchmark console``: the console's pages over a large catalogue."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Cell, Column, Output

if TYPE_CHECKING:
    from collections.abc import Iterator

_FAILED: Final = 1
_NEXT: Final = re.compile(r'rel="next" href="([^"]+)"')
_DEEP: Final = 20  # pages into a list

PAGES: Final = (
    "/landmarks",
    "/landmarks?q=church",
    "/landmarks?q=saint+mary",
    "/landmarks?q=eloi",
    "/landmarks?filter=labels%3Achurch+reference_image_count+%3C+8",
    "/landmarks?order=display_name",
    "/landmarks?order=reference_image_count+desc",
    "/landmarks?order=create_time+desc",
    "/map",
    "/map?q=church",
    "/landmarks/new",
    "/landmarks/{largest}",
    "/landmarks/{largest}/edit",
    "/landmarks/{largest}/history",
    "/add",
    "/discover",
    "/try",
    "/review",
    "/health",
    "/operations",
    "/keys",
    "/people",
    "/audit",
)
"""What is opened; ``{largest}`` is the landmark with the most photos."""


@dataclass(frozen=True)
class MeasuredPage:
    """A page and how long it took to be made.

    Attributes:
        path: Of the page.
        median_ms: Of all runs, from request to the last byte.
        slowest_ms: Of all runs.
        bytes: Of the page.
    """

    path: str
    median_ms: float
    slowest_ms: float
    bytes: int


def console(
    landmarks: Annotated[int, typer.Option("--landmarks", metavar="N", min=1, help="In the catalogue.")] = 100_000,
    images: Annotated[int, typer.Option("--images", metavar="N", min=0, help="Reference images.")] = 1_000_000,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Of each page; the median counts.")] = 5,
    limit_ms: Annotated[float, typer.Option("--limit-ms", metavar="MS", min=1, help="That no page may take.")] = 300.0,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Data folder to keep and to use again.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Time the pages of the admin console over a catalogue of synthetic rows.

    The rows are those of `steeple benchmark catalogue`. Times are of the server: from request to the last byte of the
    page, on a connection that is there. Exits with 1 if the median of a page is more than the limit.

    \b
    Examples:
      steeple benchmark console
      steeple benchmark console --folder /var/tmp/large --json | jq '.pages[] | select(.median_ms > 100)'
    """
    from steeple.server.scale.catalogue_rows import CatalogueSize, fill_rows

    output = Output(as_json=json)
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steeple-benchmark-")))
        with output.steps() as progress:
            fill_rows(folder, CatalogueSize(landmarks, images), progress)
        pages = []
        for page in _measured(folder, runs):
            pages.append(page)
            output.note(f"{page.path}: {page.median_ms:.0f} ms")
    passed = all(page.median_ms <= limit_ms for page in pages)
    output.document(
        {
            "landmarks": landmarks,
            "images": images,
            "runs": runs,
            "limit_ms": limit_ms,
            "passed": passed,
            "pages": [asdict(page) for page in pages],
        }
    )
    output.table(
        (Column("page"), Column("median ms", "right"), Column("slowest ms", "right"), Column("kB", "right")),
        [
            (
                page.path,
                Cell(f"{page.median_ms:.0f}", "red" if page.median_ms > limit_ms else ""),
                f"{page.slowest_ms:.0f}",
                f"{page.bytes / 1000:.0f}",
            )
            for page in pages
        ],
    )
    slowest = max(pages, key=lambda page: page.median_ms)
    output.say(f"The slowest of {len(pages)} pages takes {slowest.median_ms:.0f} ms ({slowest.path})")
    if not passed:
        raise typer.Exit(_FAILED)


def _measured(folder: Path, runs: int) -> Iterator[MeasuredPage]:
    from steeple.cli.local_server import running_server
    from steeple.client import Client
    from steeple.server.scale.catalogue_rows import LARGEST

    log = folder / "benchmark-server.log"
    with running_server(folder, log, "--console-address", "127.0.0.1:0") as ready, Client(ready["address"]) as client:
        client.wait_until_ready()
        connection = HTTPConnection(urlsplit(ready["console"]).netloc, timeout=60)
        try:
            for path in PAGES:
                yield _timed(connection, path.format(largest=LARGEST), runs)
            deep = "/landmarks"
            for _ in range(_DEEP):
                following = _NEXT.search(_page(connection, deep).decode())
                if following is None:
                    return
                deep = following[1].replace("&amp;", "&")
            page = _timed(connection, deep, runs)
            yield MeasuredPage(f"/landmarks, page {_DEEP + 1}", page.median_ms, page.slowest_ms, page.bytes)
        finally:
            connection.close()


def _timed(connection: HTTPConnection, path: str, runs: int) -> MeasuredPage:
    times, size = [], 0
    for _ in range(runs):
        began = time.perf_counter()
        size = len(_page(connection, path))
        times.append(1000 * (time.perf_counter() - began))
    return MeasuredPage(path, statistics.median(times), max(times), size)


def _page(connection: HTTPConnection, path: str) -> bytes:
    from steeple.errors import InternalError

    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise InternalError(f"the console answered {response.status} to {path}", path=path)
    return body
