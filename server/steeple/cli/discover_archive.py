"""Photos as an archive to upload."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from steeple.cli.output import Output
from steeple.cli.packing import packed
from steeple.delf.photo_files import some_photos_below
from steeple.errors import InvalidArgumentError


@contextmanager
def archive_of(photos: Path, output: Output) -> Iterator[Path]:
    """A ZIP archive as it is, or one of the photos anywhere below a folder, which is gone afterwards.

    Raises:
        InvalidArgumentError: If there is no such file, no photo below the folder, or the archive cannot be written.
    """
    if not photos.exists():
        raise InvalidArgumentError(f"there is no folder or archive {photos}")
    if not photos.is_dir():
        if not zipfile.is_zipfile(photos):
            raise InvalidArgumentError(f"{photos} is neither a folder nor a ZIP archive")
        yield photos
        return
    files = [(file, file.relative_to(photos).as_posix()) for file in some_photos_below(photos)]
    with ExitStack() as stack:
        with output.progress("packing", len(files)) as packing:
            archive = stack.enter_context(packed(files, packing.advance, name=photos.resolve().name or "photos"))
        yield archive
