"""Folders that an index is saved in: files named by their content, and a manifest that says which of them count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from steeple.errors import SnapshotError
from steeple.server.durable import link_or_copy, write_file

_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 2


@dataclass(frozen=True)
class Part:
    """A file of a snapshot.

    Attributes:
        name: In the folder.
        sha256: Hexadecimal.
    """

    name: str
    sha256: str

    @staticmethod
    def of(facts: Mapping[str, Any]) -> Part:
        """From the manifest."""
        return Part(facts["name"], facts["sha256"])


class SnapshotFolder:
    """Where an index is saved. The manifest changes last and at once, so that a crash leaves the old or the new state.

    Args:
        path: The folder; made when something is saved.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether something was saved."""
        return (self.path / _MANIFEST).exists()

    def save(self, role: str, data: bytes | memoryview) -> Part:
        """Saves a file, unless it is there already and undamaged.

        Raises:
            OSError: If it cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        part = Part(f"{role}-{digest[:16]}", digest)
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._holds(part):
            write_file(self.path / part.name, data)
        return part

    def _holds(self, part: Part) -> bool:
        try:
            self.load(part)
        except SnapshotError:
            return False
        return True

    def adopt(self, file: Path, sha256: str) -> Part:
        """Takes a file that was written elsewhere, or here already, into the snapshot.

        Raises:
            OSError: If it cannot be copied.
        """
        target = self.path / file.name
        if not target.exists():
            link_or_copy(file, target)
        return Part(file.name, sha256)

    def load(self, part: Part) -> bytes:
        """A file's content.

        Raises:
            SnapshotError: If it is missing, truncated or corrupt.
        """
        file = self.path / part.name
        try:
            data = file.read_bytes()
        except OSError as error:
            raise SnapshotError(f"{file} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != part.sha256:
            raise SnapshotError(f"{file} is corrupt: its checksum does not match")
        return data

    def commit(self, facts: Mapping[str, Any], keep: Iterable[Part]) -> None:
        """Makes ``facts`` what the snapshot is, and removes all files but those to ``keep``.

        Raises:
            OSError: If they cannot be written.
        """
        content = json.dumps({"format": _FORMAT, **facts})
        sealed = {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()}
        self.path.mkdir(parents=True, exist_ok=True)
        write_file(self.path / _MANIFEST, json.dumps(sealed).encode())
        kept = {_MANIFEST, *(part.name for part in keep)}
        for file in self.path.iterdir():
            if file.is_file() and file.name not in kept:
                file.unlink()

    def facts(self, **wanted: str) -> dict[str, Any]:
        """What :meth:`commit` was told.

        Args:
            wanted: Facts that it must have, such as the model release.

        Raises:
            SnapshotError: If there is no snapshot, or it is damaged or another one.
        """
        file = self.path / _MANIFEST
        try:
            sealed = json.loads(file.read_text(encoding="utf-8"))
            content = sealed["content"]
            if hashlib.sha256(content.encode()).hexdigest() != sealed["sha256"]:
                raise SnapshotError(f"{file} is corrupt: its checksum does not match")
            facts: dict[str, Any] = json.loads(content)
        except OSError as error:
            raise SnapshotError(f"{file} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SnapshotError(f"{file} is not the manifest of an index: {error}") from error
        if facts.get("format") != _FORMAT:
            raise SnapshotError(f"{file} is of format {facts.get('format')}; this version reads {_FORMAT}")
        for name, value in wanted.items():
            if facts.get(name) != value:
                raise SnapshotError(f"{file} has {name} {facts.get(name)!r}; wanted {value!r}")
        return facts
