"""Orders of lists, asked of a database."""

from __future__ import annotations

from steeple.errors import InvalidArgumentError
from tests.fuzz.catalogue import LANDMARK, catalogue


def seeds() -> list[bytes]:
    """One field and several."""
    return [b"display_name", b"create_time desc, display_name", b"reference_image_count desc,id asc", b"identify_count"]


def check(data: bytes) -> None:
    """It is refused, or sorts all items, a page at a time."""
    text = data.decode("utf-8", "replace")
    for ask in (catalogue().list_landmarks, lambda **given: catalogue().list_images(LANDMARK, **given)):
        try:
            whole = ask(order_by=text).items
        except InvalidArgumentError as error:
            assert error.metadata["field"] == "order_by"  # noqa: PT017 - the other outcome is as good
            continue
        first = ask(order_by=text, page_size=2)
        rest = ask(order_by=text, page_token=first.next_page_token)
        assert [item.id for item in (*first.items, *rest.items)] == [item.id for item in whole]
