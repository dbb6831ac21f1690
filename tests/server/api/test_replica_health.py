"""A server that cannot follow what others change says so by its health, and takes that back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]

from steeple.server.following import following

pytestmark = pytest.mark.engines

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def let_connect(url: str, allowed: bool) -> None:
    """Whether servers may connect to a database; if not, those that are connected are thrown out."""
    import psycopg  # noqa: PLC0415 - it is not installed everywhere
    from psycopg import sql  # noqa: PLC0415

    server, _, name = url.replace("+psycopg", "").rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(sql.Identifier(name), sql.Literal(allowed))
        )
        if not allowed:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


async def test_a_server_that_cannot_follow_is_not_serving_and_then_is(
    start: Any, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOST_AFTER_SECONDS", 2.0)
    async with start(database_url=postgres_url, images_url=str(tmp_path / "photos")) as running:
        watch = running.health.Watch(health_pb2.HealthCheckRequest())
        try:
            assert (await watch.read()).status == SERVING
            let_connect(postgres_url, False)
            try:
                assert (await watch.read()).status == NOT_SERVING
            finally:
                let_connect(postgres_url, True)
            assert (await watch.read()).status == SERVING
        finally:
            watch.cancel()
