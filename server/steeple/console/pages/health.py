"""How the server is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from steeple.client import Calibration, Key, Model, OperationState, Snapshot, Storage
from steeple.console.attention import Observed, matters
from steeple.console.charts import Chart, reliability
from steeple.console.routing import Pages
from steeple.console.traffic_facts import PERIODS, board
from steeple.console.visit import Visit
from steeple.errors import DeadlineExceededError, SteepleError

PAGES: Final = Pages()

_LOOPBACK: Final = ("127.", "::1", "localhost")
_MOST_KEYS: Final = 200
_MEASURING_SECONDS: Final = 0.25
"""What is kept may have to be measured first: the next look has it then."""


@PAGES.get("/health")
async def health(visit: Visit) -> Response:
    """Traffic, index, model releases, storage, and what needs attention."""
    chosen = visit.query.get("minutes", "60")
    _, minutes, together = PERIODS.get(chosen, PERIODS["60"])
    client = visit.client
    info, traffic, storage, models, failed, (snapshots, keys) = await asyncio.gather(
        client.server_info(),
        client.traffic(minutes, interval_minutes=together),
        _storage(client.storage(timeout=_MEASURING_SECONDS)),
        _models(visit),
        client.list_operations(states=(OperationState.FAILED,), page_size=5).page(),
        _of_admins(visit),
    )
    now = datetime.now(UTC)
    seen = Observed(
        info=info,
        traffic=traffic,
        storage=storage,
        calibrations=[calibration for _, calibration, _ in models if calibration is not None],
        failed=failed.items,
        snapshots=snapshots,
        keys=keys,
        encrypted=visit.config.secure or visit.config.host.startswith(_LOOPBACK),
        now=now,
    )
    return visit.show(
        "health.html",
        info=info,
        board=board(traffic, visit.query.get("method", "")),
        minutes=chosen if chosen in PERIODS else "60",
        periods=[(key, title) for key, (title, _, _) in PERIODS.items()],
        matters=matters(seen),
        storage=storage,
        models=models,
        snapshots=snapshots,
        traffic=traffic,
    )


@PAGES.post("/health/snapshots", scope="admin")
async def create_snapshot(visit: Visit) -> Response:
    """Begins to make a snapshot."""
    begun = await visit.client.create_snapshot(
        copy_photos=visit.text("copy_photos") == "yes", without_index=visit.text("without_index") == "yes"
    )
    return visit.go(f"/operations/{begun.id}", "A snapshot is being made. The server goes on meanwhile.")


@PAGES.post("/health/snapshots/{id}/verify", scope="admin")
async def verify_snapshot(visit: Visit) -> Response:
    """Begins to compare the files of a snapshot with their checksums."""
    begun = await visit.client.verify_snapshot(visit.request.path_params["id"])
    return visit.go(f"/operations/{begun.id}", "Every file of the snapshot is looked at. Damaged ones become problems.")


@PAGES.post("/health/snapshots/{id}/delete", scope="admin")
async def delete_snapshot(visit: Visit) -> Response:
    """Deletes a snapshot."""
    name = visit.request.path_params["id"]
    await visit.client.delete_snapshot(name)
    return visit.go("/health#snapshots", f"The snapshot {name} is deleted.")


async def _models(visit: Visit) -> list[tuple[Model, Calibration | None, Chart | None]]:
    """Model releases that serve, with their calibrations and reliability diagrams."""
    models = await visit.client.list_models()
    calibrations = await asyncio.gather(*(_calibration(visit, model) for model in models))
    return [
        (
            model,
            calibration,
            None
            if calibration is None or calibration.reliability is None or not calibration.reliability.bins
            else reliability(calibration.reliability.bins),
        )
        for model, calibration in zip(models, calibrations, strict=True)
    ]


async def _calibration(visit: Visit, model: Model) -> Calibration | None:
    try:
        return await visit.client.calibration(model)
    except SteepleError:
        return None  # one that is no longer served, or that has none


async def _storage(measured: Awaitable[Storage]) -> Storage | None:
    try:
        return await measured
    except DeadlineExceededError:
        return None


async def _of_admins(visit: Visit) -> tuple[Sequence[Snapshot] | None, Sequence[Key] | None]:
    """Snapshots and keys; None: they are not for whoever looks."""
    if not visit.me.may("admin"):
        return None, None
    snapshots, keys = await asyncio.gather(
        visit.client.list_snapshots(), visit.client.list_keys(page_size=_MOST_KEYS).page()
    )
    return snapshots, keys.items
