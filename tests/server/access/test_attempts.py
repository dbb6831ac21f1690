"""Guessing is slow, and holds up nobody else for long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import ResourceExhaustedError
from steeple.server.access.attempts import (
    FREE_FAILURES,
    LONGEST_PAUSE,
    Attempt,
    SignInAttempts,
    network_of,
    plain_address,
)

DAY = 86_400.0


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def wait(attempts: SignInAttempts, name: str, address: str, *, known: bool = False) -> float:
    """Fails once more; or the seconds that it would have to wait for that."""
    try:
        attempts.begin(name, address, known=known)
    except ResourceExhaustedError as error:
        return float(error.metadata["retry_delay_seconds"])
    return 0.0


def guess(attempts: SignInAttempts, time: Time, name: str, seconds: float, address: str | None = None) -> int:
    """Guesses as often as it is let, from ever new addresses unless there is one; how often that was."""
    end, count, number = time.now + seconds, 0, 0
    while time.now < end:
        number += 1
        pause = wait(attempts, name, address or f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        count += not pause
        time.now += pause * 1.0001
    return count


def test_pauses_double_up_to_the_longest(time: Time) -> None:
    attempts = SignInAttempts(time)
    pauses = []
    for number in range(FREE_FAILURES + 9):
        found = wait(attempts, "ada", f"10.0.0.{number}")
        pauses.append(round(found, 1))
        if found:
            time.now += found
            assert wait(attempts, "ada", f"10.0.1.{number}") == 0.0, "it is enough to wait as long as was said"
    assert pauses[:FREE_FAILURES] == [0.0] * FREE_FAILURES
    assert pauses[-1] == LONGEST_PAUSE
    later = pauses[FREE_FAILURES:]
    assert later == sorted(later)


def test_a_day_of_guessing_gets_few_guesses_at_one_password(time: Time) -> None:
    assert guess(SignInAttempts(time), time, "ada", DAY) <= DAY / LONGEST_PAUSE + 20


def test_one_address_gets_few_guesses_at_all_passwords(time: Time) -> None:
    attempts = SignInAttempts(time)
    count, end = 0, time.now + DAY
    while time.now < end:
        pause = wait(attempts, f"somebody-{count}", "198.51.100.7")
        count += not pause
        time.now += pause * 1.0001
    assert count <= 30 + DAY / 10 + 1


def test_a_refused_try_is_not_counted(time: Time) -> None:
    attempts = SignInAttempts(time)
    while not (first := wait(attempts, "ada", "10.0.0.1")):
        pass
    for _ in range(100):
        assert wait(attempts, "ada", "10.0.0.1") == pytest.approx(first)


def test_who_has_signed_in_from_somewhere_is_not_held_up_by_others(time: Time) -> None:
    attempts = SignInAttempts(time)
    attempts.begin("ada", "192.0.2.1").succeed()
    guess(attempts, time, "ada", 3600.0)
    assert wait(attempts, "ada", "10.9.9.8") + wait(attempts, "ada", "10.9.9.9") > 0
    assert wait(attempts, "ada", "192.0.2.1") == 0.0
    assert wait(attempts, "ada", "10.8.8.8", known=True) == 0.0, "the sessions say so"


def test_nobody_is_locked_out_for_longer_than_a_pause(time: Time) -> None:
    attempts = SignInAttempts(time)
    guess(attempts, time, "ada", DAY)
    guess(attempts, time, "ada", DAY, "192.0.2.1")
    assert wait(attempts, "ada", "192.0.2.99") <= LONGEST_PAUSE
    time.now += LONGEST_PAUSE
    assert wait(attempts, "ada", "192.0.2.99") == 0.0


def test_somebody_at_a_known_address_is_slowed_down_too(time: Time) -> None:
    attempts = SignInAttempts(time)
    attempts.begin("ada", "192.0.2.1").succeed()
    assert guess(attempts, time, "ada", DAY, "192.0.2.1") <= DAY / LONGEST_PAUSE + 20
    assert wait(attempts, "grace", "192.0.2.1") == 0.0, "others of that address are not"


def test_what_succeeds_or_is_withdrawn_does_not_count(time: Time) -> None:
    attempts = SignInAttempts(time)
    for number in range(200):
        attempt: Attempt = attempts.begin(f"somebody-{number}", "192.0.2.1")
        attempt.succeed() if number % 2 else attempt.withdraw()
    for _ in range(200):
        attempts.begin("ada", "192.0.2.2").withdraw()


def test_failures_are_forgiven_in_time(time: Time) -> None:
    attempts = SignInAttempts(time)
    guess(attempts, time, "ada", 3600.0, "192.0.2.1")
    time.now += 2 * 3600
    assert [wait(attempts, "ada", "192.0.2.1") for _ in range(FREE_FAILURES)] == [0.0] * FREE_FAILURES


def test_memory_is_bounded_and_flooding_it_makes_nothing_forgotten(time: Time) -> None:
    attempts = SignInAttempts(time)
    while not wait(attempts, "ada", "10.0.0.1"):
        pass
    for number in range(40_000):
        wait(attempts, f"name-{number}", f"172.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
    sizes = (len(attempts._names._failures), len(attempts._addresses))
    assert all(10_000 < size <= 1 << 14 for size in sizes)
    assert wait(attempts, "ada", "10.0.0.2") > 0


@settings(max_examples=50, deadline=None)
@given(pauses=st.lists(st.floats(0, 200), min_size=1, max_size=80))
def test_no_stretch_of_time_has_more_guesses_than_pauses_allow(pauses: list[float]) -> None:
    time = Time()
    attempts = SignInAttempts(time)
    taken = []
    for number, pause in enumerate(pauses):
        time.now += pause
        if not wait(attempts, "ada", f"10.0.{number}.1"):
            taken.append(time.now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last] - taken[first]
            # Those that were free, those of the pauses up to the longest, those forgiven, one a longest pause.
            assert last - first + 1 <= FREE_FAILURES + 7 + 1 + span / 600 + span / LONGEST_PAUSE + 1


@pytest.mark.parametrize(
    ("peer", "expected", "network"),
    [
        ("ipv4:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("ipv6:%5B2001:db8:0:1:2::3%5D", "2001:db8:0:1:2::3", "2001:db8:0:1::/64"),
        ("ipv6:[::1]", "::1", "::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D", "fe80::1", "fe80::/64"),
        ("ipv6:%5B::ffff:192.0.2.1%5D", "192.0.2.1", "192.0.2.1"),
        ("unix", "unix", "unix"),
        ("unix:/run/steeple.sock", "unix", "unix"),
        ("2001:db8::7", "2001:db8::7", "2001:db8::/64"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("", "", ""),
        ("nonsense" * 20, ("nonsense" * 20)[:64], ("nonsense" * 20)[:64]),
    ],
)
def test_addresses_are_read_as_people_write_them(peer: str, expected: str, network: str) -> None:
    assert plain_address(peer) == expected
    assert network_of(expected) == network
