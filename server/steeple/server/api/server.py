"""``steeple.v1.ServerService``."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import grpc
from google.protobuf import duration_pb2

from steeple.server.access.records import key_name
from steeple.server.api.health import calibration_message, storage_message, traffic_message
from steeple.server.api.names import landmark_name, model_name, parse_model
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import timestamp, usage_message
from steeple.server.api.traffic import Traffic
from steeple.server.engine import Engine
from steeple.server.keeper import Activity
from steeple.server.server_info import ServerInfo
from steeple.server.usage import UsageReport
from steeple.v1 import model_pb2, server_service_pb2, server_service_pb2_grpc, traffic_pb2

Context = grpc.aio.ServicerContext[Any, Any]

_PATIENCE_SECONDS: Final = 1.0  # with figures of what is kept, where there are older ones

_ACTIVITIES: Final = {
    Activity.IDLE: server_service_pb2.Upkeep.ACTIVITY_IDLE,
    Activity.SAVING: server_service_pb2.Upkeep.ACTIVITY_SAVING,
    Activity.REBUILDING: server_service_pb2.Upkeep.ACTIVITY_REBUILDING,
}


class ServerService(server_service_pb2_grpc.ServerServiceServicer):
    """Tells how the server is.

    Args:
        readiness: Where the engine is.
        calls: Threads for what only reads and writes the catalogue.
        limits: What is taken in a request.
        traffic: Of the last hours.
    """

    def __init__(self, readiness: Readiness, calls: Pool, limits: model_pb2.RequestLimits, traffic: Traffic) -> None:
        self._readiness = readiness
        self._calls = calls
        self._limits = limits
        self._traffic = traffic

    async def GetServerInfo(  # noqa: N802
        self, request: server_service_pb2.GetServerInfoRequest, context: Context
    ) -> server_service_pb2.GetServerInfoResponse:
        """What serves, how large it is, and what is being done to it."""
        info = await self._calls.run(self._readiness.engine.server_info)
        return server_service_pb2.GetServerInfoResponse(server_info=_message(info, self._limits))

    async def GetUsage(  # noqa: N802
        self, request: server_service_pb2.GetUsageRequest, context: Context
    ) -> server_service_pb2.GetUsageResponse:
        """How many queries were answered, and how."""
        report = await self._calls.run(_usage, self._readiness.engine, request.month, request.max_landmarks)
        return server_service_pb2.GetUsageResponse(
            months=[usage_message(month) for month in report.months],
            keys=[
                server_service_pb2.KeyUsage(
                    key=key_name(key.key_id), identified_count=key.identified, unknown_count=key.unknown
                )
                for key in report.keys
            ],
            landmarks=[
                server_service_pb2.IdentifiedLandmark(
                    landmark=landmark_name(landmark.landmark_id),
                    display_name=landmark.display_name,
                    identified_count=landmark.identified,
                )
                for landmark in report.landmarks
            ],
        )

    async def GetTraffic(  # noqa: N802
        self, request: server_service_pb2.GetTrafficRequest, context: Context
    ) -> server_service_pb2.GetTrafficResponse:
        """Calls, refusals, errors and latencies of the last minutes."""
        told = await self._calls.run(_told, self._traffic, request.period_minutes, request.interval_minutes)
        return server_service_pb2.GetTrafficResponse(traffic=told)

    async def GetStorage(  # noqa: N802
        self, request: server_service_pb2.GetStorageRequest, context: Context
    ) -> server_service_pb2.GetStorageResponse:
        """What is kept, and the room that is left."""
        storage = self._readiness.engine.storage
        # No thread of a pool waits for it; who hangs up, or is told older figures, does not end it for others.
        measured = asyncio.shield(asyncio.wrap_future(storage.measured()))
        try:
            report = await asyncio.wait_for(measured, None if storage.last is None else _PATIENCE_SECONDS)
        except TimeoutError:
            if storage.last is None:
                raise
            report = storage.last
        return server_service_pb2.GetStorageResponse(storage=storage_message(report))

    async def GetCalibration(  # noqa: N802
        self, request: server_service_pb2.GetCalibrationRequest, context: Context
    ) -> server_service_pb2.GetCalibrationResponse:
        """The model of confidence of a release."""
        model = parse_model(request.name) if request.name else ""
        facts = self._readiness.engine.serving.calibration_facts(model)
        return server_service_pb2.GetCalibrationResponse(calibration=calibration_message(facts))


def _told(traffic: Traffic, period_minutes: int, interval_minutes: int) -> traffic_pb2.Traffic:
    """On a thread of the pool, all of it: there may be much to tell."""
    return traffic_message(traffic.report(period_minutes, interval_minutes))


def _usage(engine: Engine, month: str, max_landmarks: int) -> UsageReport:
    """On a thread of the pool, all of it. What was counted is saved first, so that the three agree."""
    engine.usage.save()
    engine.keyring.flush()
    return engine.usage.report(month, max_landmarks)


def _message(info: ServerInfo, limits: model_pb2.RequestLimits) -> server_service_pb2.ServerInfo:
    uptime, index = duration_pb2.Duration(), info.index
    uptime.FromNanoseconds(round(1e9 * info.uptime_seconds))
    return server_service_pb2.ServerInfo(
        version=info.version,
        start_time=timestamp(info.start_time),
        uptime=uptime,
        models=[model_name(model) for model in info.models],
        index=server_service_pb2.Index(
            factory=index.factory,
            device=index.device,
            faiss_version=index.faiss_version,
            batching=index.batching,
            probes=index.probes,
            neighbours=index.neighbours,
            image_count=index.images,
            descriptor_count=index.descriptors,
            live_descriptor_count=index.live_descriptors,
            dead_descriptor_count=index.dead_descriptors,
            bytes_per_descriptor=index.bytes_per_descriptor,
            sequence=index.sequence,
            catalogue_sequence=index.catalogue_sequence,
        ),
        upkeep=server_service_pb2.Upkeep(
            activity=_ACTIVITIES[info.upkeep.activity],
            images_done=info.upkeep.images_done,
            images_total=info.upkeep.images_total,
            waiting_for=info.waiting_for,
        ),
        limits=limits,
    )
