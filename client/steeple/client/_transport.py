"""Channels to the server: message sizes, retries, TLS; and the stubs on them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import grpc
import grpc.aio

from steeple.client._targets import Target
from steeple.errors import InvalidArgumentError
from steeple.v1 import (
    audit_service_pb2_grpc,
    catalog_service_pb2_grpc,
    discovery_service_pb2_grpc,
    explain_service_pb2_grpc,
    feedback_service_pb2_grpc,
    import_service_pb2_grpc,
    key_service_pb2_grpc,
    model_service_pb2_grpc,
    operation_service_pb2_grpc,
    pack_service_pb2_grpc,
    person_service_pb2_grpc,
    review_service_pb2_grpc,
    server_service_pb2_grpc,
    snapshot_service_pb2_grpc,
    transfer_service_pb2_grpc,
    upload_service_pb2_grpc,
    view_service_pb2_grpc,
    visual_search_service_pb2_grpc,
)

if TYPE_CHECKING:  # classes that only the .pyi files of the stubs have
    from steeple.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from steeple.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub
    from steeple.v1.discovery_service_pb2_grpc import DiscoveryServiceAsyncStub
    from steeple.v1.explain_service_pb2_grpc import ExplainServiceAsyncStub
    from steeple.v1.feedback_service_pb2_grpc import FeedbackServiceAsyncStub
    from steeple.v1.import_service_pb2_grpc import ImportServiceAsyncStub
    from steeple.v1.key_service_pb2_grpc import KeyServiceAsyncStub
    from steeple.v1.model_service_pb2_grpc import ModelServiceAsyncStub
    from steeple.v1.operation_service_pb2_grpc import OperationServiceAsyncStub
    from steeple.v1.pack_service_pb2_grpc import PackServiceAsyncStub
    from steeple.v1.person_service_pb2_grpc import PersonServiceAsyncStub
    from steeple.v1.review_service_pb2_grpc import ReviewServiceAsyncStub
    from steeple.v1.server_service_pb2_grpc import ServerServiceAsyncStub
    from steeple.v1.snapshot_service_pb2_grpc import SnapshotServiceAsyncStub
    from steeple.v1.transfer_service_pb2_grpc import TransferServiceAsyncStub
    from steeple.v1.upload_service_pb2_grpc import UploadServiceAsyncStub
    from steeple.v1.view_service_pb2_grpc import ViewServiceAsyncStub
    from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceAsyncStub

_RETRY_BUFFER_BYTES: Final = 24 * 1024 * 1024
_UNLIMITED: Final = -1

KEEPALIVE_MS: Final = 30_000
"""A connection that was silent for so long during a call is asked whether the server is there."""

KEEPALIVE_TIMEOUT_MS: Final = 15_000
"""A server that does not answer for so long is taken for gone: its calls end with UNAVAILABLE."""

SPREAD_KEEPALIVE_MS: Final = 12_000
SPREAD_KEEPALIVE_TIMEOUT_MS: Final = 4_000
"""The same where there are others to turn to, so that a call can still be made again within its deadline: on Linux what
is sent and not acknowledged for so long ends the connection, too. Steeple's servers take pings each 10 seconds."""

FIRST_PAUSE_SECONDS: Final = 0.1
"""Before a call that was UNAVAILABLE is made again; each further one is twice as long."""

LONGEST_PAUSE_SECONDS: Final = 2.0

_SENDING_STREAMS: Final = (("VisualSearchService", "IdentifyStream"), ("UploadService", "WriteUpload"))
_SERVING: Final = 1  # grpc.health.v1.HealthCheckResponse.ServingStatus
_HEALTH_CHECK: Final = "/grpc.health.v1.Health/Check"


