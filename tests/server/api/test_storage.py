"""``ServerService.GetStorage`` and ``GetCalibration``."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import pytest

from steeple.server.api import server
from steeple.v1.calibration_pb2 import Calibration
from steeple.v1.server_service_pb2 import GetCalibrationRequest, GetStorageRequest
from steeple.v1.server_service_pb2_grpc import ServerServiceStub
from steeple.v1.storage_pb2 import Storage, StoragePart
from tests.server.conftest import MakePhoto

from .conftest import Refused, Running

PATIENCE = 60.0


async def stored(running: Running) -> Storage:
    stub: Any = ServerServiceStub(running.channel)
    found: Storage = (await stub.GetStorage(GetStorageRequest())).storage
    return found


async def calibrated(running: Running, name: str = "") -> Calibration:
    stub: Any = ServerServiceStub(running.channel)
    found: Calibration = (await stub.GetCalibration(GetCalibrationRequest(name=name))).calibration
    return found


async def test_what_is_kept_is_told(running: Running, make_photo: MakePhoto) -> None:
    photo = make_photo(1)
    await running.add("tower", photo)
    found = await stored(running)
    parts = {part.kind: part for part in found.parts}
    assert set(parts) == set(StoragePart.Kind.values()) - {StoragePart.KIND_UNSPECIFIED}
    assert (parts[StoragePart.KIND_PHOTOS].size_bytes, parts[StoragePart.KIND_PHOTOS].item_count) == (len(photo), 1)
    assert parts[StoragePart.KIND_DATABASE].size_bytes > 0
    (disk,) = found.disks
    assert set(disk.kinds) == set(parts)
    assert 0 < disk.free_bytes < disk.total_bytes
    assert await stored(running) == found, "it is not measured anew at once"


async def test_nobody_waits_for_long_where_there_are_figures(
    running: Running, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await running.server.ready()
    first = await stored(running)
    gate, held = threading.Event(), engine.uploads.held
    monkeypatch.setattr(engine.uploads, "held", lambda: (gate.wait(PATIENCE), held())[1])
    monkeypatch.setattr(engine.storage, "_due", 0.0)
    monkeypatch.setattr(server, "_PATIENCE_SECONDS", 0.01)
    await running.add("tower", make_photo(1))
    assert await stored(running) == first
    gate.set()
    await asyncio.wrap_future(engine.storage.measured())
    (photos,) = [part for part in (await stored(running)).parts if part.kind == StoragePart.KIND_PHOTOS]
    assert photos.item_count == 1


async def test_the_calibration_of_a_release_is_told(running: Running, refused: Refused) -> None:
    engine = await running.server.ready()
    found = await calibrated(running)
    assert found == await calibrated(running, f"models/{engine.release.name}")
    assert (found.model, found.source) == ("models/delf-lite2-v1", Calibration.SOURCE_RELEASE)
    assert (found.threshold, found.bias) == (engine.release.calibration.threshold, engine.release.calibration.bias)
    assert dict(found.weights) == engine.release.calibration.weights
    reliability = found.reliability
    assert reliability.expected_calibration_error == 0.029655
    assert [round(part.low, 1) for part in reliability.bins] == [number / 10 for number in range(10)]
    assert sum(part.answer_count for part in reliability.bins) == 1063
    assert (reliability.false_positives.stranger_count, reliability.false_positives.named_count) == (600, 7)
    assert (reliability.bins[9].accuracy_low, reliability.bins[9].accuracy_high) == (0.978375, 0.999315)
    for name, code in (("models/none", grpc.StatusCode.NOT_FOUND), ("none", grpc.StatusCode.INVALID_ARGUMENT)):
        assert (await refused(calibrated(running, name))).code is code


async def test_a_release_that_tells_no_bins(start: Any) -> None:
    async with start(model="delf-base") as running:
        found = await calibrated(running)
        assert (found.model, found.threshold, found.HasField("reliability")) == ("models/delf-base", 0.6952, False)
