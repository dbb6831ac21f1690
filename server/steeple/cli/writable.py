"""Files that a command is to write: checked before the work, written after it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError

CHARTS: Final = (".svg",)
"""Suffixes of the files that charts are drawn into."""


def check_writable(path: Path, option: str, formats: Collection[str]) -> None:
    """Sees to it that a file can be saved, so that this is found before the work rather than after it.

    Args:
        path: Of the file; folders above it are made.
        option: That it was given with.
        formats: Suffixes that it may have, in lower case.

    Raises:
        InvalidArgumentError: If it has another suffix, or cannot be written.
    """
    if path.suffix.lower() not in formats:
        raise InvalidArgumentError(f"{option} must name a file that ends in {', '.join(formats)}, not {str(path)!r}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        path.open("ab").close()  # appends nothing: what is there stays until the new file is done
        if not there:
            path.unlink()
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be written: {error.strerror}; choose another {option}") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file.

    Raises:
        InvalidArgumentError: If it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be written: {error.strerror}") from error


def write_new(path: Path, data: bytes) -> None:
    """Writes a file that is not there yet.

    Raises:
        InvalidArgumentError: If it is, or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise InvalidArgumentError(f"{path} exists; delete it, or choose another with --output") from error
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be written: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Writes a file in UTF-8.

    Raises:
        InvalidArgumentError: If it cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))