@dataclass(frozen=True)
class Settings:
    """How to reach a server; see the client's constructor."""

    target: str
    timeout: float
    long_timeout: float
    max_attempts: int
    tls: bool
    root_certificates: str | os.PathLike[str] | None
    channel_options: Sequence[tuple[str, str | int]]
    key: str | None = field(default=None, repr=False)
    client_certificate: str | os.PathLike[str] | None = None
    client_key: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if self.key is not None and not (self.key.isascii() and self.key.isprintable() and self.key.strip()):
            # Not shown: whatever it is, it was meant as a secret.
            raise InvalidArgumentError("key must be the text of a key, stp_ID_SECRET, on one line")
        check_timeout(self.timeout)
        check_timeout(self.long_timeout)
        self.credentials()
        Target.parse(self.target)
        if not 1 <= self.max_attempts <= 5:
            raise InvalidArgumentError(f"max_attempts must be 1 (never try again) to 5, not {self.max_attempts}")

    def options(self) -> list[tuple[str, str | int]]:
        """Arguments of the channel."""
        target = Target.parse(self.target)
        keepalive_ms = SPREAD_KEEPALIVE_MS if target.spread else KEEPALIVE_MS
        keepalive_timeout_ms = SPREAD_KEEPALIVE_TIMEOUT_MS if target.spread else KEEPALIVE_TIMEOUT_MS
        options: dict[str, str | int] = {
            # What a request may have is the server's to say, and it does (AsyncConnection.prepare). What it answers was
            # asked for: a photo as large as one that was taken must come back.
            "grpc.max_send_message_length": _UNLIMITED,
            "grpc.max_receive_message_length": _UNLIMITED,
            "grpc.service_config": _service_config(self.max_attempts, spread=target.spread),
            # A request larger than this buffer is not sent again; gRPC's default is smaller than a photo.
            "grpc.per_rpc_retry_buffer_size": _RETRY_BUFFER_BYTES,
            # A server that comes back is found again within seconds (gRPC's default: two minutes).
            "grpc.initial_reconnect_backoff_ms": 100,
            "grpc.max_reconnect_backoff_ms": 3000,
            # While a call is under way, a server that died without a word is noticed in 45 seconds. Steeple's servers
            # take pings each 10 seconds or less often. Without a call there are none, which lets phones sleep.
            "grpc.keepalive_time_ms": keepalive_ms,
            "grpc.keepalive_timeout_ms": keepalive_timeout_ms,
            "grpc.http2.ping_timeout_ms": keepalive_timeout_ms,  # by which newer versions of gRPC go
            "grpc.keepalive_permit_without_calls": 0,
            "grpc.http2.max_pings_without_data": 0,  # any number, or a quiet stream would go unwatched
            "grpc.primary_user_agent": f"steeple-python/{_version()}",
        }
        if target.authority is not None:
            options["grpc.default_authority"] = target.authority
        return list((options | dict(self.channel_options)).items())

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries: the key, if there is one."""
        return () if self.key is None else (("authorization", f"Bearer {self.key.strip()}"),)

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Of TLS; None for plain text.

        Raises:
            InvalidArgumentError: If a certificate or the key cannot be read, or one of the client's is missing.
        """
        if (self.client_certificate is None) != (self.client_key is None):
            raise InvalidArgumentError("client_certificate and client_key go together: give both or neither")
        if not (self.tls or self.root_certificates is not None or self.client_certificate is not None):
            return None
        return grpc.ssl_channel_credentials(
            _pem("root certificate", self.root_certificates),
            _pem("client key", self.client_key),
            _pem("client certificate", self.client_certificate),
        )


def _pem(what: str, path: str | os.PathLike[str] | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"{what} {os.fspath(path)} cannot be read: {error.strerror}") from error


def check_timeout(timeout: float) -> float:
    """A timeout in seconds, checked.

    Raises:
        InvalidArgumentError: If it is not a positive number.
    """
    if not (timeout > 0 and math.isfinite(timeout)):
        raise InvalidArgumentError(f"a timeout is a positive number of seconds, not {timeout}")
    return timeout


