# Made from _async/client.py by tools/generate_sync_client.py; do not edit.
"""The client that applications use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from steeple.client._photos import PhotoReader
from steeple.client._sync.catalogue import CatalogueCalls
from steeple.client._sync.connection import Connection
from steeple.client._sync.discoveries import DiscoveryCalls
from steeple.client._sync.feedback import FeedbackCalls
from steeple.client._sync.files import FileCalls
from steeple.client._sync.history import HistoryCalls
from steeple.client._sync.imports import ImportCalls
from steeple.client._sync.keys import KeyCalls
from steeple.client._sync.models import ModelCalls
from steeple.client._sync.operations import OperationCalls
from steeple.client._sync.packs import PackCalls
from steeple.client._sync.people import PersonCalls
from steeple.client._sync.review import ReviewCalls
from steeple.client._sync.search import SearchCalls
from steeple.client._sync.server import ServerCalls
from steeple.client._sync.snapshots import SnapshotCalls
from steeple.client._sync.transfer import TransferCalls
from steeple.client._sync.views import ViewCalls
from steeple.client._tracing import Tracing
from steeple.client._transport import Settings
from steeple.delf.release import DEFAULT_RELEASE

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


class Client(
    SearchCalls,
    FeedbackCalls,
    CatalogueCalls,
    ServerCalls,
    KeyCalls,
    PersonCalls,
    HistoryCalls,
    OperationCalls,
    SnapshotCalls,
    ModelCalls,
    ReviewCalls,
    ImportCalls,
    FileCalls,
    TransferCalls,
    DiscoveryCalls,
    PackCalls,
    ViewCalls,
):
    """A Steeple server, or several of one catalogue.

    It connects with the first call, reconnects by itself, and may be shared. Use it in a ``with`` block, or
    call :meth:`close`.

    Every call has a deadline. What the server could not be reached for is tried again, with pauses that grow;
    that is safe, because a change carries an id by which the server recognises a repeat.

    Every error is one of :mod:`steeple.errors`; any call can raise UnavailableError, DeadlineExceededError,
    and FailedPreconditionError after :meth:`close`.

    Args:
        target: ``host:port``; several servers of one catalogue, between which calls are spread, as
            ``host:port,host:port`` or ``dns:///host:port``; or any other gRPC target.
        release: Model release to extract with: the name of one that ships with Steeple, or a folder.
        timeout: Seconds for a call that does not say otherwise.
        long_timeout: The same for calls that move a whole photo or may delete many.
        tls: Whether to talk TLS, trusting the certificates that come with gRPC.
        root_certificates: PEM file of the certificates to trust instead; turns TLS on.
        max_attempts: How often a call is sent at most, 1 to 5.
        extractors: How many photos are prepared at a time; each takes a thread and, for features, an extractor.
        channel_options: More arguments of the gRPC channel; they override the client's.
        key: What the server knows the caller by, ``stp_...``, or the secret of a session (:meth:`sign_in`). Without
            TLS, anybody on the way can read it.
        client_certificate: PEM file, for servers that ask clients for one; turns TLS on. Needs ``client_key``.
        client_key: PEM file of its private key.
        tracer_provider: Of OpenTelemetry: calls and extraction become spans, and the server's become part of the same
            trace. None: nothing is traced.

    Raises:
        InvalidArgumentError: If an argument is out of its limits.
    """

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        release: str | os.PathLike[str] = DEFAULT_RELEASE,
        timeout: float = 10.0,
        long_timeout: float = 60.0,
        tls: bool = False,
        root_certificates: str | os.PathLike[str] | None = None,
        max_attempts: int = 4,
        extractors: int = 1,
        channel_options: Sequence[tuple[str, str | int]] = (),
        key: str | None = None,
        client_certificate: str | os.PathLike[str] | None = None,
        client_key: str | os.PathLike[str] | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        settings = Settings(
            target,
            timeout,
            long_timeout,
            max_attempts,
            tls,
            root_certificates,
            channel_options,
            key,
            client_certificate,
            client_key,
        )
        connection = Connection(settings, PhotoReader(release, extractors), Tracing(tracer_provider))
        SearchCalls.__init__(self, connection)
        FeedbackCalls.__init__(self, connection)
        CatalogueCalls.__init__(self, connection)
        ServerCalls.__init__(self, connection)
        KeyCalls.__init__(self, connection)
        PersonCalls.__init__(self, connection)
        HistoryCalls.__init__(self, connection)
        OperationCalls.__init__(self, connection)
        SnapshotCalls.__init__(self, connection)
        ModelCalls.__init__(self, connection)
        ReviewCalls.__init__(self, connection)
        ImportCalls.__init__(self, connection)
        DiscoveryCalls.__init__(self, connection)
        FileCalls.__init__(self, connection)
        TransferCalls.__init__(self, connection)
        PackCalls.__init__(self, connection)
        ViewCalls.__init__(self, connection)

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the server is up and says, by ``grpc.health.v1``, that it serves.

        Raises:
            UnavailableError: If that takes longer than ``timeout`` seconds.
        """
        self._connection.wait_until_ready(timeout)

    def close(self) -> None:
        """Cancels the calls under way and disconnects. May be called again."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
