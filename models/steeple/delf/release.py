"""Model releases: a network, its codebook and its calibration, named, hashed and immutable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from steeple.errors import NotFoundError, ReleaseError

DEFAULT_RELEASE: Final = "delf-lite2-v1"
FORMAT: Final = 1

MANIFEST: Final = "release.json"
NETWORK: Final = "model.tflite"
CODEBOOK: Final = "codebook.faiss"
WEIGHTS: Final = "weights.npz"
COMPACT: Final = "compact.npy"
MODEL_CARD: Final = "model-card.md"

_RELEASES: Final = Path(__file__).parent / "releases"


@dataclass(frozen=True)
class ExtractionParameters:
    """How features are extracted with a release.

    Attributes:
        pyramid_scales: Factors of the working size, one a pyramid level, largest first.
        stride: Input pixels between neighbouring cells of the network's output.
        max_pixels: An image of more pixels is shrunk to this many before extraction.
        max_features: Features kept, the best by attention score.
        score_threshold: Features of a lower attention score are dropped.
        min_pixels: An image of fewer pixels is enlarged to this many before extraction, or four times a side if
            that is less: a thumbnail has few cells, and cells show more of a scene than those of a photo do.
    """

    pyramid_scales: tuple[float, ...]
    stride: int
    max_pixels: int
    max_features: int
    score_threshold: float
    min_pixels: int = 0


@dataclass(frozen=True)
class IndexParameters:
    """How descriptors are indexed and searched with a release.

    Attributes:
        factory: FAISS factory string of the codebook.
        probes: Inverted lists visited per descriptor (FAISS: nprobe).
        neighbours: Nearest neighbours fetched per descriptor.
    """

    factory: str
    probes: int
    neighbours: int


@dataclass(frozen=True)
class VerificationParameters:
    """How candidates are verified with a release.

    Attributes:
        candidates: Reference images verified, those of most votes.
        finalists: Of those, how many of most inliers are matched again on exact descriptors.
        inlier_radius: Reprojection error of an inlier, at most, in pixels of the query at working size.
        iterations: RANSAC iterations, at most.
    """

    candidates: int
    finalists: int
    inlier_radius: float
    iterations: int


@dataclass(frozen=True)
class Calibration:
    """Logistic model of the probability that a candidate is right.

    ``confidence = 1 / (1 + exp(-(bias + sum(weight_i * evidence_i))))``.

    Attributes:
        bias: Intercept.
        weights: Coefficient per evidence name.
        threshold: Confidence from which the answer is IDENTIFIED.
    """

    bias: float
    weights: Mapping[str, float]
    threshold: float


@dataclass(frozen=True)
class ModelRelease:
    """One model release, checked.

    Attributes:
        name: Such as ``delf-lite2-v1``.
        path: Its folder.
        tflite_sha256: SHA-256 of its network, hex.
        manifest: All of ``release.json``.
    """

    name: str
    path: Path
    tflite_sha256: str
    extraction: ExtractionParameters
    index: IndexParameters
    verification: VerificationParameters
    calibration: Calibration
    manifest: Mapping[str, Any]

    @property
    def network_path(self) -> Path:
        """The .tflite file."""
        return self.path / NETWORK

    @property
    def codebook_path(self) -> Path:
        """An empty, trained FAISS index."""
        return self.path / CODEBOOK

    @property
    def compact_path(self) -> Path | None:
        """The compact codebook, float16[M, 256, 40] as ``numpy.save`` writes it; None if the release has none."""
        return self.path / COMPACT if COMPACT in self.manifest["files"] else None

    @staticmethod
    def load(name_or_path: str | Path = DEFAULT_RELEASE) -> ModelRelease:
        """A release by name (one that ships with Steeple) or by its folder; every file's hash is checked.

        Raises:
            NotFoundError: If there is no such release.
            ReleaseError: If a file is missing, altered or of an unknown format.
        """
        named = str(name_or_path) in available_releases()
        path = _RELEASES / name_or_path if named else Path(name_or_path)
        if not _is_file(path / MANIFEST):
            raise NotFoundError(
                f"no model release {str(name_or_path)[:200]!r}; those that ship with Steeple: "
                + ", ".join(available_releases()),
                resource=f"models/{str(name_or_path)[:200]}",
            )
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ReleaseError(f"{path / MANIFEST} is not JSON: {error}") from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ReleaseError(f"{path / MANIFEST} is not of release format {FORMAT}")
        try:
            _check_files(path, manifest["files"])
            return _from_manifest(path, manifest)
        except (KeyError, TypeError, ValueError) as error:
            raise ReleaseError(f"{path / MANIFEST} lacks or misstates {error}") from error


def available_releases() -> list[str]:
    """Names of the releases that ship with Steeple, sorted."""
    return sorted(entry.parent.name for entry in _RELEASES.glob(f"*/{MANIFEST}"))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no system has a file of such a name, or nobody may look
        return False


def _check_files(path: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    for name in (NETWORK, CODEBOOK):
        if name not in files:
            raise ReleaseError(f"{path / MANIFEST} does not list {name}")
    for name, facts in files.items():
        try:
            digest = hashlib.sha256((path / name).read_bytes()).hexdigest()
        except OSError as error:
            raise ReleaseError(f"model release {path.name}: {name} cannot be read: {error.strerror}") from error
        if digest != facts["sha256"]:
            raise ReleaseError(f"model release {path.name}: {name} was altered; install Steeple again")


def _from_manifest(path: Path, manifest: Mapping[str, Any]) -> ModelRelease:
    extraction = dict(manifest["extraction"])
    extraction["pyramid_scales"] = tuple(extraction["pyramid_scales"])
    return ModelRelease(
        name=manifest["name"],
        path=path,
        tflite_sha256=manifest["files"][NETWORK]["sha256"],
        extraction=ExtractionParameters(**extraction),
        index=IndexParameters(**manifest["index"]),
        verification=VerificationParameters(**manifest["verification"]),
        calibration=Calibration(**manifest["calibration"]),
        manifest=manifest,
    )
