from __future__ import annotations

from typing import Any

import pytest

from steeple.client import Client
from steeple.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "source"),
        ({"upload": "a", "folder": "b"}, "source"),
        ({"folder": "a", "on_existing": "replace"}, "on_existing"),
        ({"folder": "a", "duplicates": "maybe"}, "duplicates"),
    ],
)
def test_what_makes_no_sense_is_not_sent(options: dict[str, Any], field: str) -> None:
    with Client("localhost:1") as client, pytest.raises(InvalidArgumentError) as caught:
        client.import_reference_images(**options)
    assert caught.value.metadata["field"] == field
