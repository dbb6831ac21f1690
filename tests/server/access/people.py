"""Signing in, in one step."""

from __future__ import annotations

from datetime import datetime

from steeple.server.access import NewSession, SignIns

PASSWORD = "correct horse battery"  # noqa: S105 - of people in tests
OTHER = "staple and a long tail"
HERE, THERE = "192.0.2.1", "203.0.113.9"


class Clock:
    """Stands still unless it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


def enter(sign_ins: SignIns, user_name: str, password: str = PASSWORD, address: str = HERE) -> NewSession:
    """The session of who signs in."""
    person_id, attempt = sign_ins.begin(user_name, password, address)
    return sign_ins.sign_in(person_id, password, attempt, user_agent="A browser", address=address)
