"""The text of a key, ``stp_{id}_{secret}``, or of a session, ``sts_...``, and the digest that is stored of it.

The secret is 256 bits from the operating system. A password needs a salt and a slow hash because it can be guessed:
there are few likely ones. Of 2^256 equally likely secrets, neither a table nor any number of tries finds one, so plain
SHA-256 suffices, and it costs a microsecond a call. A digest that leaks is of no use: what is sent is the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

KEY: Final = "stp"
"""What every key begins with, so that people and programs that search for leaked secrets know one."""

SESSION: Final = "sts"
"""What the secret of every session of a person begins with."""

_ID_BYTES: Final = 10  # 80 bits: two are the same once in 2^40 keys, and then one of them is refused by the database
_SECRET_BYTES: Final = 32
_PATTERN: Final = re.compile(rf"({KEY}|{SESSION})_([a-z2-7]{{16}})_([a-z2-7]{{52}})", re.ASCII)
_NO_DIGEST: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class KeyText:
    """A key or a session's secret, taken apart.

    Attributes:
        id: Public.
        secret: Not.
        prefix: :data:`KEY` or :data:`SESSION`.
    """

    id: str
    secret: str = field(repr=False)
    prefix: str = KEY

    @staticmethod
    def make(prefix: str = KEY) -> KeyText:
        """A new one."""
        return KeyText(_text(secrets.token_bytes(_ID_BYTES)), _text(secrets.token_bytes(_SECRET_BYTES)), prefix)

    @staticmethod
    def parse(text: str) -> KeyText | None:
        """What reads so; None if it is of the form of neither."""
        found = _PATTERN.fullmatch(text)
        return None if found is None else KeyText(found[2], found[3], found[1])

    def whole(self) -> str:
        """As it is sent."""
        return f"{self.prefix}_{self.id}_{self.secret}"

    def digest(self) -> str:
        """SHA-256 of the secret, hex."""
        return hashlib.sha256(self.secret.encode("ascii")).hexdigest()

    def matches(self, digest: str | None) -> bool:
        """Whether the digest is that of this secret, in a time that does not depend on where they differ.

        Args:
            digest: None for a key that there is not, which takes as long.
        """
        return hmac.compare_digest(self.digest(), _NO_DIGEST if digest is None else digest)


def _text(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()
