"""Filters, asked of a database."""

from __future__ import annotations

from steeple.errors import InvalidArgumentError
from tests.fuzz.catalogue import LANDMARK, catalogue


def seeds() -> list[bytes]:
    """Every operator and every field."""
    return [
        b'labels:tower AND metadata.wikidata = "Q1" OR NOT active = false',
        b"(reference_image_count >= 1 create_time < 2030-01-01) AND tour",
        b"""display_name != 'Tower 1' metadata:wikidata metadata."wikidata":*""",
        b"aliases:Tour NOT (id = tower-1 OR update_time > 2020-01-01T12:00:00+02:00)",
        b"quality_grade < 3 AND identify_count = 0 OR capture_time = '2024'",
        b"((((((((((((((((((((a))))))))))))))))))))",
        b"a " * 90,
        "\ufdfa ".encode() * 50,
    ]


def check(data: bytes) -> None:
    """It is refused, with a place in it, or the database understands it."""
    text = data.decode("utf-8", "replace")
    for ask in (catalogue().list_landmarks, lambda **given: catalogue().list_images(LANDMARK, **given)):
        try:
            page = ask(filter=text)
        except InvalidArgumentError as error:
            assert error.metadata["field"] == "filter"  # noqa: PT017 - the other outcome is as good
        else:
            assert page.total_size == len(page.items) <= 5
