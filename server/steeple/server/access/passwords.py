"""Passwords: what is taken for one, and the hash that is stored of it.

A password can be guessed, so its hash is salted and slow, and takes memory, which hardware for guessing has little of:
Argon2id (RFC 9106) with 64 MiB, three passes and one lane. Whoever hashes bounds how much of that goes on at a time.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue.limits import check_text

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 1024


def check_password(password: str, person_id: str, field: str = "password") -> None:
    """Whether it may be somebody's new password.

    Args:
        password: As it was typed.
        person_id: Whose.
        field: Of the request.

    Raises:
        InvalidArgumentError: If it is too short, too long or the person's own name.
    """
    check_text(password, field, MAX_LENGTH)
    if len(password) < MIN_LENGTH:
        raise InvalidArgumentError(
            f"{field} must have at least {MIN_LENGTH} characters, not {len(password)}; a few words that only you would "
            "put together are easy to keep in mind",
            field=field,
        )
    if password.strip().casefold() == person_id:
        raise InvalidArgumentError(f"{field} must not be the name to sign in with", field=field)


class Passwords:
    """Makes and checks hashes of passwords. Thread-safe; slow on purpose, some 0.2 s each.

    Args:
        hasher: With what to hash; None: as the module says.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
        self._of_nobody = self._hasher.hash("")  # takes as long to compare with as that of somebody

    def hash(self, password: str) -> str:
        """The hash of a password, with a salt and its parameters."""
        return self._hasher.hash(_normal(password))

    def verify(self, encoded: str, password: str) -> bool:
        """Whether the hash is that of the password; takes as long whether it is or not, and where there is none.

        Args:
            encoded: As :meth:`hash` gave it; empty: there is no password, and none is right.
            password: As it was typed.
        """
        try:
            self._hasher.verify(encoded or self._of_nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return bool(encoded)

    def outdated(self, encoded: str) -> bool:
        """Whether the hash was made with other parameters than a new one would be."""
        return self._hasher.check_needs_rehash(encoded)


def _normal(password: str) -> bytes:
    # Keyboards differ in how they put accents and wide letters together; NIST SP 800-63B has them made the same.
    return unicodedata.normalize("NFKC", password).encode("utf-8")
