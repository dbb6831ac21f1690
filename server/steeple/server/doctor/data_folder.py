"""The data folder: whether it can be written, who uses it, its photos, and the saved index."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from steeple.errors import SnapshotError
from steeple.server.data_dir import LOCK
from steeple.server.doctor.findings import Finding, Status
from steeple.server.durable import errors_translated
from steeple.server.object_storage import is_url, open_storage
from steeple.server.snapshots import swap
from steeple.server.snapshots.places import SnapshotPlace

_LITTLE: Final = 1 << 30  # bytes
_TOO_LITTLE: Final = 64 << 20
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NAMED: Final = 3  # files in a message
_STALE: Final = timedelta(days=7)


def holder(path: Path) -> str | None:
    """Process id of the server that uses a data folder; None if none does. Takes the lock for no longer than a look."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(descriptor)
    return None


def folder(path: Path, held_by: str | None) -> Iterator[Finding]:
    """Whether a server can keep its data there."""
    if not path.is_dir():
        told = f"{path} is not there" if not path.exists() else f"{path} is not a folder"
        status = Status.FAILED if path.exists() else Status.WARNING
        yield Finding("data folder", status, told, "`steeple serve` makes it; or name another with --data-dir")
        return
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        remedy = f"chown or chmod it for the user that runs the server (this is user {os.getuid()})"
        yield Finding("data folder", Status.FAILED, f"{path} cannot be written", remedy)
    else:
        used = f"in use by process {held_by}" if held_by else "not in use"
        yield Finding("data folder", Status.OK, f"{path}, {used}")
    if (path / swap.JOURNAL).exists():
        told = "a snapshot was restored into it, and no server has opened it since"
        yield Finding("data folder", Status.WARNING, told, "start a server on it; until then, the old data is kept")
    free = shutil.disk_usage(path).free
    told = f"{free / 2**30:.1f} GiB free"
    if free < _LITTLE:
        status = Status.FAILED if free < _TOO_LITTLE else Status.WARNING
        yield Finding("disk", status, told, "free some space, or move the data folder to a larger disk")
    else:
        yield Finding("disk", Status.OK, told)


def photos(path: str, expected: Mapping[str, int], *, in_use: bool) -> Iterator[Finding]:
    """Whether the photos of all reference images are there, and no others.

    Args:
        path: Folder or URL of the photos.
        expected: Their sizes in bytes by SHA-256, as the catalogue has them.
        in_use: Whether a server may be adding or removing some just now.
    """
    there = _photos_in(path)
    missing = sorted(expected.keys() - there.keys())
    cut = sorted(name for name, size in expected.items() if name in there and there[name] != size)
    orphans = sorted(there.keys() - expected.keys())
    moving = "; a server runs and may be adding or removing just that: look again" if in_use else ""
    if missing:
        told = f"{len(missing)} of {len(expected)} are missing: {_some(missing)}{moving}"
        yield Finding(
            "photos", Status.FAILED, told, f"restore them into {path} from a backup; answers do not need them"
        )
    if cut:
        told = f"{len(cut)} have another size than when they were stored: {_some(cut)}"
        yield Finding(
            "photos", Status.FAILED, told, f"restore them into {path} from a backup; answers do not need them"
        )
    if orphans:
        size = sum(there[name] for name in orphans)
        told = f"{len(orphans)} belong to no image, {size / 2**20:.1f} MiB: {_some(orphans)}{moving}"
        yield Finding("photos", Status.WARNING, told, f"they do no harm; delete these files in {path} for their space")
    if not (missing or cut):
        yield Finding("photos", Status.OK, f"all {len(expected)} are there")


def _photos_in(path: str) -> dict[str, int]:
    """Sizes of the photos that there are, by SHA-256."""
    if not is_url(path):
        files = Path(path).glob("??/??/*")
        return {file.name: file.stat().st_size for file in files if _DIGEST.fullmatch(file.name)}
    with errors_translated("photos"):
        found = ((stored.path.rpartition("/")[2], stored.size) for stored in open_storage(path).list())
        return {name: size for name, size in found if _DIGEST.fullmatch(name)}


def snapshot(path: Path, model: str, sequence: int | None, *, in_use: bool) -> Iterator[Finding]:
    """Whether the next start can restore the saved index.

    Args:
        path: Folder of the indexes.
        model: Name or folder of the model release.
        sequence: Number of the catalogue's last change; None if that is not known.
        in_use: Whether a server may be saving it just now.
    """
    from steeple.delf.release import ModelRelease  # noqa: PLC0415 - where numpy is missing, other checks go on
    from steeple.server.index.faiss_index import FaissIndex  # noqa: PLC0415
    from steeple.server.index.snapshot import SnapshotFolder  # noqa: PLC0415

    release = ModelRelease.load(model)
    saved = path / release.name
    if not SnapshotFolder(saved).exists:
        yield Finding("index", Status.OK, f"none is saved for {release.name}; a server builds it from the catalogue")
        return
    try:
        index, has = FaissIndex.restore(saved, release)
    except SnapshotError as error:
        if in_use:
            yield Finding("index", Status.SKIPPED, f"a server runs and may be saving it ({error.message}): look again")
        else:
            remedy = "nothing: the next start builds it anew from the catalogue, which takes a while"
            yield Finding("index", Status.WARNING, error.message, remedy)
        return
    stats = index.stats()
    told = f"{stats.images:,} images, {stats.descriptors:,} descriptors, {stats.kind}, at change {has:,}"
    if sequence is None or in_use:
        yield Finding("index", Status.OK, told)
    elif has > sequence:
        remedy = "nothing, if the catalogue was restored from a backup: the next start builds the index anew"
        yield Finding("index", Status.WARNING, f"{told}, which is ahead of the catalogue's {sequence:,}", remedy)
    else:
        behind = f"; the next start adds {sequence - has:,} changes" if has < sequence else ", as the catalogue"
        yield Finding("index", Status.OK, told + behind)


def snapshots(place: SnapshotPlace) -> Iterator[Finding]:
    """Whether there is a snapshot of late.

    Args:
        place: Where snapshots are.
    """
    found = place.all()
    damaged = [snapshot for snapshot in found if snapshot.damage]
    times = [snapshot.create_time for snapshot in found if snapshot.create_time is not None]
    if damaged:
        yield Finding("snapshots", Status.WARNING, damaged[0].damage, f"steeple snapshots delete {damaged[0].id}")
    if not times:
        yield Finding("snapshots", Status.OK, "there is none; `steeple snapshots create` makes one")
        return
    age = datetime.now(UTC) - max(times)
    told = f"{len(times)}, the latest of {age.days} days ago" if age.days else f"{len(times)}, the latest of today"
    if age > _STALE:
        yield Finding(
            "snapshots", Status.WARNING, told, "make one with `steeple snapshots create`, and do so regularly"
        )
    else:
        yield Finding("snapshots", Status.OK, told)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(name[:12] for name in names[:_NAMED]) + more
