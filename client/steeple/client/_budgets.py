"""How many bytes of features a request may carry."""

from __future__ import annotations

from typing import Final

from steeple.delf import compact
from steeple.errors import InvalidArgumentError
from steeple.v1.visual_search_service_pb2 import Query

_LEAST: Final = 256
_FRAMING: Final = 24  # bytes: tags and lengths around query and features, and the frame's number


def budgets_of(query: Query, max_bytes: int | None, *, upload: bool, progressive: bool) -> list[int]:
    """Bytes of each message of features; none where all go in one.

    Args:
        query: All of a request but the features.
        max_bytes: Of all requests of a photo together; None: no limit.
        upload: Whether the photo itself is sent.
        progressive: Whether features go in parts.

    Raises:
        InvalidArgumentError: If ``max_bytes`` is too little, or something else contradicts it.
    """
    if max_bytes is None:
        if progressive:
            raise InvalidArgumentError("progressive spends a budget: give max_bytes as well, such as 4096")
        return []
    if upload:
        raise InvalidArgumentError("max_bytes is about features: leave upload out")
    around = query.ByteSize() + _FRAMING
    least = max(_LEAST, around + compact.MIN_BYTES)
    if max_bytes < least:
        raise InvalidArgumentError(f"max_bytes must be at least {least} for this query, not {max_bytes}")
    parts = compact.progressive_budgets(max_bytes) if progressive else [max_bytes]
    return [part - around for part in parts]
