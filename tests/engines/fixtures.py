"""Engines that tests marked ``engines`` share: each is started once, when the first test asks for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines.milvus_server import MilvusServer
from tests.engines.object_store import ObjectStore

if TYPE_CHECKING:
    from tests.engines.catalogues import Catalogues


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A PostgreSQL server; no test may stop it."""
    from tests.engines.postgres import PostgresServer

    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "server")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def own_postgres_server(tmp_path: Path) -> Iterator[object]:
    """A PostgreSQL server of this test alone, which may stop it."""
    from tests.engines.postgres import PostgresServer

    server = PostgresServer(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def plain_postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A PostgreSQL server without any extension; no test may stop it."""
    from tests.engines.postgres import PostgresServer, wheel_binaries

    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "plain", wheel_binaries())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: object) -> Iterator[str]:
    """SQLAlchemy URL of an empty database, of this test alone."""
    from tests.engines.postgres import PostgresServer

    assert isinstance(postgres_server, PostgresServer)
    name = f"test_{secrets.token_hex(6)}"
    yield postgres_server.database(name)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def postgres_catalogues(postgres_server: object) -> Catalogues:
    """Makes empty catalogues of PostgreSQL."""
    from tests.engines.catalogues import PostgresCatalogues
    from tests.engines.postgres import PostgresServer

    assert isinstance(postgres_server, PostgresServer)
    return PostgresCatalogues(postgres_server)


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.engines)])
def catalogues(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Catalogues:
    """Makes empty catalogues, of one kind of database after the other: a test that uses it is run with each."""
    from tests.engines.catalogues import Catalogues, SqliteCatalogues

    if request.param == "sqlite":
        return SqliteCatalogues(tmp_path_factory.mktemp("catalogues"))
    made = request.getfixturevalue("postgres_catalogues")
    assert isinstance(made, Catalogues)
    return made


@pytest.fixture
def catalogue_url(catalogues: Catalogues) -> Iterator[str]:
    """URL of an empty catalogue of this test alone, which is run with each kind of database."""
    with catalogues.lent() as url:
        yield url


@pytest.fixture
def altered_catalogue_url(catalogues: Catalogues) -> Iterator[str]:
    """The same for a test that changes the tables."""
    url = catalogues.make()
    yield url
    catalogues.destroy(url)


@pytest.fixture(scope="session")
def milvus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Milvus keeps all."""
    return tmp_path_factory.mktemp("milvus") / "server"


@pytest.fixture(scope="session")
def milvus_uri(milvus_folder: Path) -> Iterator[str]:
    """URI of a Milvus that no test may stop; collections must have names of their own."""
    server = MilvusServer(milvus_folder)
    server.start()
    try:
        yield server.uri
    finally:
        server.stop()


@pytest.fixture
def milvus_prefix(milvus_uri: str) -> Iterator[str]:
    """Of names of collections of this test alone, which are dropped after it."""
    from pydantic import SecretStr

    from steeple.server.shared_index.milvus import MilvusEngine

    prefix = f"test_{secrets.token_hex(6)}"
    yield prefix
    with closing(MilvusEngine(milvus_uri, SecretStr(""), prefix=prefix, identity="", kind="IVF_PQ")) as engine:
        for collection in engine.others():
            engine.drop(collection)


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """An S3 server that no test may stop."""
    store = ObjectStore()
    store.start()
    try:
        yield store
    finally:
        store.stop()


@pytest.fixture
def bucket_url(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty bucket, of this test alone; the environment leads there."""
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    return object_store.make_bucket(f"test-{secrets.token_hex(6)}")
