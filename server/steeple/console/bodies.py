"""What browsers send, no more of it and for no longer than it may be."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from starlette.types import Message, Receive

from steeple.errors import DeadlineExceededError, ResourceExhaustedError

HTTP_STATUS: Final = "http_status"
"""Metadata of errors that HTTP has a status of its own for."""


@dataclass(frozen=True)
class BodyLimits:
    """What the body of a request may be.

    Attributes:
        bytes: It has no more.
        pause: Seconds between two parts of it, at most.
        seconds: It takes no longer.
    """

    bytes: int
    pause: float
    seconds: float


FROM_STRANGERS: Final = BodyLimits(bytes=64 * 1024, pause=5.0, seconds=10.0)
"""Of forms that anybody may send."""

FROM_PEOPLE: Final = BodyLimits(bytes=512 * 2**20, pause=60.0, seconds=3600.0)
"""Of forms of who has signed in; photos among them."""


def limited(receive: Receive, limits: BodyLimits) -> Receive:
    """Receives a request's body as far as it keeps to its limits.

    Raises:
        ResourceExhaustedError: When too much of it has come. From what is received, not from here.
        DeadlineExceededError: When it takes too long. The same.
    """
    began, taken, ended = 0.0, 0, False

    async def part() -> Message:
        nonlocal began, taken, ended
        if ended:
            return await receive()  # that the browser has gone
        now = time.monotonic()
        began = began or now
        left = min(limits.pause, began + limits.seconds - now)
        try:
            message = await asyncio.wait_for(receive(), max(0.0, left))
        except TimeoutError:
            raise DeadlineExceededError(
                "the request did not come to its end in time; send it again", **{HTTP_STATUS: "408"}
            ) from None
        if message["type"] != "http.request":
            ended = True
            return message
        ended = not message.get("more_body", False)
        taken += len(message.get("body", b""))
        if taken > limits.bytes:
            raise ResourceExhaustedError(
                f"that is too much to send at once; this takes up to {limits.bytes / 1e6:,.1f} MB",
                **{HTTP_STATUS: "413"},
            )
        return message

    return part
