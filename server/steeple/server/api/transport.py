"""How connections are kept, found dead and let go; the SDK's side is ``steeple.client._transport``."""

from __future__ import annotations

from typing import Final

from steeple.server.settings import Settings

LEAST_PING_SECONDS: Final = 10
"""Clients that send pings more often than this are cut off (ENHANCE_YOUR_CALM); the SDK's send one in 30 seconds."""

_GRACE_SECONDS: Final = 300  # for calls, cameras among them, of a connection that has come of age


def channel_options(settings: Settings) -> list[tuple[str, int]]:
    """Arguments of a gRPC server."""
    options = {
        "grpc.max_receive_message_length": settings.max_message_bytes,
        "grpc.max_send_message_length": -1,
        # Without this, two servers on one port would each get some of the calls.
        "grpc.so_reuseport": 0,
        # A client that has vanished without a word does not answer a ping.
        "grpc.keepalive_time_ms": round(1000 * settings.keepalive_seconds),
        "grpc.keepalive_timeout_ms": round(1000 * settings.keepalive_timeout_seconds),
        # Newer versions of gRPC wait a minute for the answer, whatever the other option says.
        "grpc.http2.ping_timeout_ms": round(1000 * settings.keepalive_timeout_seconds),
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.max_pings_without_data": 0,  # any number, or a quiet camera would go unwatched
        # What clients may do.
        "grpc.http2.min_ping_interval_without_data_ms": 1000 * LEAST_PING_SECONDS,
    }
    if settings.max_connection_idle_seconds:
        options["grpc.max_connection_idle_ms"] = round(1000 * settings.max_connection_idle_seconds)
    if settings.max_connection_age_seconds:
        options["grpc.max_connection_age_ms"] = round(1000 * settings.max_connection_age_seconds)
        options["grpc.max_connection_age_grace_ms"] = 1000 * _GRACE_SECONDS
    return list(options.items())
