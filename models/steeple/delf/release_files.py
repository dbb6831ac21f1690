"""Changes what is known of a release only after its files are made: its calibration and its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steeple.delf.release import MANIFEST, Calibration, ModelRelease


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


def _rewritten(path: Path, manifest: Mapping[str, Any]) -> ModelRelease:
    aside = path / f".{MANIFEST}.new"
    aside.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    aside.replace(path / MANIFEST)
    return ModelRelease.load(path)
