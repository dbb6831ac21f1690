"""What the person tells the catalogue: whether answers were right, and photos for it. Kept until the server has it."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from steeple.app.database import Database
from steeple.client import Client, LatLng
from steeple.delf.features import FeatureSet


class OutboxKind(enum.StrEnum):
    """What is told."""

    FEEDBACK = "feedback"
    PHOTO = "photo"


@dataclass(frozen=True)
class OutboxItem:
    """Something that is not sent yet.

    Attributes:
        id: Its number, rising with each.
        kind: What is told.
        time: When the person said so, UTC.
        name: Of the landmark that it is about, as people call it; empty if unknown.
        size_bytes: Of what is sent, about.
        attempts: How often it was tried.
        problem: Why the server will never take it; None while it may.
    """

    id: int
    kind: OutboxKind
    time: datetime
    name: str
    size_bytes: int
    attempts: int = 0
    problem: str | None = None


class Proposals:
    """Feedback and photos on their way to the server. Thread safe.

    Each carries an id by which the server knows a repeat, so that nothing is counted twice when the app is killed
    between sending and noting it.

    Args:
        database: Keeps them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def feedback(
        self,
        features: FeatureSet,
        *,
        correct: bool,
        answered: str | None = None,
        landmark: str | None = None,
        note: str = "",
        photo: bytes | None = None,
        time: datetime | None = None,
    ) -> int:
        """Whether an answer was right.

        Args:
            features: Of the query.
            correct: Whether it was.
            answered: Name of the landmark that the answer named; None if it was UNKNOWN.
            landmark: Name of the landmark that it is, if the person knows.
            note: What else the person says.
            photo: The encoded photo, only if the person adds it.
            time: When; None: now.

        Returns:
            Its number.
        """
        raise NotImplementedError

    def photo(
        self,
        photo: bytes,
        *,
        name: str,
        note: str = "",
        location: LatLng | None = None,
        time: datetime | None = None,
    ) -> int:
        """A photo for the catalogue.

        Args:
            photo: JPEG, PNG, WebP or BMP.
            name: Of the landmark, as people call it.
            note: What else the person says.
            location: Where it stands; None if that is not known or not to be told.
            time: When; None: now.

        Returns:
            Its number.

        Raises:
            InvalidArgumentError: If there is no photo, or no name.
        """
        raise NotImplementedError

    def list(self) -> tuple[OutboxItem, ...]:
        """All that is not sent yet, the oldest first."""
        raise NotImplementedError

    def count(self) -> int:
        """How many are not sent yet."""
        raise NotImplementedError

    def delete(self, item_id: int) -> None:
        """Forgets one before it is sent; no error if there is none."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forgets all of them."""
        raise NotImplementedError

    def send(self, client: Client) -> Iterator[OutboxItem]:
        """Sends all that have no problem, the oldest first.

        Ends early, without an error, when the server cannot be reached. Only one thread sends at a time.

        Yields:
            Each as the server has taken it, or with the problem why it never will.
        """
        raise NotImplementedError
