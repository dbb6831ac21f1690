"""Who a caller is, how often it may call, and what is counted of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnauthenticatedError,
)
from steeple.server.access import ApiKey, Keyring, Limits, MonthlyUsage, NewKey, Scope
from steeple.server.access.buckets import TokenBucket
from steeple.server.access.secret import KeyText
from steeple.server.catalogue import Catalogue


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 23, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_url) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keyring(catalogue: Catalogue, clock: Clock) -> Keyring:
    return Keyring(catalogue.database, clock=clock, seconds=clock.seconds)


def made(keyring: Keyring, limits: Limits = Limits(), expire_time: datetime | None = None) -> NewKey:  # noqa: B008
    new = keyring.store.create("A key", Scope.DEVICE, limits=limits, expire_time=expire_time)
    keyring.reload()
    return new


# --- secrets ---


def test_a_key_reads_as_it_should_and_only_a_digest_of_it_is_stored(keyring: Keyring, tmp_path: Path) -> None:
    new = made(keyring)
    found = re.fullmatch(r"stp_([a-z2-7]{16})_([a-z2-7]{52})", new.secret)
    assert found is not None
    assert found[1] == new.key.id
    assert new.key.digest == hashlib.sha256(found[2].encode()).hexdigest()
    for file in tmp_path.iterdir():
        assert found[2].encode() not in file.read_bytes(), file
    assert found[2] not in repr(new) + repr(KeyText.parse(new.secret))


def test_no_two_keys_are_the_same() -> None:
    assert len({KeyText.make().secret for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
        lambda text: text[:-1],
        lambda text: text + "a",
        lambda text: text.upper(),
        lambda text: text.replace("stp_", "stq_"),
        lambda text: KeyText.make().whole(),
        lambda text: KeyText(text.split("_")[1], KeyText.make().secret).whole(),
        lambda text: "",
        lambda text: "stp__",
        lambda text: text + "\n",
    ],
)
def test_what_is_not_the_key_is_not_let_in(keyring: Keyring, spoil: object) -> None:
    new = made(keyring)
    assert keyring.authenticate(new.secret).id == new.key.id
    wrong = spoil(new.secret)  # type: ignore[operator]
    with pytest.raises(UnauthenticatedError) as caught:
        keyring.authenticate(wrong)
    assert not wrong or wrong.strip() not in caught.value.message, "what may be somebody's key is not repeated"


# --- lifetimes ---


def test_a_key_ends_when_it_expires(keyring: Keyring) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    new = made(keyring, expire_time=later)
    keyring._clock = lambda: later - timedelta(microseconds=1)
    keyring.authenticate(new.secret)
    keyring._clock = lambda: later
    with pytest.raises(UnauthenticatedError, match=f"keys/{new.key.id} has expired"):
        keyring.authenticate(new.secret)


def test_a_revoked_key_is_refused_for_good(keyring: Keyring) -> None:
    new = made(keyring)
    revoked = keyring.store.revoke(new.key.id)
    keyring.reload()
    with pytest.raises(UnauthenticatedError, match="was revoked"):
        keyring.authenticate(new.secret)
    assert keyring.store.revoke(new.key.id).revoke_time == revoked.revoke_time
    with pytest.raises(FailedPreconditionError, match="was revoked; make a new key"):
        keyring.store.update(new.key.id, expire_time=None)
    with pytest.raises(FailedPreconditionError, match="was revoked"):
        keyring.store.rotate(new.key.id)


def test_a_rotated_key_goes_on_until_the_stated_time(keyring: Keyring) -> None:
    old = made(keyring, Limits(3, 4, 5))
    until = datetime.now(UTC) + timedelta(days=7)
    new, after = keyring.store.rotate(old.key.id, old_expire_time=until)
    keyring.reload()
    assert (new.key.display_name, new.key.scope, new.key.limits) == ("A key", Scope.DEVICE, Limits(3, 4, 5))
    assert (after.expire_time, after.successor) == (until, new.key.id)
    keyring._clock = lambda: until - timedelta(seconds=1)
    assert {keyring.authenticate(secret).id for secret in (old.secret, new.secret)} == {old.key.id, new.key.id}
    keyring._clock = lambda: until
    keyring.authenticate(new.secret)
    with pytest.raises(UnauthenticatedError, match=f"has expired; it was replaced with keys/{new.key.id}"):
        keyring.authenticate(old.secret)
    with pytest.raises(FailedPreconditionError, match=f"was replaced with keys/{new.key.id}"):
        keyring.store.rotate(old.key.id)


def test_a_rotation_does_not_prolong_the_old_key(keyring: Keyring) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    old = made(keyring, expire_time=soon)
    assert keyring.store.rotate(old.key.id, old_expire_time=soon + timedelta(days=7))[1].expire_time == soon


def test_times_and_names_are_checked(keyring: Keyring) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(InvalidArgumentError, match="expire_time must lie in the future"):
        made(keyring, expire_time=past)
    with pytest.raises(InvalidArgumentError, match="display_name must not be blank"):
        keyring.store.create(" ", Scope.ADMIN)
    with pytest.raises(NotFoundError, match="there is no keys/nobody"):
        keyring.store.revoke("nobody")
    for limits in ({"requests_per_second": -1}, {"requests_per_second": float("nan")}, {"burst": 10**7}):
        with pytest.raises(InvalidArgumentError, match=r"limits\."):
            Limits(**limits)


# --- rates ---


@given(
    rate=st.floats(0.1, 50),
    burst=st.integers(0, 20),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_no_stretch_of_time_has_more_calls_than_burst_and_rate_allow(
    rate: float, burst: int, pauses: list[float]
) -> None:
    now = 0.0
    limits = Limits(rate, burst)
    bucket = TokenBucket(limits, lambda: now)
    taken: list[float] = []
    for pause in pauses:
        now += pause
        wait = bucket.take()
        assert wait <= 1 / rate + 1e-9
        if wait:
            now += wait * 1.000001
            assert bucket.take() == 0.0, "it is enough to wait as long as was said"
        taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            most = limits.capacity + rate * (taken[last] - taken[first]) + 1e-6
            assert last - first + 1 <= most


def test_a_key_at_its_rate_is_told_when_to_come_back(keyring: Keyring, clock: Clock) -> None:
    key = made(keyring, Limits(requests_per_second=2, burst=3)).key
    for _ in range(3):
        keyring.check_rate(key)
    with pytest.raises(ResourceExhaustedError, match="at its limit of 2 calls a second") as caught:
        keyring.check_rate(key)
    assert caught.value.metadata["retry_delay_seconds"] == "0.500"
    clock.now += timedelta(seconds=0.5)
    keyring.check_rate(key)
    with pytest.raises(ResourceExhaustedError):
        keyring.check_rate(key)


def test_a_new_rate_counts_at_once(keyring: Keyring) -> None:
    key = made(keyring, Limits(requests_per_second=1, burst=1)).key
    keyring.check_rate(key)
    with pytest.raises(ResourceExhaustedError):
        keyring.check_rate(key)
    keyring.check_rate(keyring.store.update(key.id, limits=Limits(requests_per_second=10)))


# --- quotas and usage ---


def ask(keyring: Keyring, key: ApiKey, identified: bool | None) -> None:
    keyring.begin_query(key)
    keyring.end_query(key, identified)


def test_a_quota_counts_answers_and_begins_anew_each_month(keyring: Keyring, clock: Clock) -> None:
    key = made(keyring, Limits(monthly_identifications=3)).key
    for identified in (True, None, False, None, True):
        ask(keyring, key, identified)
    with pytest.raises(ResourceExhaustedError, match="used up its 3 identifications of 2026-01") as caught:
        keyring.begin_query(key)
    assert caught.value.metadata["retry_delay_seconds"] == "3600.000", "to the end of the month"
    clock.now += timedelta(hours=1)
    ask(keyring, key, True)
    keyring.flush()
    assert keyring.store.get(key.id).usage == (MonthlyUsage("2026-02", 1, 0), MonthlyUsage("2026-01", 2, 1))


def test_queries_under_way_are_within_the_quota(keyring: Keyring) -> None:
    key = made(keyring, Limits(monthly_identifications=2)).key
    keyring.begin_query(key)
    keyring.begin_query(key)
    with pytest.raises(ResourceExhaustedError):
        keyring.begin_query(key)
    keyring.end_query(key, None)
    keyring.begin_query(key)


def test_what_was_counted_is_written_by_flush_and_close_and_not_by_the_query(
    keyring: Keyring, catalogue: Catalogue, clock: Clock
) -> None:
    new = made(keyring)
    keyring.authenticate(new.secret)
    ask(keyring, new.key, True)
    assert keyring.store.get(new.key.id).usage == ()
    keyring.flush()
    stored = keyring.store.get(new.key.id)
    assert (stored.usage, stored.last_use_time) == ((MonthlyUsage("2026-01", 1, 0),), clock.now)
    ask(keyring, new.key, False)
    keyring.close()
    after = Keyring(catalogue.database, clock=clock)
    assert after.store.get(new.key.id).usage == (MonthlyUsage("2026-01", 1, 1),)


def test_a_quota_holds_across_a_restart_and_across_servers(
    keyring: Keyring, catalogue: Catalogue, clock: Clock
) -> None:
    key = made(keyring, Limits(monthly_identifications=4)).key
    other = Keyring(catalogue.database, clock=clock)
    for server in (keyring, other, keyring):
        ask(server, key, True)
    for server in (keyring, other, keyring):
        server.flush()
    ask(keyring, key, True)
    keyring.flush()
    other.flush()
    for server in (keyring, other, Keyring(catalogue.database, clock=clock)):
        with pytest.raises(ResourceExhaustedError):
            server.begin_query(key)


def test_what_could_not_be_written_is_written_later(keyring: Keyring, catalogue: Catalogue, clock: Clock) -> None:
    key = made(keyring).key
    ask(keyring, key, True)
    catalogue.close()
    with pytest.raises(Exception, match="closed"):
        keyring.flush()
    with Catalogue.open(catalogue.database.engine.url.render_as_string()) as again:
        keyring.store._database = keyring.sessions.store._database = again.database
        ask(keyring, key, False)
        keyring.flush()
        assert keyring.store.get(key.id).usage == (MonthlyUsage("2026-01", 1, 1),)


def test_keys_are_listed_in_pages(keyring: Keyring) -> None:
    ids = sorted(made(keyring).key.id for _ in range(5))
    first = keyring.store.list(page_size=3)
    second = keyring.store.list(page_size=3, page_token=first.next_page_token)
    assert [key.id for key in (*first.items, *second.items)] == ids
    assert (first.total_size, second.next_page_token) == (5, "")
