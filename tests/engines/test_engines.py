"""The engines that other tests use are there, and are what they are taken for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.engines.object_store import ObjectStore

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("wheel", [False, True])
def test_a_postgresql_keeps_what_was_committed_before_a_crash(tmp_path: Path, wheel: bool) -> None:
    import psycopg

    from tests.engines.postgres import PostgresServer, wheel_binaries

    server = PostgresServer(tmp_path / "server", wheel_binaries() if wheel else None)
    server.start()
    try:
        url = server.database("some")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
        server.stop(signal.SIGQUIT)
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]
    finally:
        server.stop()


def test_milvus_answers(milvus_uri: str) -> None:
    from pymilvus import MilvusClient

    client = MilvusClient(uri=milvus_uri)
    assert client.get_server_version().startswith("v2.3.5")
    client.close()


def test_an_s3_server_keeps_objects(object_store: ObjectStore, bucket_url: str) -> None:
    import fsspec

    assert os.environ["AWS_ENDPOINT_URL"] == object_store.endpoint
    files, root = fsspec.url_to_fs(bucket_url)
    files.pipe_file(f"{root}/one", b"1")
    assert files.cat_file(f"{root}/one") == b"1"
