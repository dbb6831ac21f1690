"""Ids of landmarks and reference images: the rule, and the choice where the application leaves it to us."""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from steeple.errors import InvalidArgumentError

MAX_LENGTH: Final = 63

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# Latin letters that Unicode does not decompose into a base letter and a mark.
_UNDECOMPOSED: Final = str.maketrans(
    {"æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_LAST_NUMBER: Final = 9


def is_id(value: str) -> bool:
    """Whether it is a well-formed id."""
    return _ID.fullmatch(value) is not None


def check_id(value: str, field: str) -> str:
    """``value``, if it is a well-formed id.

    Raises:
        InvalidArgumentError: If it is not; ``field`` names the culprit.
    """
    if not is_id(value):
        shown = value if len(value) <= MAX_LENGTH else value[:MAX_LENGTH] + "..."
        raise InvalidArgumentError(
            f"{field} must be 1 to {MAX_LENGTH} lower-case letters, digits and hyphens, with a letter or digit first "
            f"and last, not {shown!r}",
            field=field,
        )
    return value


def slug(text: str) -> str:
    """The words of ``text`` as an id, such as ``sacre-coeur``; empty if it has no Latin letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", folded(text))[: MAX_LENGTH + 1].strip("-")[:MAX_LENGTH].strip("-")


def folded(text: str) -> str:
    """``text`` without case and accents, as names are compared."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def landmark_ids(display_name: str) -> Iterator[str]:
    """Ids for a landmark of that name, the nicest first, without end: the caller takes the first free one."""
    base = slug(display_name)
    if base:
        yield base
        for number in range(2, _LAST_NUMBER + 1):
            yield _with_suffix(base, str(number))
    while True:
        yield _with_suffix(base or "landmark", _random())


def image_ids() -> Iterator[str]:
    """Random ids for a reference image, without end: the caller takes the first free one."""
    while True:
        yield _random()


def image_id_of_photo(sha256: str) -> str:
    """The id that a photo (SHA-256, hex) always gets: whoever adds it again meets it again. 128 bits of the hash."""
    return sha256[:32]


def timed_id(now: datetime) -> str:
    """An id that sorts by time and is like no other: ``20270131-120000123-x7kq2m4a``.

    Args:
        now: UTC.
    """
    return f"{now:%Y%m%d-%H%M%S}{now.microsecond // 1000:03d}-{_random()}"


def _with_suffix(base: str, suffix: str) -> str:
    return base[: MAX_LENGTH - 1 - len(suffix)].rstrip("-") + "-" + suffix


def _random() -> str:
    """Eight letters and digits, 40 random bits."""
    return base64.b32encode(secrets.token_bytes(5)).decode("ascii").lower()
