"""Resource names, ids, language tags and labels: never a path, whatever they read."""

from __future__ import annotations

import re

from steeple.errors import InvalidArgumentError
from steeple.server.api import names
from steeple.server.catalogue import ids, limits


def seeds() -> list[bytes]:
    """One of each."""
    return [
        b"landmarks/big-ben",
        b"landmarks/a/images/b-2",
        b"models/delf-lite2-v1",
        b"keys/k2",
        b"zh-Hant-TW",
        "Zoë".encode(),
    ]


def check(data: bytes) -> None:
    """It is refused, or it is made of the letters that ids are made of."""
    text = data.decode("utf-8", "replace")
    for parse in (names.parse_landmark, names.parse_key, lambda name: "".join(names.parse_image(name))):
        try:
            assert re.fullmatch("[a-z0-9-]{1,126}", parse(text))
        except InvalidArgumentError as error:
            assert error.metadata["field"]  # noqa: PT017 - the other outcome is as good
    assert re.fullmatch("([a-z0-9][a-z0-9-]*[a-z0-9]|[a-z0-9])?", ids.slug(text))
    assert len(ids.slug(text)) <= ids.MAX_LENGTH
    ids.check_id(next(ids.landmark_ids(text)), "id")
    for refuse in (lambda: limits.check_aliases({text: ["x"]}), lambda: limits.check_labels([text])):
        try:
            refuse()
        except InvalidArgumentError as error:
            assert error.metadata["field"]  # noqa: PT017 - the other outcome is as good
