"""What is asked for when photos are imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from steeple.server.duplicates import DuplicatePolicy


class OnExisting(StrEnum):
    """What becomes of a landmark that is there already; photos are added to it unless the import fails."""

    SKIP = "skip"
    """It stays as it is."""
    UPDATE = "update"
    """The fields that are given are set."""
    FAIL = "fail"
    """The import fails before it has changed anything."""


@dataclass(frozen=True)
class ImportOptions:
    """What is imported, and how.

    Attributes:
        upload: Id of the upload that holds it; empty: it is a folder.
        folder: Within the server's ``import_dir``, ``/`` between its parts; ``.`` for all of it.
        manifest: Name of the manifest in it; empty: ``manifest.csv`` or ``manifest.jsonl``, or one folder a landmark.
        validate_only: Whether only to say what would be done.
        on_existing: What becomes of landmarks that are there already.
        duplicates: What becomes of photos that have duplicates.
    """

    upload: str = ""
    folder: str = ""
    manifest: str = ""
    validate_only: bool = False
    on_existing: OnExisting = OnExisting.SKIP
    duplicates: DuplicatePolicy = DuplicatePolicy.NONE

    def to_json(self) -> dict[str, Any]:
        """As the arguments of an operation."""
        return {name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(self).items()}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> ImportOptions:
        """What :meth:`to_json` made."""
        known = dict(fields)
        known["on_existing"] = OnExisting(known["on_existing"])
        known["duplicates"] = DuplicatePolicy(known["duplicates"])
        return ImportOptions(**known)
