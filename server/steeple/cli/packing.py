"""Photos packed for an upload."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError, SteepleError

_MANIFESTS: Final = (".csv", ".jsonl", ".ndjson")


def is_manifest(path: Path) -> bool:
    """Whether a file is a manifest, by its name."""
    return path.suffix.lower() in _MANIFESTS


def files_of_folder(folder: Path) -> list[tuple[Path, str]]:
    """Photos, manifests and files of landmarks below a folder, with their names in it; hidden ones are passed over.

    Raises:
        InvalidArgumentError: If there is none.
    """
    from steeple.delf.photo_files import SUFFIXES
    from steeple.server.importing.layout import LANDMARK_FILE
    from steeple.server.importing.sources import is_hidden

    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        wanted = name.lower().endswith(SUFFIXES) or path.name == LANDMARK_FILE or is_manifest(path)
        if wanted and not is_hidden(name) and path.is_file():
            found.append((path, name))
    if not found:
        raise InvalidArgumentError(f"there is no photo ({', '.join(SUFFIXES)}) and no manifest below {folder}")
    return found


def files_of_manifest(manifest: Path) -> list[tuple[Path, str]]:
    """A manifest and the photos that it names, which lie beside it or below, with their names there.

    Photos that are not there are left out: the server tells of them, as of all else that is wrong with a line.

    Raises:
        InvalidArgumentError: If it is no manifest.
    """
    from steeple.server.importing.fields import Entry
    from steeple.server.importing.manifest import check_manifest, read_manifest
    from steeple.server.importing.sources import Names

    folder = manifest.parent
    try:
        data = manifest.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"{manifest} cannot be read: {error.strerror}") from error
    check_manifest(manifest.name, data)
    below = Names([path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()])
    found = {manifest.name: manifest}
    for line in read_manifest(manifest.name, data):
        if isinstance(line, Entry) and line.reference and line.photo:
            try:
                name = below.find(line.photo)
            except SteepleError:
                continue
            found[name] = folder / name
    return [(path, name) for name, path in found.items()]


@contextmanager
def packed(
    files: Sequence[tuple[Path, str]], advance: Callable[[str], object], *, name: str = "photos"
) -> Iterator[Path]:
    """A zip archive of files, in a temporary folder, which needs as much room as they do; photos do not get smaller.

    Args:
        files: With their names in the archive.
        advance: Told the name of each.
        name: Of the archive, without ``.zip``.

    Raises:
        InvalidArgumentError: If a file cannot be read, or the archive cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="steeple-upload-") as folder:
        archive = Path(folder) / f"{name}.zip"
        try:
            # Of times before 1980, which the format has not, 1980 is close enough.
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as target:
                for path, inside in files:
                    target.write(path, inside)
                    advance(inside)
        except OSError as error:
            raise InvalidArgumentError(
                f"the photos cannot be packed for the upload: {error.filename or archive}: {error.strerror}; it is "
                "done in a temporary folder, which TMPDIR chooses"
            ) from error
        yield archive
