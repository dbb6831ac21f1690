"""Servers with a flaw each, which the checker has to find, beside one without."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from steeple.server.api.lifecycle import Server as SteepleServer
from steeple.server.settings import Settings
from steeple.v1 import catalog_service_pb2 as catalog
from tests.history import generator
from tests.history.checker import Violation, check
from tests.history.clients import Client, Server, clock
from tests.history.operations import History, Recorder
from tests.history.runner import everything

SEED = 6
CLIENTS = 3
LANDMARKS = generator.LANDMARKS[:3]
STEPS = 60
ROUNDS = 8  # at most; most flaws show in the first

Proceed = Callable[[Any], Awaitable[Any]]
Flaw = Callable[[str, Any, Proceed], Awaitable[Any]]


class Flawed(grpc.aio.ServerInterceptor):
    """Lets a flaw answer unary calls; it is given the method's name, the request, and the way to the real answer."""

    def __init__(self, flaw: Flaw) -> None:
        self._flaw = flaw

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        async def answer(request: Any, context: Any) -> Any:
            return await self._flaw(
                details.method.rpartition("/")[2], request, lambda it: handler.unary_unary(it, context)
            )

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


@contextmanager
def serving(data_dir: Path, flaw: Flaw | None = None) -> Iterator[int]:
    """A server on a thread of its own; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begin() -> tuple[SteepleServer, int]:
        settings = Settings.load(address="127.0.0.1:0", data_dir=data_dir, deleted_retention_days=30)
        server = SteepleServer(settings, interceptors=() if flaw is None else (Flawed(flaw),))
        port = await server.start()
        await server.ready()
        return server, port

    try:
        server, port = asyncio.run_coroutine_threadsafe(begin(), loop).result(60)
        yield port
        asyncio.run_coroutine_threadsafe(server.stop(5.0), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Checked:
    """Clients of one server after another, and the verdict on all of it."""

    def __init__(self) -> None:
        self._recorder = Recorder()
        self._server = Server()
        self._now = clock()
        self._served = itertools.count()

    def work(self, port: int, *, audited: bool = False) -> None:
        """Some steps of some clients, and then perhaps a look at everything."""
        number = next(self._served)
        with self._server.up(number, f"127.0.0.1:{port}"):
            every = [
                itertools.islice(generator.steps(SEED + number, each, LANDMARKS), STEPS) for each in range(CLIENTS)
            ]
            threads = [
                threading.Thread(target=self._client(CLIENTS * number + each).work, args=(steps,))
                for each, steps in enumerate(every)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if audited:
                self._client(-1 - number).work(everything())
        self._recorder.ended(self._now(), number, "stopped")

    def history(self) -> History:
        return self._recorder.history(SEED, retained=True)

    def violations(self) -> list[Violation]:
        return check(self.history())

    def _client(self, number: int) -> Client:
        return Client(number, self._server, self._recorder, self._now, lambda: False)


async def acknowledges_without_storing(method: str, request: Any, proceed: Proceed) -> Any:
    if method == "CreateReferenceImage" and request.reference_image_id == "b":
        image = request.reference_image
        image.name = f"{request.parent}/images/b"
        return catalog.CreateReferenceImageResponse(reference_image=image)
    return await proceed(request)


async def acknowledges_without_removing(method: str, request: Any, proceed: Proceed) -> Any:
    if method == "DeleteReferenceImage" and request.name.endswith("/a"):
        return catalog.DeleteReferenceImageResponse()
    return await proceed(request)


def finds_what_it_found_before() -> Flaw:
    answers: dict[bytes, Any] = {}

    async def flaw(method: str, request: Any, proceed: Proceed) -> Any:
        if method != "Identify":
            return await proceed(request)
        query = request.SerializeToString(deterministic=True)
        if query not in answers:
            answers[query] = await proceed(request)
        return answers[query]

    return flaw


async def forgets_request_ids(_method: str, request: Any, proceed: Proceed) -> Any:
    if hasattr(request, "request_id"):
        request.request_id = ""
    return await proceed(request)


async def ignores_etags(method: str, request: Any, proceed: Proceed) -> Any:
    if method == "UpdateLandmark":
        request.landmark.etag = ""
    return await proceed(request)


FLAWS: dict[str, Callable[[], Flaw]] = {
    "acknowledges without storing": lambda: acknowledges_without_storing,
    "acknowledges without removing": lambda: acknowledges_without_removing,
    "finds what it found before": finds_what_it_found_before,
    "forgets request ids": lambda: forgets_request_ids,
    "ignores etags": lambda: ignores_etags,
}


def test_nothing_is_wrong_with_a_server_as_it_is(tmp_path: Path) -> None:
    checked = Checked()
    with serving(tmp_path / "data") as port:
        checked.work(port, audited=True)
    assert [str(one) for one in checked.violations()] == []
    assert len(checked.history().operations) > CLIENTS * STEPS / 2


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_is_found(tmp_path: Path, name: str) -> None:
    checked = Checked()
    with serving(tmp_path / "data", FLAWS[name]()) as port:
        for _ in range(ROUNDS):
            checked.work(port)
            if checked.violations():
                return
    pytest.fail(f"not found in {len(checked.history().operations)} operations")


def test_changes_that_a_restart_loses_are_missed(tmp_path: Path) -> None:
    checked = Checked()
    with serving(tmp_path / "data"):
        pass
    shutil.copytree(tmp_path / "data", tmp_path / "before")
    with serving(tmp_path / "data") as port:
        checked.work(port)
    assert checked.violations() == []
    with serving(tmp_path / "before") as port:
        checked.work(port)
    assert checked.violations() != []
