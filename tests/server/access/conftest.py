"""People of a catalogue whose passwords are hashed quickly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from steeple.server.access import Keyring, SessionLifetime, SignIns
from steeple.server.access.attempts import SignInAttempts
from steeple.server.access.passwords import Passwords
from steeple.server.catalogue import Catalogue

from .people import Clock

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LIFETIME = SessionLifetime(timedelta(hours=12), timedelta(days=30))


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_url) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def keyring(catalogue: Catalogue, clock: Clock) -> Keyring:
    return Keyring(catalogue.database, LIFETIME, clock=clock, seconds=clock.seconds)


@pytest.fixture
def sign_ins(keyring: Keyring, clock: Clock) -> SignIns:
    return SignIns(keyring, Passwords(QUICK), SignInAttempts(clock.seconds))
