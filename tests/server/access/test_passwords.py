"""What may be a password, and what is stored of it."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from steeple.errors import InvalidArgumentError
from steeple.server.access.passwords import Passwords, check_password

from .conftest import QUICK


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "at least 12 characters, not 0"),
        ("elevenchars", "at least 12 characters, not 11"),
        ("x" * 1025, "at most 1024 characters long"),
        ("with\0a NUL in it", "without NUL"),
        ("half a pair \ud800 of it", "Unicode text"),
        ("Ada-Of-Lovelace", "must not be the name"),
        (" ada-of-lovelace ", "must not be the name"),
    ],
)
def test_what_is_easily_guessed_or_cannot_be_typed_again_is_refused(password: str, says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says) as caught:
        check_password(password, "ada-of-lovelace", "new_password")
    assert caught.value.metadata["field"] == "new_password"
    assert not password or password not in caught.value.message, "what may be somebody's password is not repeated"


@pytest.mark.parametrize(
    "password", ["twelve chars", "x" * 1024, "대한민국 서울의 남대문에서", "ada-of-lovelace's dog"]
)
def test_anything_else_may_be_one(password: str) -> None:
    check_password(password, "ada-of-lovelace")


def test_the_hash_tells_its_parameters_and_not_the_password() -> None:
    encoded = Passwords().hash("correct horse battery")
    found = extract_parameters(encoded)
    assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == ("ID", 65536, 3, 1)
    assert found.salt_len >= 16
    assert "correct" not in encoded
    assert len(encoded) < 255, "it fits the column"


def test_only_the_password_is_right_however_it_was_typed() -> None:
    passwords = Passwords(QUICK)
    encoded = passwords.hash("cafe\u0301 on the corner")
    assert passwords.verify(encoded, "cafe\u0301 on the corner")
    assert passwords.verify(encoded, "café on the corner"), "one character or two: some keyboards make the other"
    assert passwords.verify(encoded, "ｃafé on the corner"), "a wide letter"
    for wrong in ("cafe on the corner", "Café on the corner", "café on the corner ", ""):
        assert not passwords.verify(encoded, wrong)
    assert encoded != passwords.hash("café on the corner"), "each with a salt of its own"


def test_where_there_is_no_password_none_is_right() -> None:
    passwords = Passwords(QUICK)
    assert not passwords.verify("", "")
    assert not passwords.verify("", "correct horse battery")
    assert not passwords.verify("not a hash", "correct horse battery")


def test_a_hash_of_other_parameters_is_outdated() -> None:
    passwords = Passwords(QUICK)
    assert not passwords.outdated(passwords.hash("correct horse battery"))
    assert passwords.outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse battery"))
