"""How many lists of each segment a search has Milvus visit: what it is asked, on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import grpc
import pytest

from steeple.delf import ModelRelease
from steeple.server.index.milvus import MilvusConnection, MilvusIndex
from steeple.server.index.milvus.contract import contract
from tests.server.index.descriptors import descriptors

pytestmark = pytest.mark.engines  # the package pymilvus has the messages

RELEASE = ModelRelease.load()


class Asked(grpc.GenericRpcHandler):
    """Takes searches, finds nothing, and keeps what was asked."""

    def __init__(self) -> None:
        self.searches: list[Any] = []

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        if not handler_call_details.method.endswith("/Search"):
            return None
        messages = contract().milvus

        def found(request: Any, _: grpc.ServicerContext) -> Any:
            self.searches.append(request)
            return messages.SearchResults()

        return grpc.unary_unary_rpc_method_handler(
            found, messages.SearchRequest.FromString, messages.SearchResults.SerializeToString
        )


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def connection(asked: Asked) -> Iterator[MilvusConnection]:
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, handlers=[asked])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        opened = MilvusConnection(f"http://127.0.0.1:{port}")
        yield opened
        opened.close()
        server.stop(None).wait()


@pytest.mark.parametrize(("probes", "visited"), [(RELEASE.index.probes, 8), (64, 32), (5, 2), (1, 1)])
def test_a_search_visits_half_as_many_lists_of_a_segment_as_the_release_has_probes(
    connection: MilvusConnection, asked: Asked, probes: int, visited: int
) -> None:
    release = replace(RELEASE, index=replace(RELEASE.index, probes=probes))
    found = MilvusIndex(connection, release).search(descriptors(1, 3), 4)
    assert (found.image_keys == -1).all()
    [search] = asked.searches
    said = {one.key: one.value for one in search.search_params}
    assert (json.loads(said["params"]), said["topk"], search.nq) == ({"nprobe": visited}, "4", 3)
