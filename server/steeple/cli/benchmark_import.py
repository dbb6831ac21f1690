"""``steeple benchmark import``: what importing photos costs, beside extraction alone."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Column, Output
from steeple.errors import InvalidArgumentError


def import_(
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Photos, one folder a landmark or with a manifest.")
    ] = None,
    synthetic: Annotated[
        int, typer.Option("--synthetic", metavar="N", min=0, help="Instead: so many drawn at 640x480.")
    ] = 0,
    duplicates: Annotated[
        str, typer.Option("--duplicates", metavar="none|report|refuse", help="As of `steeple import`.")
    ] = "none",
    work: Annotated[
        Path | None, typer.Option("--work", metavar="DIR", help="For the catalogue; default: a temporary folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Import photos into a new catalogue on this machine, and measure extraction alone beside it.

    \b
    one at a time   decoding and extracting a photo on one thread, before and after the import
    on all cores    the same on as many threads as there are cores, a photo and thread
    ratio           seconds of the import / (photos x one extraction / cores)

    \b
    Examples:
      steeple benchmark import photos/
      steeple benchmark import --synthetic 1000 --json
    """
    from steeple.server.duplicates import DuplicatePolicy
    from steeple.server.scale.import_speed import measure_import, write_photos

    output = Output(as_json=json)
    if (folder is None) == (synthetic == 0):
        raise InvalidArgumentError("give a FOLDER of photos, or --synthetic N")
    if duplicates not in tuple(DuplicatePolicy):
        raise InvalidArgumentError(f"--duplicates must be one of {', '.join(DuplicatePolicy)}, not {duplicates!r}")
    with tempfile.TemporaryDirectory(prefix="steeple-benchmark-", dir=work) as made:
        photos = folder or Path(made) / "photos"
        if folder is None:
            output.note(f"drawing {synthetic} photos")
            write_photos(photos, synthetic)
        output.note("importing")
        speed = measure_import(photos.absolute(), Path(made), duplicates=duplicates, advance=lambda done, total: None)
    output.document({"duplicates": duplicates, **asdict(speed)})
    output.table(
        (Column("import"), Column("", "right")),
        [
            ("photos", str(speed.photos)),
            ("not imported", str(speed.failed)),
            ("cores", str(speed.cores)),
            ("seconds", f"{speed.seconds:.1f}"),
            ("photos a second", f"{speed.photos_per_second:.1f}"),
            ("extraction, one at a time, ms", f"{speed.extract_ms:.1f}"),
            ("extraction, on all cores, ms", f"{speed.extract_busy_ms:.1f}"),
            ("ratio to photos x one extraction / cores", f"{speed.ratio:.2f}"),
            ("  to extraction on all cores", f"{speed.busy_ratio:.2f}"),
            ("processor time of an extraction, ms", f"{speed.extract_cpu_ms:.1f}"),
            ("processor time of the import, ms a photo", f"{speed.import_cpu_ms:.1f}"),
            ("share of the time in commits", f"{speed.commit_seconds / speed.seconds:.0%}"),
        ],
    )
