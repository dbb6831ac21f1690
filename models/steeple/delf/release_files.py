"""Changes to a release in the making: what is known only after its other files are there. What was published stays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steeple.delf.release import COMPACT, MANIFEST, Calibration, ModelRelease


def set_calibration(path: Path, calibration: Calibration, provenance: Mapping[str, Any]) -> ModelRelease:
    """Writes a calibration into a release's ``release.json`` and leaves all else as it is.

    For a release in the making: one that was published is never changed.

    Args:
        path: The release's folder.
        calibration: The new one.
        provenance: What it was fitted on; stands in ``release.json`` as ``provenance.calibration``.

    Returns:
        The release, loaded again.

    Raises:
        NotFoundError: If there is no release.
        ReleaseError: If a file is missing, altered or of an unknown format.
    """
    manifest = dict(ModelRelease.load(path).manifest)
    manifest["calibration"] = asdict(calibration)
    manifest["provenance"] = {**manifest.get("provenance", {}), "calibration": dict(provenance)}
    return _rewritten(path, manifest)


def set_figures(path: Path, figures: Mapping[str, Any]) -> ModelRelease:
    """Writes what a release was measured at into its ``release.json``, as ``figures``, and leaves all else as it is.

    Args:
        path: The release's folder.
        figures: JSON values by name.

    Returns:
        The release, loaded again.

    Raises:
        NotFoundError: If there is no release.
        ReleaseError: If a file is missing, altered or of an unknown format.
    """
    return _rewritten(path, {**ModelRelease.load(path).manifest, "figures": dict(figures)})


def set_compact_codebook(path: Path, codebook: bytes, provenance: Mapping[str, Any]) -> ModelRelease:
    """Gives a release another compact codebook, or its first.

    Args:
        path: The release's folder.
        codebook: From :func:`steeple.delf.export.compact.train`.
        provenance: What it was trained on; stands in ``release.json`` as ``provenance.compact_codebook``.

    Returns:
        The release, loaded again.

    Raises:
        NotFoundError: If there is no release.
        ReleaseError: If a file is missing, altered or of an unknown format.
    """
    manifest = dict(ModelRelease.load(path).manifest)
    (path / COMPACT).write_bytes(codebook)
    manifest["files"] = {**manifest["files"], COMPACT: file_facts(path / COMPACT)}
    manifest["provenance"] = {**manifest.get("provenance", {}), "compact_codebook": dict(provenance)}
    return _rewritten(path, manifest)


def file_facts(path: Path) -> dict[str, Any]:
    """What ``release.json`` says of a file: its bytes and its SHA-256."""
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _rewritten(path: Path, manifest: Mapping[str, Any]) -> ModelRelease:
    aside = path / f".{MANIFEST}.new"
    aside.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    aside.replace(path / MANIFEST)
    return ModelRelease.load(path)
