"""The gRPC server: bound at once, ready when the engine is, stopped without dropping a call."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

from steeple.errors import FailedPreconditionError
from steeple.server.api.audit import AuditService
from steeple.server.api.catalog import CatalogService
from steeple.server.api.certificates import CertificateFiles
from steeple.server.api.discovery import DiscoveryService
from steeple.server.api.explain import ExplainService
from steeple.server.api.feedback import FeedbackService
from steeple.server.api.guard import Guard
from steeple.server.api.imports import ImportService
from steeple.server.api.interceptor import CallInterceptor
from steeple.server.api.keys import KeyService
from steeple.server.api.metrics import Metrics, expose
from steeple.server.api.models import ModelService
from steeple.server.api.operations import OperationService
from steeple.server.api.packs import PackService
from steeple.server.api.people import PersonService
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.review import ReviewService
from steeple.server.api.server import ServerService
from steeple.server.api.snapshots import SnapshotService
from steeple.server.api.tracing import Tracing
from steeple.server.api.transfer import TransferService
from steeple.server.api.transport import channel_options
from steeple.server.api.uploads import UploadService
from steeple.server.api.views import ViewService
from steeple.server.api.visual_search import VisualSearchService
from steeple.server.engine import Engine
from steeple.server.logs import facts
from steeple.server.settings import Settings
from steeple.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    discovery_service_pb2,
    discovery_service_pb2_grpc,
    explain_service_pb2,
    explain_service_pb2_grpc,
    feedback_service_pb2,
    feedback_service_pb2_grpc,
    import_service_pb2,
    import_service_pb2_grpc,
    key_service_pb2,
    key_service_pb2_grpc,
    model_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    operation_service_pb2,
    operation_service_pb2_grpc,
    pack_service_pb2,
    pack_service_pb2_grpc,
    person_service_pb2,
    person_service_pb2_grpc,
    review_service_pb2,
    review_service_pb2_grpc,
    server_service_pb2,
    server_service_pb2_grpc,
    snapshot_service_pb2,
    snapshot_service_pb2_grpc,
    transfer_service_pb2,
    transfer_service_pb2_grpc,
    upload_service_pb2,
    upload_service_pb2_grpc,
    view_service_pb2,
    view_service_pb2_grpc,
    visual_search_service_pb2,
    visual_search_service_pb2_grpc,
)

log = logging.getLogger(__name__)

SERVICES: Final = (
    visual_search_service_pb2.DESCRIPTOR.services_by_name["VisualSearchService"].full_name,
    catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
    server_service_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name,
    explain_service_pb2.DESCRIPTOR.services_by_name["ExplainService"].full_name,
    key_service_pb2.DESCRIPTOR.services_by_name["KeyService"].full_name,
    person_service_pb2.DESCRIPTOR.services_by_name["PersonService"].full_name,
    audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"].full_name,
    operation_service_pb2.DESCRIPTOR.services_by_name["OperationService"].full_name,
    review_service_pb2.DESCRIPTOR.services_by_name["ReviewService"].full_name,
    feedback_service_pb2.DESCRIPTOR.services_by_name["FeedbackService"].full_name,
    snapshot_service_pb2.DESCRIPTOR.services_by_name["SnapshotService"].full_name,
    model_service_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name,
    discovery_service_pb2.DESCRIPTOR.services_by_name["DiscoveryService"].full_name,
    upload_service_pb2.DESCRIPTOR.services_by_name["UploadService"].full_name,
    import_service_pb2.DESCRIPTOR.services_by_name["ImportService"].full_name,
    transfer_service_pb2.DESCRIPTOR.services_by_name["TransferService"].full_name,
    pack_service_pb2.DESCRIPTOR.services_by_name["PackService"].full_name,
    view_service_pb2.DESCRIPTOR.services_by_name["ViewService"].full_name,
)
"""Full names of the services, as health and reflection know them."""

LIVE: Final = "live"
"""A service that only health knows: SERVING from the start on, also while others are not."""

_CATALOGUE_THREADS: Final = 4
_CATALOGUE_CAPACITY: Final = 256
_CATALOGUE_DELAY_SECONDS: Final = 5.0
_FILE_THREADS: Final = 2
_FILE_CAPACITY: Final = 64
_FILE_DELAY_SECONDS: Final = 30.0  # nobody looks at a screen meanwhile
_PASSWORD_THREADS: Final = 2  # of 64 MiB each while they hash
_PASSWORD_CAPACITY: Final = 32
_FLUSH_SECONDS: Final = 1.0
_WATCH_SECONDS: Final = 1.0

OpenEngine = Callable[[Settings, threading.Event], Engine]


def open_engine(settings: Settings, stopping: threading.Event) -> Engine:
    """The engine of these settings; ``stopping`` interrupts a long start."""
    return Engine(settings, stopping=stopping)


class Server:
    """A gRPC server of ``steeple.v1``, with health and reflection. Belongs to one event loop.

    Args:
        settings: What to serve, and where.
        open_engine: Makes the engine, on a thread of its own.
        interceptors: Wrapped around every call, outside of those of the server itself.
        tracing: Makes the spans of calls; None: as the settings say.
        private_socket: Path of a Unix socket to listen on besides, without TLS, for what runs beside the server;
            whoever may open it may call. None: there is none.

    Attributes:
        metrics: What it counts and measures of itself.
        metrics_port: Where they are served over HTTP, once started; 0: nowhere.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        open_engine: OpenEngine = open_engine,
        interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
        tracing: Tracing | None = None,
        private_socket: Path | None = None,
    ) -> None:
        self._private_socket = private_socket
        self._settings = settings
        self._open_engine = open_engine
        self._stop_loading = threading.Event()
        self._loading: asyncio.Task[Engine] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._readiness = Readiness()
        self._hurried = asyncio.Event()
        self._health = health.aio.HealthServicer()
        self._queries = Pool(
            "queries",
            threads=settings.workers,
            capacity=settings.max_concurrent_queries,
            max_delay_seconds=settings.max_queue_delay_ms / 1000,
        )
        self._calls = Pool(
            "catalogue calls",
            threads=_CATALOGUE_THREADS,
            capacity=_CATALOGUE_CAPACITY,
            max_delay_seconds=_CATALOGUE_DELAY_SECONDS,
        )
        self._files = Pool(
            "file transfers", threads=_FILE_THREADS, capacity=_FILE_CAPACITY, max_delay_seconds=_FILE_DELAY_SECONDS
        )
        self._passwords = Pool(
            "passwords to check",
            threads=_PASSWORD_THREADS,
            capacity=_PASSWORD_CAPACITY,
            max_delay_seconds=_CATALOGUE_DELAY_SECONDS,
        )
        pools = {
            "queries": self._queries,
            "catalogue": self._calls,
            "files": self._files,
            "passwords": self._passwords,
        }
        self.metrics = Metrics(self._readiness, pools)
        self.metrics_port = 0
        self._tracing = tracing or Tracing.to(settings.trace_endpoint)
        self._close_metrics: Callable[[], None] = lambda: None
        self._server = grpc.aio.server(
            interceptors=[*interceptors, self._interceptor()],
            options=channel_options(settings),
        )
        limits = model_pb2.RequestLimits(
            max_message_bytes=settings.max_message_bytes, max_image_pixels=settings.max_image_pixels
        )
        visual_search_service_pb2_grpc.add_VisualSearchServiceServicer_to_server(
            VisualSearchService(self._readiness, self._queries, self.metrics, limits, max_streams=settings.max_streams),
            self._server,
        )
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(
            CatalogService(self._readiness, self._calls, self._queries), self._server
        )
        server_service_pb2_grpc.add_ServerServiceServicer_to_server(
            ServerService(self._readiness, self._calls, limits, self.metrics.traffic), self._server
        )
        explain_service_pb2_grpc.add_ExplainServiceServicer_to_server(
            ExplainService(self._readiness, self._queries), self._server
        )
        key_service_pb2_grpc.add_KeyServiceServicer_to_server(KeyService(self._readiness, self._calls), self._server)
        people = PersonService(self._readiness, self._calls, self._passwords, asks_for_keys=settings.asks_for_keys)
        person_service_pb2_grpc.add_PersonServiceServicer_to_server(people, self._server)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(
            AuditService(self._readiness, self._calls), self._server
        )
        operation_service_pb2_grpc.add_OperationServiceServicer_to_server(
            OperationService(self._readiness, self._calls, self._files), self._server
        )
        upload_service_pb2_grpc.add_UploadServiceServicer_to_server(
            UploadService(self._readiness, self._files), self._server
        )
        import_service_pb2_grpc.add_ImportServiceServicer_to_server(
            ImportService(self._readiness, self._calls), self._server
        )
        transfer_service_pb2_grpc.add_TransferServiceServicer_to_server(
            TransferService(self._readiness, self._calls), self._server
        )
        review_service_pb2_grpc.add_ReviewServiceServicer_to_server(
            ReviewService(self._readiness, self._calls, self._queries), self._server
        )
        feedback_service_pb2_grpc.add_FeedbackServiceServicer_to_server(
            FeedbackService(self._readiness, self._queries), self._server
        )
        snapshot_service_pb2_grpc.add_SnapshotServiceServicer_to_server(
            SnapshotService(self._readiness, self._calls), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self._readiness, self._calls), self._server
        )
        discovery_service_pb2_grpc.add_DiscoveryServiceServicer_to_server(
            DiscoveryService(self._readiness, self._calls, self._queries), self._server
        )
        pack_service_pb2_grpc.add_PackServiceServicer_to_server(
            PackService(self._readiness, self._calls, self._files), self._server
        )
        view_service_pb2_grpc.add_ViewServiceServicer_to_server(ViewService(self._readiness, self._calls), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection([*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)

    async def start(self) -> int:
        """Binds the address, answers health with NOT_SERVING, and begins to load.

        Returns:
            The port; 0 for a Unix socket.

        Raises:
            FailedPreconditionError: If the address, or that of the metrics, cannot be bound.
            InvalidArgumentError: If the certificate or its key cannot be used.
        """
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._health.set(LIVE, health_pb2.HealthCheckResponse.SERVING)
        try:
            port = self._listen()
        except BaseException:
            # gRPC crashes now and then when a server that has an address, but was never started, is collected.
            await self._server.start()
            await self._server.stop(None)
            raise
        await self._server.start()
        self._loading = asyncio.create_task(self._load())
        return 0 if self._settings.address.startswith("unix:") else port

    def _listen(self) -> int:
        try:
            port = self._bind()
        except RuntimeError:
            port = 0
        if port == 0:
            raise FailedPreconditionError(
                f"cannot listen on {self._settings.address}: the address is in use or not of this host; stop the other "
                "server, or set another address"
            )
        if self._settings.metrics_host_port is not None:
            self.metrics_port, self._close_metrics = expose(self.metrics.registry, *self._settings.metrics_host_port)
        return port

    async def ready(self) -> Engine:
        """Returns the engine when calls are taken.

        Raises:
            SteepleError: If the engine cannot be opened.
            CancelledError: If the server was stopped before.
        """
        if self._loading is None:
            raise FailedPreconditionError("start the server first")
        return await asyncio.shield(self._loading)

    async def stop(self, grace_seconds: float) -> None:
        """Takes no more calls, lets those in progress end, saves the index. The server cannot be started again.

        Before, for as long as the settings say, health says NOT_SERVING and calls are taken still: whoever spreads
        calls over several servers shall notice first.

        Args:
            grace_seconds: Calls that take longer are cancelled; but what has begun to change the catalogue is
                brought to its end.
        """
        self._stop_loading.set()
        if self._watching is not None:
            self._watching.cancel()
        await self._health.enter_graceful_shutdown()
        if self._readiness.takes_calls and self._settings.drain_delay_seconds:
            log.info("not ready any more; calls are taken still", extra=facts(s=self._settings.drain_delay_seconds))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), self._settings.drain_delay_seconds)
        self._readiness.stop()
        # Until the calls in progress have ended, the interceptor refuses new ones and says why; gRPC, once it closes,
        # would cancel them instead.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._readiness.idle(), grace_seconds)
        # Those who watch the health never hang up; answers on their way need a moment.
        await self._server.stop(None if self._readiness.busy else _FLUSH_SECONDS)
        await asyncio.to_thread(self._close)
        if self._loading is not None:
            await self._close_engine(self._loading)

    async def cancel_calls(self) -> None:
        """Ends the grace of a :meth:`stop` that is under way."""
        self._hurried.set()
        await self._server.stop(None)

    def _interceptor(self) -> CallInterceptor:
        settings = self._settings
        guard = Guard("keys" if settings.asks_for_keys else "open", self._readiness, self._calls, self.metrics)
        others = {"/grpc.health.": settings.health_access, "/grpc.reflection.": settings.reflection_access}
        closed = [prefix for prefix, access in others.items() if access == "keys"]
        return CallInterceptor(self._readiness, guard, self.metrics, self._tracing, tuple(closed))

    def _bind(self) -> int:
        settings = self._settings
        if self._private_socket is not None:
            self._server.add_insecure_port(f"unix:{self._private_socket}")
        if settings.tls_certificate is None or settings.tls_key is None:
            return self._server.add_insecure_port(settings.address)
        files = CertificateFiles(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
        return self._server.add_secure_port(settings.address, files.credentials())

    async def _load(self) -> Engine:
        engine = await asyncio.to_thread(self._open_engine, self._settings, self._stop_loading)
        self._readiness.start(engine)
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)
        loop = asyncio.get_running_loop()
        engine.catalogue.schema.tell(lambda reason: asyncio.run_coroutine_threadsafe(self._refuse(reason), loop))
        self._watching = asyncio.create_task(self._watch(engine))
        return engine

    async def _refuse(self, reason: str) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._readiness.refuse(reason)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def _watch(self, engine: Engine) -> None:
        """Says by the health whether the engine goes by what other servers have changed."""
        serving = True
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if (current := engine.followers.current) is not serving:
                serving = current
                log.warning("the server is current again" if serving else "the server is not current any more")
                status = health_pb2.HealthCheckResponse
                await self._set_health(status.SERVING if serving else status.NOT_SERVING)

    async def _set_health(self, status: int) -> None:
        for service in ("", *SERVICES):
            await self._health.set(service, status)

    def _close(self) -> None:
        self._queries.close()
        self._calls.close()
        self._files.close()
        self._passwords.close()
        self._close_metrics()
        self._tracing.close()

    async def _close_engine(self, loading: asyncio.Task[Engine]) -> None:
        try:
            engine = await loading
        except Exception as error:  # `ready` raises it to whoever wants to know
            log.debug("there was no engine to close", extra=facts(error=error))
            return
        await asyncio.to_thread(engine.close)
