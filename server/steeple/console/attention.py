"""What about a server needs somebody's attention, in words, with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from steeple.client import (
    Calibration,
    Key,
    Operation,
    ServerInfo,
    Snapshot,
    Storage,
    StorageKind,
    Traffic,
    UpkeepActivity,
)
from steeple.console.links import deed
from steeple.console.rendering import ending, number, percent, seconds, size

_LITTLE_ROOM: Final = 0.10
_NO_ROOM: Final = 0.03
_LEAST_ROOM: Final = 2_000_000_000
_DEAD: Final = 0.3
_BEHIND: Final = 100
_SLOW_MILLISECONDS: Final = 2000.0
_REFUSED: Final = 0.05
_FAILED: Final = 0.01
_OLD: Final = timedelta(days=7)
_SOON: Final = timedelta(days=14)
_ECE: Final = 0.05
_SEARCH: Final = "VisualSearchService/Identify"


@dataclass(frozen=True)
class Matter:
    """Something that needs attention.

    Attributes:
        kind: ``bad``: now; ``warn``: soon; ``on``: it is only good to know.
        title: What.
        text: What it means, and what to do.
        path: Of the page where that is done; empty: it is done elsewhere.
        link: Words of the way there.
    """

    kind: str
    title: str
    text: str
    path: str = ""
    link: str = ""


@dataclass(frozen=True)
class Observed:
    """A server as it is.

    Attributes:
        info: What it tells of itself.
        traffic: Of the last hour or so.
        storage: What it keeps; None: not measured yet.
        calibrations: Of the model releases that serve.
        failed: Operations that failed, the latest first.
        snapshots: All, the latest first; None: not for whoever looks.
        keys: Likewise.
        encrypted: Whether browsers reach the console through TLS, or from its own machine.
        now: The time.
    """

    info: ServerInfo
    traffic: Traffic
    storage: Storage | None
    calibrations: Sequence[Calibration]
    failed: Sequence[Operation]
    snapshots: Sequence[Snapshot] | None
    keys: Sequence[Key] | None
    encrypted: bool
    now: datetime


def matters(seen: Observed) -> list[Matter]:
    """What needs attention, the most urgent first."""
    found = [
        *_rooms(seen),
        *_calls(seen),
        *_index(seen),
        *_confidence(seen),
        *_snapshots(seen),
        *_operations(seen),
        *_access(seen),
    ]
    return sorted(found, key=lambda matter: ("bad", "warn", "on").index(matter.kind))


def _rooms(seen: Observed) -> Iterator[Matter]:
    if seen.storage is None:
        return
    for disk in seen.storage.disks:
        share = disk.free_bytes / disk.total_bytes if disk.total_bytes else 1.0
        if share < _LITTLE_ROOM or disk.free_bytes < _LEAST_ROOM:
            urgent = share < _NO_ROOM or disk.free_bytes < _LEAST_ROOM / 4
            what = ", ".join(kind.value for kind in disk.kinds)
            yield Matter(
                "bad" if urgent else "warn",
                "The disk is nearly full",
                f"{size(disk.free_bytes)} of {size(disk.total_bytes)} are free where it keeps {what}. Without room, "
                "nothing can be added, and changes are refused. Delete old snapshots, or give it a larger disk.",
                "#storage",
                "See what takes the room",
            )
    if any(part.partial for part in seen.storage.parts):
        yield Matter(
            "on",
            "Not everything could be measured",
            "Some folders could not be looked at, so there may be more in them than this page says.",
        )


def _calls(seen: Observed) -> Iterator[Matter]:
    calls = seen.traffic.calls
    errors = sum(method.errors for method in seen.traffic.methods)
    refusals = sum(method.refusals for method in seen.traffic.methods)
    if errors:
        worst = max(seen.traffic.methods, key=lambda method: method.errors)
        yield Matter(
            "bad" if errors > _FAILED * calls else "warn",
            f"{ending(errors, 'call')} failed for a reason of the server",
            f"Most of them were “{deed(worst.method)}”. The server's log says why, by their request ids.",
        )
    if calls >= 20 and refusals > _REFUSED * calls:
        yield Matter(
            "warn",
            f"{percent(refusals / calls)} of the calls were refused",
            "They came with no key or one that may not, or more came at once than the server takes. The table of calls "
            "says which.",
            "#methods",
            "See the calls",
        )
    for method in seen.traffic.methods:
        if method.method == _SEARCH and method.latency is not None and method.latency.p90 > _SLOW_MILLISECONDS:
            yield Matter(
                "warn",
                "Queries take long",
                f"One of ten took {seconds(method.latency.p90 / 1000)} or more. The stages below say where the time "
                "goes; a larger index, fewer workers than cores, or a busy machine are the usual reasons.",
                "#stages",
                "See the stages",
            )


def _index(seen: Observed) -> Iterator[Matter]:
    index, upkeep = seen.info.index, seen.info.upkeep
    if not index.images:
        yield Matter("on", "Nothing can be found yet", "The catalogue has no photos.", "/add", "Add imagery")
    if upkeep.activity is UpkeepActivity.REBUILDING:
        done = (
            f"{number(upkeep.images_done)} of {number(upkeep.images_total)} photos are in it."
            if upkeep.images_done
            else ""
        )
        yield Matter(
            "on",
            "A new index is being made",
            f"Queries and changes go on meanwhile. {done}".strip(),
            "#index",
            "See it",
        )
    elif index.changes_behind > _BEHIND:
        yield Matter(
            "warn",
            "The index is behind the catalogue",
            f"{number(index.changes_behind)} changes cannot be found yet. If that stays so, read the server's log.",
        )
    elif index.dead_share > _DEAD:
        yield Matter(
            "on",
            "The index holds what was deleted",
            f"{percent(index.dead_share)} of it is of photos that are gone. They are never an answer, but take time "
            "and memory until it is made anew.",
        )
    if upkeep.waiting_for:
        yield Matter("on", "The index is not yet as it is set", f"It waits for: {upkeep.waiting_for}.")


def _confidence(seen: Observed) -> Iterator[Matter]:
    for calibration in seen.calibrations:
        measured, model = calibration.reliability, calibration.model.removeprefix("models/")
        if measured is None:
            yield Matter(
                "on",
                f"How far {model} keeps its promises is not known",
                "Its calibration has no record of that. `steeple calibrate` makes one from photos of your own.",
            )
        elif measured.ece is not None and measured.ece > _ECE:
            yield Matter(
                "warn",
                f"The confidence of {model} is off by {percent(measured.ece)} on average",
                "Fit it to photos of your own with `steeple calibrate`.",
                "#models",
                "See the diagram",
            )


def _snapshots(seen: Observed) -> Iterator[Matter]:
    if seen.snapshots is None:
        return
    damaged = [snapshot for snapshot in seen.snapshots if snapshot.damage]
    times = [snapshot.create_time for snapshot in seen.snapshots if snapshot.create_time is not None]
    if damaged:
        yield Matter(
            "bad",
            f"{ending(len(damaged), 'snapshot')} cannot be read",
            f"{damaged[0].id}: {damaged[0].damage} Delete it, and make a new one.",
            "#snapshots",
            "To the snapshots",
        )
    if not times and seen.info.index.images:
        yield Matter(
            "warn",
            "There is no snapshot",
            "If the disk is lost, so is the catalogue.",
            "#snapshots",
            "Make one",
        )
    elif times and seen.now - max(times) > _OLD:
        yield Matter(
            "warn",
            f"The latest snapshot is {(seen.now - max(times)).days} days old",
            "What was changed since would be lost with the disk.",
            "#snapshots",
            "Make one",
        )
    if times and seen.storage is not None:
        for disk in seen.storage.disks:
            if {StorageKind.SNAPSHOTS, StorageKind.DATABASE} <= set(disk.kinds):
                yield Matter(
                    "on",
                    "Snapshots lie on the same disk as the catalogue",
                    "They help against mistakes, not against a broken disk. Copy them elsewhere, or set "
                    "`snapshots_dir` to another disk.",
                )


def _operations(seen: Observed) -> Iterator[Matter]:
    late = [each for each in seen.failed if seen.now - (each.end_time or each.update_time) < _OLD]
    if late:
        first = late[0]
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        yield Matter(
            "warn",
            f"“{deed(first.method)}”{more} failed in the last days",
            f"{first.error_message[:300]} It can be resumed, or forgotten.",
            f"/operations/{first.id}" if len(late) == 1 else "/operations?state=failed",
            "See why",
        )


def _access(seen: Observed) -> Iterator[Matter]:
    if not seen.encrypted:
        yield Matter(
            "bad",
            "This console is not encrypted",
            "Who is on the way to it can read passwords and keys, and act as whoever signs in. Set `tls_certificate` "
            "and `tls_key`, or put something before it that talks TLS, and set `console_behind_tls`.",
        )
    ending_soon = [
        key
        for key in seen.keys or ()
        if key.revoke_time is None
        and not key.successor
        and key.expire_time is not None
        and seen.now < key.expire_time < seen.now + _SOON
    ]
    if ending_soon:
        first = min(ending_soon, key=lambda key: key.expire_time or seen.now)
        days = (first.expire_time - seen.now).days if first.expire_time else 0
        more = f", and {len(ending_soon) - 1} more soon" if len(ending_soon) > 1 else ""
        yield Matter(
            "warn",
            f"The key “{first.display_name}” ends {'today' if not days else 'in ' + ending(days, 'day')}{more}",
            "What calls with it is refused then. Replace it, or let it go on for longer.",
            f"/keys/{first.id}",
            "To the key",
        )
