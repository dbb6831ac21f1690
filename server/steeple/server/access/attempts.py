"""What slows down those who guess passwords, and nobody else for long.

Three things are counted, each failure in both of the first two or in the third alone:

- **A name, for strangers to it.** After :data:`FREE_FAILURES`, each further try waits twice as long as the one before,
  up to :data:`LONGEST_PAUSE` seconds: 1,440 guesses a day at one password, from however many addresses.
- **An address, for whatever names.** A token bucket: 30 at once, and one each ten seconds. Of IPv6 it is the /64 that a
  provider gives to one customer.
- **A name at an address where that person has signed in before.** Pauses of its own. So who guesses from elsewhere does
  not hold up the person, however long they go on; and nobody is ever locked out for longer than a pause.

Names are counted whether there are such people or not. Nothing is written: a restart forgets it. Memory is bounded
without anything being forgotten for want of it, which guessers could bring about: what is counted goes by a keyed hash
into a fixed number of places. Strangers may so be slowed down by what others do, once in 16,384.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from steeple.errors import ResourceExhaustedError
from steeple.server.access.buckets import TokenBucket
from steeple.server.access.records import Limits

FREE_FAILURES: Final = 5
"""Without a pause."""

LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries, at most."""

_FORGIVEN_AFTER: Final = 600.0  # seconds, each failure
_MOST_FAILURES: Final = FREE_FAILURES + 7  # of which the last ones wait for the longest pause
_OF_ADDRESS: Final = Limits(requests_per_second=0.1, burst=30)
_PLACES: Final = 1 << 14
_MOST_KNOWN: Final = 10_000
_LONGEST_ADDRESS: Final = 64

UNIX: Final = "unix"
"""The address of who calls over a Unix socket."""


@dataclass
class _Failures:
    count: float
    time: float


class GrowingPauses:
    """Pauses after failures, each twice as long as the one before. Not thread-safe.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[int, _Failures] = {}

    def wait(self, place: int) -> float:
        """Seconds until the next try."""
        found = self._failures.get(place)
        beyond = -1 if found is None else round(found.count) - FREE_FAILURES
        if found is None or beyond < 0:
            return 0.0
        pause = min(LONGEST_PAUSE, math.exp2(beyond))
        return max(0.0, found.time + pause - self._clock())

    def fail(self, place: int) -> None:
        """Counts a try as a failure."""
        now = self._clock()
        found = self._failures.setdefault(place, _Failures(0.0, now))
        forgiven = max(0.0, found.count - max(0.0, now - found.time) / _FORGIVEN_AFTER)
        found.count, found.time = min(forgiven + 1.0, _MOST_FAILURES), now

    def take_back(self, place: int) -> None:
        """The last try was no failure."""
        found = self._failures.get(place)
        if found is not None:
            found.count = max(0.0, found.count - 1.0)


class Attempt:
    """A try at a password, which counts as a failure until it is said to be none; made by :class:`SignInAttempts`."""

    def __init__(self, take_back: Callable[[], None], succeed: Callable[[], None]) -> None:
        self._take_back = take_back
        self._succeed = succeed

    def withdraw(self) -> None:
        """It was neither right nor wrong: nobody looked."""
        self._take_back()

    def succeed(self) -> None:
        """It was right, and the address is known for the person from now on."""
        self._take_back()
        self._succeed()


class SignInAttempts:
    """Who may try a password now. Thread-safe.

    Args:
        clock: Seconds, which never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._names = GrowingPauses(clock)
        self._at_home = GrowingPauses(clock)
        self._addresses: dict[int, TokenBucket] = {}
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, user_name: str, address: str, *, known: bool = False) -> Attempt:
        """A try at somebody's password.

        Args:
            user_name: Of whoever it is said to be.
            address: As :func:`plain_address` gives it.
            known: Whether the address is known to be one of that person's.

        Raises:
            ResourceExhaustedError: If it comes too soon after failures; it is not counted.
        """
        network = network_of(address)
        known = known or (user_name, network) in self._known
        name, place = self._place(user_name), self._place(f"address {network}")
        home = self._place(f"{user_name} at {network}")
        with self._lock:
            wait = self._at_home.wait(home) if known else self._names.wait(name)
            if not wait and not known:
                wait = self._bucket(place).take()
            if wait:
                raise ResourceExhaustedError(
                    f"there were too many attempts to sign in; try again in {wait:.2g} s",
                    retry_delay_seconds=f"{math.ceil(1000 * wait) / 1000:.3f}",
                    limit="sign_in",
                )
            (self._at_home if known else self._names).fail(home if known else name)

        def take_back() -> None:
            with self._lock:
                if known:
                    self._at_home.take_back(home)
                else:
                    self._names.take_back(name)
                    self._bucket(place).give_back()

        return Attempt(take_back, lambda: self._remember(user_name, network))

    def _remember(self, user_name: str, network: str) -> None:
        with self._lock:
            self._known[user_name, network] = None
            self._known.move_to_end((user_name, network))
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def _bucket(self, place: int) -> TokenBucket:
        return self._addresses.setdefault(place, TokenBucket(_OF_ADDRESS, self._clock))

    def _place(self, text: str) -> int:
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), key=self._secret, digest_size=4).digest()
        return int.from_bytes(digest) % _PLACES


def plain_address(peer: str) -> str:
    """A peer's address as people write it: ``192.0.2.1`` of gRPC's ``ipv4:192.0.2.1``; of a socket :data:`UNIX`."""
    text = unquote(peer)
    scheme, colon, rest = text.partition(":")
    if scheme == UNIX:
        return UNIX
    bare = (rest if colon and scheme in ("ipv4", "ipv6") else text).strip("[]").partition("%")[0]
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return text[:_LONGEST_ADDRESS]
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def network_of(address: str) -> str:
    """What is taken for one place: an IPv4 address, or the /64 of one of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
