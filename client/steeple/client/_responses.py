"""Reading what a server streams, in each of gRPC's two APIs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final, Generic, TypeAlias, TypeVar

import grpc
import grpc.aio

from steeple.client._errors import abandoned

_T = TypeVar("_T")

StreamCall: TypeAlias = "grpc._CallIterator[_T]"
AsyncStreamCall: TypeAlias = "grpc.aio.StreamStreamCall[Any, _T]"

_STATUS_GRACE: Final = 1.0  # seconds


class Responses(Generic[_T]):
    """The responses of a call."""

    def __init__(self, call: StreamCall[_T]) -> None:
        self._call = call

    def read(self) -> _T | None:
        """The next response; None at the end.

        Raises:
            grpc.RpcError: If the call failed.
        """
        return next(self._call, None)

    def cancel(self) -> None:
        """Ends the call."""
        self._call.cancel()


class AsyncResponses(Generic[_T]):
    """The responses of a call.

    When a server ends a call while a request is being sent, gRPC's asyncio API puts an INTERNAL status of its own
    over the one that the server gave. The server's is kept here and told instead.
    """

    def __init__(self, call: AsyncStreamCall[_T]) -> None:
        self._call = call
        self._ends: list[grpc.aio.AioRpcError] = []
        self._news = asyncio.Event()
        call.add_done_callback(self._ended)

    async def read(self) -> _T | None:
        """The next response; None at the end.

        Raises:
            grpc.RpcError: If the call failed.
            CancelledError: If the client was closed, or the call cancelled, before.
        """
        try:
            return await anext(aiter(self._call), None)
        except asyncio.CancelledError as cancelled:
            raise abandoned(cancelled) from None
        except grpc.aio.AioRpcError as error:
            told = await self._told_by_server(error)
            if told.code() is grpc.StatusCode.OK:
                return None
            raise told from None

    def cancel(self) -> None:
        """Ends the call."""
        self._call.cancel()

    def _ended(self, _: object) -> None:
        # Called with every status, the server's and gRPC's own, in either order.
        self._ends.append(
            grpc.aio.AioRpcError(
                _at_once(self._call.code()),
                grpc.aio.Metadata(),
                _at_once(self._call.trailing_metadata()),
                _at_once(self._call.details()),
            )
        )
        self._news.set()

    async def _told_by_server(self, error: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        if not _is_lost_request(error):
            return error
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STATUS_GRACE):
                while all(_is_lost_request(end) for end in self._ends):
                    self._news.clear()
                    await self._news.wait()
        return next((end for end in self._ends if not _is_lost_request(end)), error)


def _is_lost_request(error: grpc.aio.AioRpcError) -> bool:
    return error.code() is grpc.StatusCode.INTERNAL and error.details() == "Internal error from Core"


def _at_once(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine that has nothing to wait for: a call that is done knows its status."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    coroutine.close()
    raise RuntimeError("gRPC has no status for a call that is done")