@dataclass(frozen=True)
class Link:
    """A channel and the stubs on it."""

    channel: grpc.Channel
    visual_search: visual_search_service_pb2_grpc.VisualSearchServiceStub
    catalog: catalog_service_pb2_grpc.CatalogServiceStub
    server: server_service_pb2_grpc.ServerServiceStub
    explain: explain_service_pb2_grpc.ExplainServiceStub
    feedback: feedback_service_pb2_grpc.FeedbackServiceStub
    keys: key_service_pb2_grpc.KeyServiceStub
    people: person_service_pb2_grpc.PersonServiceStub
    audit: audit_service_pb2_grpc.AuditServiceStub
    operations: operation_service_pb2_grpc.OperationServiceStub
    review: review_service_pb2_grpc.ReviewServiceStub
    snapshots: snapshot_service_pb2_grpc.SnapshotServiceStub
    models: model_service_pb2_grpc.ModelServiceStub
    discovery: discovery_service_pb2_grpc.DiscoveryServiceStub
    uploads: upload_service_pb2_grpc.UploadServiceStub
    imports: import_service_pb2_grpc.ImportServiceStub
    transfer: transfer_service_pb2_grpc.TransferServiceStub
    packs: pack_service_pb2_grpc.PackServiceStub
    views: view_service_pb2_grpc.ViewServiceStub
    health_check: grpc.UnaryUnaryMultiCallable[bytes, bool]

    @staticmethod
    def open(settings: Settings) -> Link:
        """A link to the server; it connects with the first call."""
        credentials, options = settings.credentials(), settings.options()
        target = Target.parse(settings.target).for_grpc()
        channel = (
            grpc.insecure_channel(target, options)
            if credentials is None
            else grpc.secure_channel(target, credentials, options)
        )
        return Link(
            channel,
            visual_search_service_pb2_grpc.VisualSearchServiceStub(channel),
            catalog_service_pb2_grpc.CatalogServiceStub(channel),
            server_service_pb2_grpc.ServerServiceStub(channel),
            explain_service_pb2_grpc.ExplainServiceStub(channel),
            feedback_service_pb2_grpc.FeedbackServiceStub(channel),
            key_service_pb2_grpc.KeyServiceStub(channel),
            person_service_pb2_grpc.PersonServiceStub(channel),
            audit_service_pb2_grpc.AuditServiceStub(channel),
            operation_service_pb2_grpc.OperationServiceStub(channel),
            review_service_pb2_grpc.ReviewServiceStub(channel),
            snapshot_service_pb2_grpc.SnapshotServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
            discovery_service_pb2_grpc.DiscoveryServiceStub(channel),
            upload_service_pb2_grpc.UploadServiceStub(channel),
            import_service_pb2_grpc.ImportServiceStub(channel),
            transfer_service_pb2_grpc.TransferServiceStub(channel),
            pack_service_pb2_grpc.PackServiceStub(channel),
            view_service_pb2_grpc.ViewServiceStub(channel),
            channel.unary_unary(_HEALTH_CHECK, request_serializer=bytes, response_deserializer=_is_serving),
        )


