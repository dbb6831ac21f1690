"""Spans of calls and their stages, for OpenTelemetry; nothing is imported for a server that does not trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from steeple.errors import FailedPreconditionError
from steeple.recognition.stages import observed

if TYPE_CHECKING:  # the extra `tracing`
    from opentelemetry.trace import Tracer, TracerProvider

_TRACES: Final = "/v1/traces"


class Tracing:
    """Makes the spans of one server's calls.

    Args:
        provider: That spans go to; None: none are made.
        close: Sends what has not been sent, and ends the provider.
    """

    def __init__(self, provider: TracerProvider | None, close: Callable[[], None] = lambda: None) -> None:
        self._tracer = None if provider is None else provider.get_tracer("steeple.server", version("steeple"))
        self.close = close

    @staticmethod
    def to(endpoint: str) -> Tracing:
        """Sends spans to a collector.

        Args:
            endpoint: Of OTLP over HTTP, such as ``http://localhost:4318``; empty: nothing is traced.

        Raises:
            FailedPreconditionError: If OpenTelemetry is not installed.
        """
        if not endpoint:
            return Tracing(None)
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise FailedPreconditionError(
                f"trace_endpoint is set, but {error.name} is not installed: pip install 'steeple[tracing]'"
            ) from error
        provider = TracerProvider(
            resource=Resource.create({"service.name": "steeple", "service.version": version("steeple")}),
            shutdown_on_exit=False,
        )
        url = endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _TRACES
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        return Tracing(provider, provider.shutdown)

    @contextmanager
    def call(
        self, method: str, metadata: Iterable[tuple[str, str | bytes]], request_id: str
    ) -> Iterator[Callable[[str], None]]:
        """The span of a call, around those of its stages.

        Args:
            method: ``steeple.v1.Service/Method``.
            metadata: Of the call; its ``traceparent`` names the caller's span.
            request_id: Of the call.

        Yields:
            To be told the gRPC status that the call ends with.
        """
        if self._tracer is None:
            yield lambda _: None
            return
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        service, _, name = method.partition("/")
        carrier = {key: value for key, value in metadata if isinstance(value, str)}
        with self._tracer.start_as_current_span(
            method,
            context=TraceContextTextMapPropagator().extract(carrier),
            kind=SpanKind.SERVER,
            attributes={
                "rpc.system": "grpc",
                "rpc.service": service,
                "rpc.method": name,
                "steeple.request_id": request_id,
            },
            # What the caller is told is the status; what else there is, is in the log, under the request's id.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def end(status: str) -> None:
                span.set_attribute("rpc.response.status_code", status)
                if status != "OK":
                    span.set_status(StatusCode.ERROR, status)

            with observed(_stages_of(self._tracer)):
                yield end


def _stages_of(tracer: Tracer) -> Callable[[str], AbstractContextManager[object]]:
    def begin(name: str) -> AbstractContextManager[object]:
        return tracer.start_as_current_span(name)

    return begin
