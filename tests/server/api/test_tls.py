"""TLS with real certificates: who is trusted, and how a certificate is renewed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from steeple.client import AsyncClient
from steeple.errors import InvalidArgumentError
from steeple.server.api.certificates import CertificateFiles
from steeple.server.api.lifecycle import Server
from steeple.server.settings import Settings
from steeple.v1.visual_search_service_pb2 import ListModelsRequest
from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceStub

from .conftest import Start


class Authority:
    """Of the test, with a certificate of localhost in files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.ca = trustme.CA()
        self.folder = folder
        self.root = folder / "ca.pem"
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.renew()

    def renew(self) -> None:
        self.ca = trustme.CA()
        self.ca.cert_pem.write_to_path(str(self.root))
        issued = self.ca.issue_cert("localhost")
        self.certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())

    def client(self) -> tuple[bytes, bytes]:
        """Key and certificate of a client."""
        issued = self.ca.issue_cert("app@example.org")
        return issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@asynccontextmanager
async def serving(start: Start, authority: Authority, **more: object) -> AsyncIterator[int]:
    async with start(tls_certificate=authority.certificate, tls_key=authority.key, **more) as running:
        yield running.port


async def answered(port: int, root: bytes, client: tuple[bytes, bytes] | None = None) -> bool:
    """Whether a client that trusts ``root`` gets an answer on a connection of its own."""
    credentials = grpc.ssl_channel_credentials(root, *(client or ()))
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials, options) as channel:
        try:
            await VisualSearchServiceStub(channel).ListModels(ListModelsRequest(), timeout=10)  # type: ignore[misc]
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return False
            raise
    return True


async def test_only_who_trusts_the_certificate_is_answered(start: Start, authority: Authority, tmp_path: Path) -> None:
    async with serving(start, authority) as port:
        assert await answered(port, authority.root.read_bytes())
        assert not await answered(port, Authority(tmp_path / "other").root.read_bytes())
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await VisualSearchServiceStub(channel).ListModels(ListModelsRequest(), timeout=10)  # type: ignore[misc]
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_renewed_certificate_is_used_without_a_restart(start: Start, authority: Authority) -> None:
    async with serving(start, authority) as port:
        first = authority.root.read_bytes()
        assert await answered(port, first)
        authority.renew()
        second = authority.root.read_bytes()
        assert await answered(port, second)
        assert not await answered(port, first)


async def test_what_cannot_be_used_leaves_the_certificate_as_it_was(
    start: Start, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="steeple")
    async with serving(start, authority) as port:
        root, key = authority.root.read_bytes(), authority.key.read_bytes()
        authority.renew()
        new_root, new_key = authority.root.read_bytes(), authority.key.read_bytes()
        authority.key.write_bytes(key)  # as in the middle of a renewal: the key is not that of the certificate
        assert await answered(port, root)
        authority.key.unlink()
        assert await answered(port, root)
        assert "the renewed certificate cannot be used; the old one stays" in caplog.text
        authority.key.write_bytes(new_key)
        assert await answered(port, new_root)


async def test_clients_need_a_certificate_of_the_authority_where_one_is_named(
    start: Start, authority: Authority, tmp_path: Path
) -> None:
    clients = Authority(tmp_path / "clients")
    async with serving(start, authority, tls_client_ca=clients.root) as port:
        root = authority.root.read_bytes()
        assert await answered(port, root, clients.client())
        assert not await answered(port, root)
        assert not await answered(port, root, authority.client())
        key, certificate = tmp_path / "client-key.pem", tmp_path / "client-cert.pem"
        for path, data in zip((key, certificate), clients.client(), strict=True):
            path.write_bytes(data)
        async with AsyncClient(
            f"localhost:{port}", root_certificates=authority.root, client_certificate=certificate, client_key=key
        ) as client:
            assert await client.list_models()
        former = clients.client()
        clients.renew()
        assert await answered(port, root, clients.client())
        assert not await answered(port, root, former)


@pytest.mark.parametrize("spoil", ["missing", "garbage", "foreign key", "encrypted"])
def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path, spoil: str) -> None:
    if spoil == "missing":
        authority.key.unlink()
    elif spoil == "garbage":
        authority.certificate.write_text("no certificate")
    elif spoil == "foreign key":
        authority.key.write_bytes(Authority(tmp_path / "other").key.read_bytes())
    else:
        key = load_pem_private_key(authority.key.read_bytes(), None)
        secret = BestAvailableEncryption(b"secret")
        authority.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    with pytest.raises(InvalidArgumentError, match=r"key\.pem.* cannot be (read|used)"):
        CertificateFiles(authority.certificate, authority.key).credentials()


async def test_a_server_whose_certificate_cannot_be_used_does_not_start(authority: Authority, tmp_path: Path) -> None:
    authority.key.write_text("no key")
    settings = Settings.load(
        address="127.0.0.1:0",
        data_dir=tmp_path / "data",
        tls_certificate=authority.certificate,
        tls_key=authority.key,
    )
    server = Server(settings)
    with pytest.raises(InvalidArgumentError, match="cannot be used"):
        await server.start()
    await server.stop(0)
