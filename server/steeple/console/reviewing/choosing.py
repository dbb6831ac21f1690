"""Which kept queries a page shows: what was chosen on it, as a filter of the API and as a query of a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from steeple.client import KeptQuery

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "unknown": ("Unknown", "outcome = unknown"),
    "identified": ("Recognised", "outcome = identified"),
    "wrong": ("Called wrong", "(said = wrong OR said = landmark OR said = not_landmark)"),
    "proposals": ("Proposals", "origin = proposal"),
    "all": ("All", ""),
}
"""Titles, and what they stand for in a filter of kept queries."""

DEFAULT_KIND: Final = "unknown"

_KEY: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class Choice:
    """What a list of kept queries shows.

    Attributes:
        kind: One of :data:`KINDS`.
        seen: Whether those that were reviewed are shown too.
        key: Id of the key that they came with; empty: any.
        since: First day, UTC, ISO 8601; empty: any.
        until: Last day.
        problems: What is wrong with what was typed, by field.
    """

    kind: str = DEFAULT_KIND
    seen: bool = False
    key: str = ""
    since: str = ""
    until: str = ""
    problems: Mapping[str, str] = ()  # type: ignore[assignment]

    @property
    def filter(self) -> str:
        """As the API has it. Fields that are wrong are left out."""
        parts = [KINDS[self.kind][1]]
        if not self.seen:
            parts.append("verdict = none")
        if self.key and "key" not in self.problems:
            parts.append(f'key = "{self.key}"')
        if (day := _day(self.since)) is not None:
            parts.append(f'create_time >= "{_midnight(day)}"')
        if (day := _day(self.until)) is not None:
            parts.append(f'create_time < "{_midnight(day + timedelta(days=1))}"')
        return " AND ".join(filter(None, parts))

    @property
    def query(self) -> str:
        """As the part of a path after the question mark; empty for what is shown at first."""
        given = {
            "show": "" if self.kind == DEFAULT_KIND else self.kind,
            "seen": "yes" if self.seen else "",
            "key": self.key,
            "since": self.since,
            "until": self.until,
        }
        return urlencode({name: value for name, value in given.items() if value})

    def path(self, base: str, **more: str) -> str:
        """A path with it.

        Args:
            base: Without a query.
            **more: That the query has as well.
        """
        query = "&".join(filter(None, (self.query, urlencode({name: value for name, value in more.items() if value}))))
        return f"{base}?{query}" if query else base

    def of_kind(self, kind: str) -> Choice:
        """The same of another kind."""
        return replace(self, kind=kind)

    def before(self, query: KeptQuery) -> str:
        """A filter of what is older than a query."""
        return self._beside(f'create_time < "{query.create_time.isoformat()}"')

    def after(self, query: KeptQuery) -> str:
        """A filter of what is newer than a query."""
        return self._beside(f'create_time > "{query.create_time.isoformat()}"')

    def _beside(self, condition: str) -> str:
        return f"{self.filter} AND {condition}" if self.filter else condition


def read_choice(given: Mapping[str, str]) -> Choice:
    """What a path's query, or a form, chooses; what cannot be is left out and told."""
    key = given.get("key", "").strip().removeprefix("keys/")
    since, until = given.get("since", "").strip(), given.get("until", "").strip()
    problems = {}
    if key and not _KEY.fullmatch(key):
        problems["key"] = "A key's id has letters, digits and hyphens only."
    for name, value in (("since", since), ("until", until)):
        if value and _day(value) is None:
            problems[name] = "A day reads like 2027-01-31."
    kind = given.get("show", DEFAULT_KIND)
    return Choice(
        kind=kind if kind in KINDS else DEFAULT_KIND,
        seen=bool(given.get("seen")),
        key=key,
        since=since,
        until=until,
        problems=problems,
    )


def _day(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(1970, 1, 1) <= day <= date(2999, 12, 30) else None


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()
