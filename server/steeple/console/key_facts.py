"""What pages show of keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from steeple.client import Key, MonthlyUsage

_SOON: Final = timedelta(days=14)


@dataclass(frozen=True)
class Draft:
    """A key as a form has it: texts, as they are typed.

    Attributes:
        display_name: What it is for, and whose.
        scope: What it may do.
        expires: Its last day, as ``2027-01-31``; empty: it does not end.
        rate: Calls a second in the long run; empty: any number.
        burst: Calls at once; empty: as many as follow from the rate.
        quota: Queries answered in a month; empty: any number.
    """

    display_name: str = ""
    scope: str = "device"
    expires: str = ""
    rate: str = ""
    burst: str = ""
    quota: str = ""

    @staticmethod
    def of(key: Key) -> Draft:
        """As the server has it."""
        limits = key.limits
        return Draft(
            key.display_name,
            key.scope.value,
            f"{key.expire_time:%Y-%m-%d}" if key.expire_time else "",
            f"{limits.requests_per_second:g}" if limits.requests_per_second else "",
            str(limits.burst or ""),
            str(limits.monthly_identifications or ""),
        )

    @staticmethod
    def sent(text: Callable[[str, str], str]) -> Draft:
        """As it was typed; ``text`` tells a field of the form."""
        names = ("display_name", "scope", "expires", "rate", "burst", "quota")
        return Draft(*(text(name, "device" if name == "scope" else "") for name in names))


@dataclass(frozen=True)
class Row:
    """A key of a list.

    Attributes:
        key: The key.
        state: In words.
        kind: Of the badge: good, warn or bad.
        used: Queries answered this month.
        quota: That it has a month; 0: any number.
    """

    key: Key
    state: str
    kind: str
    used: int
    quota: int


@dataclass(frozen=True)
class Group:
    """Keys that may do the same.

    Attributes:
        scope: What.
        title: In words.
        rows: Those that work.
        ended: Those that do not any more.
    """

    scope: str
    title: str
    rows: Sequence[Row]
    ended: Sequence[Row]


def grouped(keys: Sequence[Key], titles: Mapping[str, str], now: datetime) -> list[Group]:
    """Keys by what they may do, those used most first; without groups of none."""
    groups = []
    for scope, title in titles.items():
        rows = sorted(
            (row_of(key, now) for key in keys if key.scope.value == scope),
            key=lambda row: (-row.used, row.key.display_name.lower()),
        )
        if rows:
            there = [row for row in rows if row.kind != "bad"]
            groups.append(Group(scope, title, there, [row for row in rows if row.kind == "bad"]))
    return groups


def row_of(key: Key, now: datetime) -> Row:
    """A key as a list shows it."""
    state, kind = state_of(key, now)
    this = month_of(key, f"{now:%Y-%m}")
    return Row(key, state, kind, this.identified + this.unknown, key.limits.monthly_identifications)


def state_of(key: Key, now: datetime) -> tuple[str, str]:
    """Whether a key works, in words, and the kind of their badge."""
    if key.revoke_time is not None:
        return ("Replaced" if key.successor else "Revoked"), "bad"
    if key.expire_time is None:
        return "Works", "good"
    if key.expire_time <= now:
        return ("Replaced" if key.successor else "Expired"), "bad"
    return ("Ends soon" if key.expire_time - now < _SOON else "Works"), (
        "warn" if key.expire_time - now < _SOON else "good"
    )


def month_of(key: Key, month: str) -> MonthlyUsage:
    """Its usage in a month, as ``2026-03``."""
    return next((usage for usage in key.usage if usage.month == month), MonthlyUsage(month, 0, 0))


def months(key: Key) -> list[tuple[MonthlyUsage, float]]:
    """Its usage by month, the latest first, and each as a share of the largest."""
    most = max((usage.identified + usage.unknown for usage in key.usage), default=0) or 1
    return [(usage, (usage.identified + usage.unknown) / most) for usage in key.usage]
