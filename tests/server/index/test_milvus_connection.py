"""The way to Milvus: what it says of a server that is not there, or that refuses."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from steeple.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)
from steeple.server.catalogue import LatLng
from steeple.server.catalogue.regions import NOWHERE, region_of
from steeple.server.index.milvus import MilvusConnection, contract, failures
from steeple.server.index.milvus.collections import alias_of, lists_for, partitions_for
from steeple.server.index_factory import IndexFactory
from tests.engines.ports import free_port

TOKEN = "root:a-secret-that-nobody-reads"  # noqa: S105 - of no server


def status(code: int, *, old: int = 0, retriable: bool = False) -> SimpleNamespace:
    return SimpleNamespace(code=code, error_code=old, reason="some reason", retriable=retriable)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(0), None),
        (status(1, retriable=True), UnavailableError),
        (status(8), ResourceExhaustedError),
        (status(0, old=49), ResourceExhaustedError),
        (status(100), FailedPreconditionError),
        (status(0, old=4), FailedPreconditionError),
        (status(101), UnavailableError),
        (status(1100), InternalError),
        (status(1401), FailedPreconditionError),
        (status(65535), UnavailableError),
    ],
)
def test_what_milvus_answers_has_a_class(answer: SimpleNamespace, kind: type[SteepleError] | None) -> None:
    error = failures.of_status(answer, "search")
    assert (error is None) if kind is None else isinstance(error, kind)
    assert error is None or "Milvus failed to search: some reason" in error.message


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    contract.contract.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "pymilvus.grpc_gen", None)
    with pytest.raises(FailedPreconditionError, match=r"pip install 'steeple\[milvus\]'"):
        MilvusConnection("http://localhost:19530")


@pytest.mark.engines
@pytest.mark.parametrize("uri", ["localhost:19530", "ftp://host", "http://", "http://host:port", "milvus.db"])
def test_what_is_no_uri_is_refused(uri: str) -> None:
    with pytest.raises(InvalidArgumentError, match="http://HOST:PORT"):
        MilvusConnection(uri)


@pytest.mark.engines
def test_a_password_does_not_go_into_the_uri() -> None:
    with pytest.raises(InvalidArgumentError, match="milvus_token") as caught:
        MilvusConnection("http://root:hidden@localhost:19530")
    assert "hidden" not in str(caught.value)


@pytest.mark.engines
def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = MilvusConnection(f"http://127.0.0.1:{free_port()}", SecretStr(TOKEN), timeout=5.0)
    with pytest.raises(UnavailableError, match=r"Milvus at 127.0.0.1:\d+ cannot be reached") as caught:
        connection.version()
    secret = TOKEN.partition(":")[2]
    assert not any(
        secret in text for text in (repr(connection), str(caught.value), caplog.text, repr(vars(caught.value)))
    )
    connection.close()


@pytest.mark.parametrize(
    ("place", "region"),
    [
        (None, NOWHERE),
        (LatLng(-90.0, -180.0), 0),
        (LatLng(0.5, 0.5), 90 * 360 + 180),
        (LatLng(-0.5, -0.5), 89 * 360 + 179),
        (LatLng(90.0, 0.0), 179 * 360 + 180),
        (LatLng(10.0, 180.0), 100 * 360),
        (LatLng(10.0, -180.0), 100 * 360),
    ],
)
def test_a_place_lies_in_a_cell_of_a_degree(place: LatLng | None, region: int) -> None:
    assert region_of(place) == region


def test_names_of_releases_are_told_apart() -> None:
    names = ["delf-lite2-v1", "delf_lite2_v1", "delf-lite2.v1", "délf", "d" * 250 + "é"]
    aliases = [alias_of("steeple", name) for name in names]
    assert aliases[0] == "steeple_delf_lite2_v1"
    assert len(set(aliases)) == len(names)
    assert all(alias.isascii() and alias.replace("_", "").isalnum() for alias in aliases)


def test_lists_and_partitions_grow_with_the_catalogue() -> None:
    factory = IndexFactory.parse("IVF1024,PQ20")
    assert [lists_for(factory, count) for count in (0, 10**6, 10**8)] == [1024, 1024, 4096]
    assert [partitions_for(count) for count in (0, 10**6, 10**7, 10**9)] == [8, 8, 16, 64]
