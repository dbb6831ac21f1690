"""Photos as an archive to upload."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steeple.cli.output import Output
from steeple.delf.photo_files import some_photos_below
from steeple.errors import InvalidArgumentError


@contextmanager
def archive_of(photos: Path, output: Output) -> Iterator[Path]:
    """A ZIP archive as it is, or one of the photos anywhere below a folder, which is gone afterwards.

    Raises:
        InvalidArgumentError: If there is no such file, or no photo below the folder.
    """
    if not photos.exists():
        raise InvalidArgumentError(f"there is no folder or archive {photos}")
    if not photos.is_dir():
        if not zipfile.is_zipfile(photos):
            raise InvalidArgumentError(f"{photos} is neither a folder nor a ZIP archive")
        yield photos
        return
    files = some_photos_below(photos)
    with tempfile.TemporaryDirectory(prefix="steeple-discover-") as folder:
        path = Path(folder, f"{photos.resolve().name or 'photos'}.zip")
        try:
            # Photos are compressed already. Of times before 1980, which the format has not, 1980 is close enough.
            with (
                zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive,
                output.progress("packing", len(files)) as done,
            ):
                for file in files:
                    name = file.relative_to(photos).as_posix()
                    archive.write(file, name)
                    done.advance(name)
        except OSError as error:
            raise InvalidArgumentError(f"{photos} cannot be packed: {error.strerror}") from error
        yield path
