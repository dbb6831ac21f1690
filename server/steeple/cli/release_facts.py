"""What a person wants to know of a release that was made or checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steeple.cli.output import Output

if TYPE_CHECKING:
    from steeple.delf import ModelRelease


def print_release(output: Output, release: ModelRelease) -> None:
    """Prints where a release is, its files and its threshold."""
    files = release.manifest["files"]
    output.document(
        {
            "release": release.name,
            "path": str(release.path),
            "files": files,
            "index": release.index.factory,
            "calibration": release.manifest["calibration"],
        }
    )
    output.facts(
        [
            ("release", release.name),
            ("folder", str(release.path)),
            *((name, f"{facts['bytes']:,} bytes, SHA-256 {facts['sha256']}") for name, facts in files.items()),
            ("index", release.index.factory),
            ("identified from", f"confidence {release.calibration.threshold:.3f}"),
        ]
    )
