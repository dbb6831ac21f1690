"""``steeple model compact``: gives a model release the codebook that short queries take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Output
from steeple.cli.release_facts import print_release
from steeple.cli.stages import staged
from steeple.errors import InvalidArgumentError


def compact(
    release: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a release that is not published yet.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Photos to train it on: those that the release was made of.")
    ],
    json: JsonOption = False,
) -> None:
    """Train the compact codebook of a release anew, or its first; all else in the release stays.

    `steeple model export` makes one by itself. This is for releases that were made without. Takes minutes on one
    thread; the same photos make the same bytes.

    \b
    Example:
      steeple model compact releases/delf-mine --data photos/
      steeple identify photo.jpg --max-bytes 4096     # what it is for
    """
    from steeple.delf import Extractor, ModelRelease, photo_files
    from steeple.delf.export import compact as training
    from steeple.delf.export.described import CODEBOOK_PHOTOS, describe
    from steeple.delf.release_files import set_compact_codebook

    output = Output(as_json=json)
    if not release.is_dir():
        raise InvalidArgumentError(f"{release} is no folder; a release that ships with Steeple is not changed")
    extractor = Extractor(ModelRelease.load(release))
    photos = photo_files.evenly(photo_files.some_photos_below(data), CODEBOOK_PHOTOS)
    with staged(output) as progress:
        descriptors = describe(extractor, photos, progress)
        progress("codebook", 0, 1)
        codebook = training.train(descriptors)
        progress("codebook", 1, 1)
    facts = {"photos": len(photos), "sha256": photo_files.digest(photos), "descriptors": len(descriptors)}
    print_release(output, set_compact_codebook(release, codebook, facts))