@dataclass(frozen=True)
class AsyncLink:
    """A channel of the running event loop and the stubs on it."""

    channel: grpc.aio.Channel
    visual_search: VisualSearchServiceAsyncStub
    catalog: CatalogServiceAsyncStub
    server: ServerServiceAsyncStub
    explain: ExplainServiceAsyncStub
    feedback: FeedbackServiceAsyncStub
    keys: KeyServiceAsyncStub
    people: PersonServiceAsyncStub
    audit: AuditServiceAsyncStub
    operations: OperationServiceAsyncStub
    review: ReviewServiceAsyncStub
    snapshots: SnapshotServiceAsyncStub
    models: ModelServiceAsyncStub
    discovery: DiscoveryServiceAsyncStub
    uploads: UploadServiceAsyncStub
    imports: ImportServiceAsyncStub
    transfer: TransferServiceAsyncStub
    packs: PackServiceAsyncStub
    views: ViewServiceAsyncStub
    health_check: grpc.aio.UnaryUnaryMultiCallable[bytes, bool]

    @staticmethod
    def open(settings: Settings) -> AsyncLink:
        """A link to the server; it connects with the first call."""
        credentials, options = settings.credentials(), settings.options()
        target = Target.parse(settings.target).for_grpc()
        channel = (
            grpc.aio.insecure_channel(target, options)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, options)
        )
        visual_search: Any = visual_search_service_pb2_grpc.VisualSearchServiceStub(channel)
        catalog: Any = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        server: Any = server_service_pb2_grpc.ServerServiceStub(channel)
        explain: Any = explain_service_pb2_grpc.ExplainServiceStub(channel)
        feedback: Any = feedback_service_pb2_grpc.FeedbackServiceStub(channel)
        keys: Any = key_service_pb2_grpc.KeyServiceStub(channel)
        people: Any = person_service_pb2_grpc.PersonServiceStub(channel)
        audit: Any = audit_service_pb2_grpc.AuditServiceStub(channel)
        operations: Any = operation_service_pb2_grpc.OperationServiceStub(channel)
        review: Any = review_service_pb2_grpc.ReviewServiceStub(channel)
        snapshots: Any = snapshot_service_pb2_grpc.SnapshotServiceStub(channel)
        models: Any = model_service_pb2_grpc.ModelServiceStub(channel)
        discovery: Any = discovery_service_pb2_grpc.DiscoveryServiceStub(channel)
        uploads: Any = upload_service_pb2_grpc.UploadServiceStub(channel)
        imports: Any = import_service_pb2_grpc.ImportServiceStub(channel)
        transfer: Any = transfer_service_pb2_grpc.TransferServiceStub(channel)
        packs: Any = pack_service_pb2_grpc.PackServiceStub(channel)
        views: Any = view_service_pb2_grpc.ViewServiceStub(channel)
        return AsyncLink(
            channel,
            cast("VisualSearchServiceAsyncStub", visual_search),
            cast("CatalogServiceAsyncStub", catalog),
            cast("ServerServiceAsyncStub", server),
            cast("ExplainServiceAsyncStub", explain),
            cast("FeedbackServiceAsyncStub", feedback),
            cast("KeyServiceAsyncStub", keys),
            cast("PersonServiceAsyncStub", people),
            cast("AuditServiceAsyncStub", audit),
            cast("OperationServiceAsyncStub", operations),
            cast("ReviewServiceAsyncStub", review),
            cast("SnapshotServiceAsyncStub", snapshots),
            cast("ModelServiceAsyncStub", models),
            cast("DiscoveryServiceAsyncStub", discovery),
            cast("UploadServiceAsyncStub", uploads),
            cast("ImportServiceAsyncStub", imports),
            cast("TransferServiceAsyncStub", transfer),
            cast("PackServiceAsyncStub", packs),
            cast("ViewServiceAsyncStub", views),
            channel.unary_unary(_HEALTH_CHECK, request_serializer=bytes, response_deserializer=_is_serving),
        )


def _service_config(max_attempts: int, *, spread: bool) -> str:
    method: dict[str, Any] = {"name": [{}]}  # every method of every service
    if max_attempts > 1:
        method["retryPolicy"] = {
            "maxAttempts": max_attempts,
            "initialBackoff": f"{FIRST_PAUSE_SECONDS}s",
            "maxBackoff": f"{LONGEST_PAUSE_SECONDS}s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
    # What a stream sends while gRPC repeats a broken call may get lost between the two, on a busy machine, and both
    # sides then wait. The client repeats streams itself.
    streams = [{"service": f"steeple.v1.{service}", "method": name} for service, name in _SENDING_STREAMS]
    config: dict[str, Any] = {"methodConfig": [method, {"name": streams}]}
    if spread:  # and no new call goes to a server that says, by grpc.health.v1, that it stops
        config |= {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
    return json.dumps(config)


def _is_serving(response: bytes) -> bool:
    # A HealthCheckResponse is its field 1, a varint. Read by hand: its stubs come only with the server extra.
    return response[:2] == bytes([1 << 3, _SERVING])


def _version() -> str:
    try:
        return metadata.version("steeple")
    except metadata.PackageNotFoundError:  # run from the source tree, or packed into a phone application
        return "unknown"
