"""One server: calls with deadlines, and errors as they should be."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

import grpc
import grpc.aio

from steeple.client._async.listing import AsyncListing
from steeple.client._concurrency import in_thread_async, response_async, result_async, sleep_async
from steeple.client._errors import closed, failure_of
from steeple.client._photos import Photo, PhotoReader, Source
from steeple.client._requests import Page, PagedRequest, checked_page_size
from steeple.client._tracing import Tracing
from steeple.client._transport import FIRST_PAUSE_SECONDS, AsyncLink, Settings, check_timeout
from steeple.client.listing import ListPage
from steeple.delf.release import ModelRelease
from steeple.errors import (
    FailedPreconditionError,
    ModelMismatchError,
    NotFoundError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)
from steeple.v1.visual_search_service_pb2 import GetModelRequest, ListModelsRequest

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Paged = TypeVar("_Paged", bound=PagedRequest)
_Page = TypeVar("_Page", bound=Page)
_Item = TypeVar("_Item")

_SURELY_TAKEN: Final = 64 * 1024
"""Bytes of a request that every server takes, however it is set."""

_POLL_FIRST: Final = 0.05  # seconds between health checks, doubled up to
_POLL_LAST: Final = 1.0


class AsyncConnection:
    """A server and the photos on their way to it."""

    def __init__(self, settings: Settings, photos: PhotoReader, tracing: Tracing) -> None:
        self.settings = settings
        self.tracing = tracing
        self._photos = photos
        self._link: AsyncLink | None = None
        self._closed = False
        self._release_is_served = False
        self._max_message_bytes: int | None = None  # until the server has said
        self._opening = threading.Lock()  # never held while waiting

    @property
    def link(self) -> AsyncLink:
        """The channel, opened at first use, and its stubs.

        Raises:
            FailedPreconditionError: If the client is closed.
        """
        with self._opening:
            self._raise_if_closed()
            if self._link is None:
                self._link = AsyncLink.open(self.settings)
            return self._link

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries: the key, and the span that it is part of."""
        return (*self.settings.metadata(), *(self.tracing.metadata() or ()))

    async def prepare(
        self, photo: Photo, *, upload: bool, timeout: float | None, budgets: Sequence[int] = ()
    ) -> Source:
        """What is sent of a photo.

        Before the first features made here are sent, the server is asked whether it can compare them; and before the
        first photo of some size, how large a request may be.

        Args:
            photo: The photo.
            upload: Whether the photo itself is sent.
            timeout: Seconds for the question.
            budgets: Bytes of each message of features; none: all features go in one.

        Raises:
            ModelMismatchError: If it cannot.
            ResourceExhaustedError: If the photo, or its features, are larger than the server takes.
        """
        self._raise_if_closed()
        with self.tracing.span("prepare"):
            source = await result_async(self._photos.prepare(photo, upload=upload, budgets=budgets))
        if source.extracted_with is not None and not self._release_is_served:
            await self._check_release(source.extracted_with, timeout)
        if source.size > _SURELY_TAKEN:
            await self._check_size(source.size, timeout)
        return source

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        *,
        timeout: float | None,
        long: bool = False,
    ) -> _Response:
        """The response to a request.

        gRPC itself tries again what was UNAVAILABLE, on another server if there are several. A server at its limit says
        after how long to ask again, and is obeyed as long as the deadline allows.

        Args:
            method: Of a stub.
            request: The same object, and so the same ``request_id``, for every attempt.
            timeout: Seconds for all attempts; None: the client's own.
            long: Whether the client's own is its long one.
        """
        with self.tracing.call(type(request).__name__.removesuffix("Request")):
            return await self._attempts(method, request, timeout, long=long)

    def listing(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Paged, _Page],
        request: _Paged,
        read: Callable[[_Page], Iterable[_Item]],
        *,
        timeout: float | None,
    ) -> AsyncListing[_Item]:
        """A list, each page of which is fetched when it is asked for.

        Args:
            method: Of a stub.
            request: For the first page.
            read: What is in a page.
            timeout: Seconds for each page; None: the client's own.

        Raises:
            InvalidArgumentError: If the request's ``page_size`` is not positive.
        """
        checked_page_size(request.page_size)

        async def fetch(token: str) -> ListPage[_Item]:
            self._raise_if_closed()
            asked = type(request)()
            asked.CopyFrom(request)
            asked.page_token = token
            page = await self.call(method, asked, timeout=timeout)
            return ListPage(tuple(read(page)), page.next_page_token, getattr(page, "total_size", None))

        return AsyncListing(fetch)

    async def _attempts(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        timeout: float | None,
        *,
        long: bool,
    ) -> _Response:
        if timeout is None:
            timeout = self.settings.long_timeout if long else self.settings.timeout
        deadline = time.monotonic() + check_timeout(timeout)
        attempt = 1
        while True:
            try:
                remaining = max(0.0, deadline - time.monotonic())
                return await response_async(method(request, timeout=remaining, metadata=self.metadata()))
            except grpc.RpcError as error:
                failure = failure_of(error, target=self.settings.target, timeout=timeout)
                delay = failure.retry_delay if isinstance(failure.error, ResourceExhaustedError) else None
                if failure.lost:
                    delay = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
                if delay is None or attempt >= self.settings.max_attempts or time.monotonic() + delay >= deadline:
                    raise failure.error from error
            except ValueError:  # gRPC's word for a channel that another thread has closed since
                if self._closed:
                    raise closed() from None
                raise
            attempt += 1
            await sleep_async(delay)

    async def send(
        self, method: grpc.aio.StreamUnaryMultiCallable[_Request, _Response], requests: Sequence[_Request]
    ) -> _Response:
        """The response to a stream of requests, within the client's long timeout; whoever calls tries again."""
        timeout = self.settings.long_timeout
        with self.tracing.call(type(requests[0]).__name__.removesuffix("Request")):
            try:
                return await response_async(method(iter(requests), timeout=timeout, metadata=self.metadata()))
            except grpc.RpcError as error:
                raise failure_of(error, target=self.settings.target, timeout=timeout).error from error

    async def receive(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[_Request, _Response],
        request: _Request,
        take: Callable[[_Response], Awaitable[None]],
    ) -> None:
        """Gives ``take`` the responses to a request, within the client's long timeout; whoever calls tries again."""
        timeout = self.settings.long_timeout
        with self.tracing.call(type(request).__name__.removesuffix("Request")):
            call = method(request, timeout=timeout, metadata=self.metadata())
            try:
                async for response in call:
                    await take(response)
            except grpc.RpcError as error:
                raise failure_of(error, target=self.settings.target, timeout=timeout).error from error
            finally:
                call.cancel()

    async def wait_until_ready(self, timeout: float) -> None:
        """Returns when the server says that it serves; see the client."""
        deadline = time.monotonic() + check_timeout(timeout)
        pause, last = _POLL_FIRST, "it cannot be reached"
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                metadata = self.metadata()
                check = self.link.health_check(b"", timeout=remaining, metadata=metadata, wait_for_ready=True)
                if await response_async(check):
                    return
                last = "it is up but not ready to serve"
            except grpc.RpcError as error:
                failure = failure_of(error, target=self.settings.target, timeout=timeout)
                if not _passes(failure.error):
                    raise failure.error from error
            await sleep_async(max(0.0, min(pause, deadline - time.monotonic())))
            pause = min(2 * pause, _POLL_LAST)
        raise UnavailableError(f"the server at {self.settings.target} was not ready within {timeout:g} s: {last}")

    async def close(self) -> None:
        """Cancels what is under way."""
        with self._opening:
            link, self._link, self._closed = self._link, None, True
        if link is not None:
            await link.channel.close()
        await in_thread_async(self._photos.close)

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise FailedPreconditionError("the client is closed; make another")

    async def _check_size(self, size: int, timeout: float | None) -> None:
        if self._max_message_bytes is None:
            answer = await self.call(self.link.visual_search.ListModels, ListModelsRequest(), timeout=timeout)
            self._max_message_bytes = answer.limits.max_message_bytes
        most = self._max_message_bytes
        if 0 < most < size:  # 0: a server of before it said so
            raise ResourceExhaustedError(
                f"the photo makes a request of {size} bytes, and the server takes {most} (its setting "
                "max_message_bytes); send it smaller, or extract its features here",
                max_message_bytes=str(most),
            )

    async def _check_release(self, release: ModelRelease, timeout: float | None) -> None:
        ours = f"models/{release.name}"
        try:
            request = GetModelRequest(name=ours)
            served = (await self.call(self.link.visual_search.GetModel, request, timeout=timeout)).model
        except NotFoundError as error:
            answer = await self.call(self.link.visual_search.ListModels, ListModelsRequest(), timeout=timeout)
            names = ", ".join(model.name.removeprefix("models/") for model in answer.models)
            raise ModelMismatchError(
                f"the server does not serve model release {release.name}; use upload=True, or make the client with "
                f"the release= that it does serve: {names or 'none'}",
                model=ours,
            ) from error
        if served.tflite_sha256 != release.tflite_sha256:
            raise ModelMismatchError(
                f"the network of model release {release.name} differs between this client "
                f"({release.tflite_sha256[:12]}) and the server ({served.tflite_sha256[:12]}); install the same "
                "version of Steeple on both, or use upload=True",
                model=ours,
            )
        self._release_is_served = True


def _passes(error: SteepleError) -> bool:
    """Whether waiting may help."""
    return error.status in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
