"""Spans of what the client does, for OpenTelemetry; nothing unless the application gives a tracer provider."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the extra `tracing`
    from opentelemetry.trace import TracerProvider


class Tracing:
    """Makes the spans of one client.

    Args:
        provider: The application's, of ``opentelemetry-api``; None: no spans, and nothing is imported.
    """

    def __init__(self, provider: TracerProvider | None) -> None:
        self._tracer = None if provider is None else provider.get_tracer("steeple.client")

    def span(self, name: str) -> AbstractContextManager[object]:
        """A part of the work; errors inside are recorded."""
        return nullcontext() if self._tracer is None else self._tracer.start_as_current_span(name)

    def call(self, method: str) -> AbstractContextManager[object]:
        """A call of the server, all its attempts."""
        if self._tracer is None:
            return nullcontext()
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only those who trace have it

        attributes = {"rpc.system": "grpc", "rpc.method": method}
        return self._tracer.start_as_current_span(
            f"steeple.client/{method}", kind=SpanKind.CLIENT, attributes=attributes
        )

    def metadata(self) -> tuple[tuple[str, str], ...] | None:
        """What tells the server of the span that is current, as W3C Trace Context has it; None: nothing."""
        if self._tracer is None:
            return None
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return tuple(carrier.items())
