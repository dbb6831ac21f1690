"""Files with what a target is given, in a folder that is thrown away at the end."""

from __future__ import annotations

import tempfile
from pathlib import Path

_FOLDER = tempfile.TemporaryDirectory(prefix="steeple-fuzz-files-")


def written(data: bytes, name: str) -> Path:
    """A file of that name with that content, until the next one of that name."""
    path = Path(_FOLDER.name, name)
    path.write_bytes(data)
    return path


def folder() -> Path:
    """Where they are."""
    return Path(_FOLDER.name)
