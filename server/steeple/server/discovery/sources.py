"""The photos of a discovery, among files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from steeple.delf.photo_files import SUFFIXES
from steeple.errors import InvalidArgumentError
from steeple.server.importing.sources import Source


def photo_names(files: Source) -> Sequence[str]:
    """Names of the photos among files, as their endings say, sorted.

    Raises:
        InvalidArgumentError: If there is none.
    """
    names = [name for name in files.names() if PurePosixPath(name).suffix.lower() in SUFFIXES]
    if not names:
        raise InvalidArgumentError(f"there is no photo ({', '.join(SUFFIXES)}) among the files", field="source")
    return names
