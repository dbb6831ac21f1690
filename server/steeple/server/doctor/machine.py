"""The machine: Python, packages, the TFLite runtime, model releases, FAISS and its device, the clock."""

from __future__ import annotations

import platform
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from steeple.server.doctor.findings import Finding, Status

_OLDEST: Final = (3, 11)
_EXTRAS: Final = ("client", "server")
_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+)(?:\[.*?\])?\s*(?P<limits>[^;]*?)\s*(?:;\s*(?P<marker>.*))?")
_LIMIT: Final = re.compile(r"(>=|<=|==|<|>)\s*([\w.]+)")
_ONE_MODULE: Final = (("faiss-cpu", "faiss-gpu"), ("opencv-python", "opencv-python-headless", "opencv-contrib-python"))
_EARLIEST: Final = datetime(2025, 1, 1, tzinfo=UTC)
_NVIDIA: Final = Path("/dev/nvidia0")


def python() -> Iterator[Finding]:
    """The interpreter."""
    version = platform.python_version()
    if sys.version_info[:2] < _OLDEST:
        yield Finding("python", Status.FAILED, f"Python {version}", "install Python 3.11 or newer")
    else:
        yield Finding("python", Status.OK, f"Python {version} on {platform.system()} {platform.machine()}")


def packages() -> Iterator[Finding]:
    """Whether what Steeple needs is there, in versions that it works with."""
    needed = [found for text in metadata.requires("steeple") or () if (found := _needed(text))]
    wrong = 0
    for name, limits in needed:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong += 1
            yield Finding("packages", Status.FAILED, f"{name} is not installed", f"pip install '{name}{limits}'")
            continue
        if not fits(version, limits):
            wrong += 1
            yield Finding(
                "packages", Status.FAILED, f"{name} is {version}; {limits} is needed", f"pip install '{name}{limits}'"
            )
    for names in _ONE_MODULE:
        there = [name for name in names if _is_there(name)]
        if len(there) > 1:
            wrong += 1
            yield Finding(
                "packages",
                Status.WARNING,
                f"{' and '.join(there)} are both installed and overwrite each other",
                f"pip uninstall {' '.join(there)}, then install one of them again",
            )
    if not wrong:
        told = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "opencv-python-headless", "grpcio"))
        yield Finding("packages", Status.OK, f"Steeple {metadata.version('steeple')}; {len(needed)} needed, {told}")


def fits(version: str, limits: str) -> bool:
    """Whether a version is within limits such as ``>=4.10,<5``."""
    found = _numbers(version)
    for operator, text in _LIMIT.findall(limits):
        limit = _numbers(text)
        length = max(len(found), len(limit))
        ours, theirs = (part + (0,) * (length - len(part)) for part in (found, limit))
        kept = {
            ">=": ours >= theirs,
            "<=": ours <= theirs,
            ">": ours > theirs,
            "<": ours < theirs,
            "==": ours == theirs,
        }
        if not kept[operator]:
            return False
    return True


def runtime() -> Iterator[Finding]:
    """Whether the TFLite runtime loads the default release and extracts with it."""
    import numpy as np  # noqa: PLC0415 - where it is missing, that is what is found

    from steeple.delf.extractor import Extractor  # noqa: PLC0415
    from steeple.delf.release import DEFAULT_RELEASE  # noqa: PLC0415

    squares = np.kron(np.random.default_rng(0).integers(0, 256, (16, 16, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    began = time.perf_counter()
    found = len(Extractor(DEFAULT_RELEASE).extract(squares))
    milliseconds = 1000 * (time.perf_counter() - began)
    modules = [name for name in ("ai_edge_litert", "tflite_runtime") if name in sys.modules]
    told = f"{modules[0] if modules else 'the runtime'} runs {DEFAULT_RELEASE}: {found} features of a test picture"
    if not found:
        yield Finding("tflite", Status.FAILED, told, "install Steeple and ai-edge-litert again")
    else:
        yield Finding("tflite", Status.OK, f"{told} in {milliseconds:.0f} ms, loading included")


def releases(model: str) -> Iterator[Finding]:
    """Whether the model releases are whole.

    Args:
        model: Name or folder of the one that the settings name.
    """
    from steeple.delf.release import ModelRelease, available_releases  # noqa: PLC0415
    from steeple.errors import NotFoundError, ReleaseError  # noqa: PLC0415

    whole = []
    for name in dict.fromkeys([*available_releases(), model]):
        try:
            ModelRelease.load(name)
        except ReleaseError as error:
            yield Finding("releases", Status.FAILED, error.message, "install Steeple again, or that release")
        except NotFoundError as error:
            yield Finding("releases", Status.FAILED, error.message, "set model to one of them")
        else:
            whole.append(name)
    if whole:
        yield Finding("releases", Status.OK, f"hashes are right: {', '.join(whole)}")


def faiss_and_device(device: str) -> Iterator[Finding]:
    """FAISS, and whether it sees the device that the settings name.

    Args:
        device: ``auto``, ``cpu`` or ``gpu``.
    """
    import faiss  # noqa: PLC0415

    from steeple.server.index import faiss_version  # noqa: PLC0415

    for_gpus = hasattr(faiss, "StandardGpuResources")
    count = int(faiss.get_num_gpus()) if for_gpus else 0
    told = f"FAISS {faiss_version()} for {'GPUs' if for_gpus else 'the processor'}"
    if count and device != "cpu":
        yield Finding("faiss", Status.OK, f"{told}; it sees {count} GPU{'s' if count > 1 else ''}")
    elif device == "gpu":
        remedy = (
            "install an NVIDIA driver for CUDA 12, or set device to auto or cpu"
            if for_gpus
            else "pip uninstall faiss-cpu, then pip install 'steeple[server,gpu]'; or set device to auto or cpu"
        )
        yield Finding("faiss", Status.FAILED, f"{told}; device gpu is set, and it sees none", remedy)
    elif _NVIDIA.exists() and not for_gpus and device == "auto":
        remedy = "to search on it: pip uninstall faiss-cpu, then pip install 'steeple[server,gpu]'"
        yield Finding("faiss", Status.WARNING, f"{told}; this machine has a GPU that it cannot use", remedy)
    else:
        yield Finding("faiss", Status.OK, f"{told}; the index is searched on the processor")


def clock(newest: datetime | None) -> Iterator[Finding]:
    """Whether the clock can be right.

    Args:
        newest: When the catalogue was last changed; None if that is not known.
    """
    now, remedy = datetime.now(UTC), "set the clock, and keep it with NTP (timedatectl set-ntp true)"
    if now < _EARLIEST:
        yield Finding("clock", Status.FAILED, f"it is {now:%Y-%m-%d}, before this version was made", remedy)
    elif newest is not None and newest > now:
        yield Finding("clock", Status.WARNING, f"it is {now:%F %T} UTC, but the catalogue was changed later", remedy)
    else:
        yield Finding("clock", Status.OK, f"{now:%F %T} UTC")


def _needed(text: str) -> tuple[str, str] | None:
    """Name and limits of a requirement of the package itself or of the extras that a server needs."""
    parts = _REQUIREMENT.fullmatch(text)
    if parts is None or parts["name"] == "steeple":
        return None
    extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", parts["marker"] or "")
    return (parts["name"], parts["limits"]) if extra is None or extra[1] in _EXTRAS else None


def _is_there(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))
