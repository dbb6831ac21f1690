"""The client that applications use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from steeple.client._async.catalogue import AsyncCatalogueCalls
from steeple.client._async.connection import AsyncConnection
from steeple.client._async.discoveries import AsyncDiscoveryCalls
from steeple.client._async.feedback import AsyncFeedbackCalls
from steeple.client._async.files import AsyncFileCalls
from steeple.client._async.history import AsyncHistoryCalls
from steeple.client._async.imports import AsyncImportCalls
from steeple.client._async.keys import AsyncKeyCalls
from steeple.client._async.models import AsyncModelCalls
from steeple.client._async.operations import AsyncOperationCalls
from steeple.client._async.packs import AsyncPackCalls
from steeple.client._async.people import AsyncPersonCalls
from steeple.client._async.review import AsyncReviewCalls
from steeple.client._async.search import AsyncSearchCalls
from steeple.client._async.server import AsyncServerCalls
from steeple.client._async.snapshots import AsyncSnapshotCalls
from steeple.client._async.transfer import AsyncTransferCalls
from steeple.client._async.views import AsyncViewCalls
from steeple.client._photos import PhotoReader
from steeple.client._tracing import Tracing
from steeple.client._transport import Settings
from steeple.delf.release import DEFAULT_RELEASE

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


class AsyncClient(
    AsyncSearchCalls,
    AsyncFeedbackCalls,
    AsyncCatalogueCalls,
    AsyncServerCalls,
    AsyncKeyCalls,
    AsyncPersonCalls,
    AsyncHistoryCalls,
    AsyncOperationCalls,
    AsyncSnapshotCalls,
    AsyncModelCalls,
    AsyncReviewCalls,
    AsyncImportCalls,
    AsyncFileCalls,
    AsyncTransferCalls,
    AsyncDiscoveryCalls,
    AsyncPackCalls,
    AsyncViewCalls,
):
    """A Steeple server, or several of one catalogue.

    It connects with the first call, reconnects by itself, and may be shared. Use it in a ``with`` block, or
    call :meth:`close`. Asynchronous clients belong to the event loop of their first call.

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
        connection = AsyncConnection(settings, PhotoReader(release, extractors), Tracing(tracer_provider))
        AsyncSearchCalls.__init__(self, connection)
        AsyncFeedbackCalls.__init__(self, connection)
        AsyncCatalogueCalls.__init__(self, connection)
        AsyncServerCalls.__init__(self, connection)
        AsyncKeyCalls.__init__(self, connection)
        AsyncPersonCalls.__init__(self, connection)
        AsyncHistoryCalls.__init__(self, connection)
        AsyncOperationCalls.__init__(self, connection)
        AsyncSnapshotCalls.__init__(self, connection)
        AsyncModelCalls.__init__(self, connection)
        AsyncReviewCalls.__init__(self, connection)
        AsyncImportCalls.__init__(self, connection)
        AsyncDiscoveryCalls.__init__(self, connection)
        AsyncFileCalls.__init__(self, connection)
        AsyncTransferCalls.__init__(self, connection)
        AsyncPackCalls.__init__(self, connection)
        AsyncViewCalls.__init__(self, connection)

    async def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the server is up and says, by ``grpc.health.v1``, that it serves.

        Raises:
            UnavailableError: If that takes longer than ``timeout`` seconds.
        """
        await self._connection.wait_until_ready(timeout)

    async def close(self) -> None:
        """Cancels the calls under way and disconnects. May be called again."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
