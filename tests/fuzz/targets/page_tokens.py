"""Page tokens of every list: as they come, and with any content that a list would take for its own."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable
from typing import Any

from steeple.errors import InvalidArgumentError
from steeple.server.access import KeyStore
from steeple.server.catalogue import Page, audit
from tests.fuzz.catalogue import LANDMARK, catalogue

Ask = Callable[..., Page[Any]]


def _lists() -> tuple[Ask, ...]:
    made = catalogue()
    return (
        made.list_landmarks,
        functools.partial(made.list_landmarks, order_by="create_time desc, display_name, reference_image_count"),
        functools.partial(made.list_images, LANDMARK),
        KeyStore(made.database).list,
        functools.partial(audit.events, made.database),
    )


@functools.cache
def _names() -> tuple[object, ...]:
    """What the tokens of each list begin with: a version, and the list's own name."""
    first = [ask(page_size=1).next_page_token for ask in _lists()[:4]]
    return (*(_content(token)[:2] for token in first), [2, audit.collection("", "", "", None, None, None)])


def _content(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def seeds() -> list[bytes]:
    """Contents of tokens behind the number of a list, and whole tokens."""
    contents = [
        '"tower-1"',
        '"2026-01-01T00:00:00+00:00","Tower 1",0,"tower-1"',
        "1e400",
        '"\\ud800"',
        '"7"',
        "[[[1]]]",
    ]
    tokens = [b"\xff" + ask(page_size=1).next_page_token.encode() for ask in _lists()[:4]]
    return [bytes([number]) + text.encode() for number in range(5) for text in contents] + tokens


def check(data: bytes) -> None:
    """It is refused as a token, or leads to a page."""
    if not data:
        return
    number = data[0] % len(_lists())
    token = data[1:].decode("utf-8", "replace")
    if data[0] != 0xFF:
        name = json.dumps(_names()[number])[:-1]
        token = base64.urlsafe_b64encode(f"{name},{token}]".encode()).decode().rstrip("=")
    try:
        page = _lists()[number](page_token=token)
    except InvalidArgumentError as error:
        assert error.metadata["field"] == "page_token"  # noqa: PT017 - the other outcome is as good
    else:
        assert len(page.items) <= 5
