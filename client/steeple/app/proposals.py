"""What the person tells a catalogue: whether answers were right, and photos for it. Kept until the server has it."""

from __future__ import annotations

import enum
import json
import logging
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from steeple.app.damage import damage_told
from steeple.app.database import Database
from steeple.app.feature_bytes import features_from_bytes, features_to_bytes
from steeple.app.history import seconds_of, time_of
from steeple.client import Client, LatLng, QueryVerdict
from steeple.delf.features import FeatureSet
from steeple.errors import (
    CancelledError,
    DataLossError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SteepleError,
    UnauthenticatedError,
    UnavailableError,
)

_log = logging.getLogger(__name__)

MOST: Final = 100
"""Items that may wait, at most."""

LONGEST_NAME: Final = 200
LONGEST_NOTE: Final = 2000

# Another time, or with another key, the server may take it.
_PASSING: Final = (
    CancelledError,
    DeadlineExceededError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
)


class ProposalKind(enum.StrEnum):
    """What is told."""

    FEEDBACK = "feedback"
    PHOTO = "photo"


@dataclass(frozen=True)
class WaitingProposal:
    """Something that the server does not have yet.

    Attributes:
        id: Its number, rising with each.
        kind: What is told.
        server: ``host:port`` that it is for.
        time: When the person said so, UTC.
        name: What people call the landmark that it is about; empty if that is not said.
        size_bytes: Of what is sent, about.
        has_photo: Whether a photo goes with it.
        attempts: How often the server refused it.
        problem: Why it will not take it; None while it may.
    """

    id: int
    kind: ProposalKind
    server: str
    time: datetime
    name: str
    size_bytes: int
    has_photo: bool
    attempts: int = 0
    problem: str | None = None


class Proposals:
    """Feedback and photos on their way to servers. Thread safe. Methods raise as :meth:`Database.transaction` does.

    Each carries an id by which the server knows a repeat: nothing counts twice, not even when the app is killed between
    sending it and noting that.

    Args:
        database: Keeps them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sending = threading.Lock()

    def feedback(
        self,
        server: str,
        features: FeatureSet,
        verdict: QueryVerdict,
        *,
        shown: str | None = None,
        landmark: str | None = None,
        name: str = "",
        note: str = "",
        location: LatLng | None = None,
        photo: bytes | None = None,
        time: datetime | None = None,
    ) -> int:
        """Says whether an answer was right.

        Args:
            server: ``host:port`` to tell it.
            features: Of the query.
            verdict: What there is to say.
            shown: ``landmarks/{id}`` that was the answer; None: that it is unknown.
            landmark: ``landmarks/{id}`` that it shows, with the verdict LANDMARK and no other.
            name: What people call it.
            note: Whatever else there is to say.
            location: Where the photo was taken, only if the person adds it.
            photo: The encoded photo, only if the person adds it.
            time: When it was said; None: now.

        Returns:
            Its number.

        Raises:
            InvalidArgumentError: If verdict and landmark do not go together, or a text is too long.
            ResourceExhaustedError: If :data:`MOST` wait already.
        """
        if (verdict is QueryVerdict.LANDMARK) != (landmark is not None):
            raise InvalidArgumentError("the verdict LANDMARK goes with the landmark that it is, and no other does")
        if verdict in {QueryVerdict.NONE, QueryVerdict.OTHER}:
            raise InvalidArgumentError("feedback says whether the answer was right")
        facts = {"verdict": verdict.value, "shown": shown, "landmark": landmark}
        return self._add(
            ProposalKind.FEEDBACK, server, facts, name, note, location, time, photo=photo, features=features
        )

    def photo(
        self,
        server: str,
        photo: bytes,
        name: str,
        *,
        note: str = "",
        location: LatLng | None = None,
        time: datetime | None = None,
    ) -> int:
        """Proposes a photo for the catalogue.

        Args:
            server: ``host:port`` to tell it.
            photo: JPEG, PNG, WebP or BMP.
            name: What people call what it shows.
            note: Whatever else there is to say.
            location: Where it was taken, only if the person adds it.
            time: When it was said; None: now.

        Returns:
            Its number.

        Raises:
            InvalidArgumentError: If there is no photo or no name, or a text is too long.
            ResourceExhaustedError: If :data:`MOST` wait already.
        """
        if not photo:
            raise InvalidArgumentError("take or choose a photo to propose", field="photo")
        if not name.strip():
            raise InvalidArgumentError("say what the photo shows", field="name")
        return self._add(ProposalKind.PHOTO, server, {}, name, note, location, time, photo=photo, features=None)

    def list(self) -> tuple[WaitingProposal, ...]:
        """All that no server has yet, the oldest first; those that are damaged are left out."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM outbox ORDER BY id").fetchall()
        return tuple(item for row in rows if (item := _item_if_whole(row)) is not None)

    def count(self) -> int:
        """How many no server has yet, those with a problem included."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def delete(self, proposal_id: int) -> None:
        """Forgets one before it is sent; no error if there is none."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM outbox WHERE id = ?", [proposal_id])
        self._database.wipe()

    def clear(self) -> None:
        """Forgets all of them."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM outbox")
        self._database.shrink()

    def send(self, client: Client, server: str, *, again: bool = False) -> Iterator[WaitingProposal]:
        """Sends what is for a server, the oldest first.

        It ends, without an error, when the server cannot be reached or takes no more for now. Only one thread does this
        at a time; for another there is nothing to do.

        Args:
            client: Of the server.
            server: ``host:port`` of it.
            again: Whether those with a problem are sent as well.

        Yields:
            Each that the server has now, and each that it refused, with the problem.
        """
        if not self._sending.acquire(blocking=False):
            return
        try:
            for number in self._sendable(server, again=again):
                with self._database.reading() as connection:
                    row = connection.execute("SELECT * FROM outbox WHERE id = ?", [number]).fetchone()
                item = None if row is None else _item_if_whole(row)
                if item is None:  # deleted meanwhile, or damaged
                    continue
                try:
                    _send(client, row)
                except SteepleError as error:
                    if not _lasting(error):
                        return
                    self._refused(number, error.message)
                    yield replace(item, attempts=item.attempts + 1, problem=error.message)
                else:
                    self.delete(number)
                    yield replace(item, problem=None)
        finally:
            self._sending.release()

    def _add(
        self,
        kind: ProposalKind,
        server: str,
        facts: Mapping[str, Any],
        name: str,
        note: str,
        location: LatLng | None,
        time: datetime | None,
        *,
        photo: bytes | None,
        features: FeatureSet | None,
    ) -> int:
        if len(name) > LONGEST_NAME:
            raise InvalidArgumentError(f"a name has at most {LONGEST_NAME} characters, not {len(name)}", field="name")
        if len(note) > LONGEST_NOTE:
            raise InvalidArgumentError(f"a note has at most {LONGEST_NOTE} characters, not {len(note)}", field="note")
        place = None if location is None else location.to_dict()
        row = {
            "time": seconds_of(datetime.now(UTC) if time is None else time),
            "kind": kind.value,
            "server": server,
            "request_id": str(uuid.uuid4()),
            "facts": json.dumps({**facts, "name": name.strip(), "note": note.strip(), "location": place}),
            "features": None if features is None else features_to_bytes(features),
            "photo": photo,
        }
        with self._database.transaction() as connection:
            if self.count() >= MOST:
                raise ResourceExhaustedError(f"{MOST} proposals wait to be sent; delete some, or connect first")
            number = connection.execute(
                "INSERT INTO outbox (time, kind, server, request_id, facts, features, photo)"
                " VALUES (:time, :kind, :server, :request_id, :facts, :features, :photo)",
                row,
            ).lastrowid
        return int(number or 0)

    def _sendable(self, server: str, *, again: bool) -> tuple[int, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM outbox WHERE server = ? AND (problem IS NULL OR ?) ORDER BY id", [server, again]
            ).fetchall()
        return tuple(row["id"] for row in rows)

    def _refused(self, number: int, problem: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE outbox SET problem = ?, attempts = attempts + 1 WHERE id = ?", [problem, number])


def _send(client: Client, row: sqlite3.Row) -> None:
    facts = _facts(row)
    if row["kind"] == ProposalKind.PHOTO.value:
        client.propose_photo(
            row["photo"], facts["name"], note=facts["note"], location=facts["location"], request_id=row["request_id"]
        )
        return
    client.send_feedback(
        features_from_bytes(row["features"]) if row["photo"] is None else row["photo"],
        facts["verdict"],
        shown=facts["shown"],
        landmark=facts["landmark"],
        suggested_name=facts["name"],
        note=facts["note"],
        location=facts["location"],
        upload=row["photo"] is not None,
        request_id=row["request_id"],
    )


def _facts(row: sqlite3.Row) -> dict[str, Any]:
    with damage_told("a proposal"):
        facts = json.loads(row["facts"])
        said = {name: facts[name] for name in ("name", "note")}
        said["location"] = None if facts["location"] is None else LatLng(**facts["location"])
        if row["kind"] == ProposalKind.FEEDBACK.value:
            said |= {name: facts[name] for name in ("shown", "landmark")} | {"verdict": QueryVerdict(facts["verdict"])}
        return said


def _lasting(error: SteepleError) -> bool:
    """Whether the server will say the same again."""
    if isinstance(error, FailedPreconditionError):
        return "request_id" in error.metadata  # else the client was closed here
    return not isinstance(error, _PASSING)


def _item_if_whole(row: sqlite3.Row) -> WaitingProposal | None:
    try:
        with damage_told("a proposal"):
            return WaitingProposal(
                id=row["id"],
                kind=ProposalKind(row["kind"]),
                server=row["server"],
                time=time_of(row["time"]),
                name=_facts(row)["name"],
                size_bytes=len(row["photo"] or row["features"] or b""),
                has_photo=row["photo"] is not None,
                attempts=row["attempts"],
                problem=row["problem"],
            )
    except DataLossError as error:  # of one proposal, which must not hold up the others
        _log.warning("proposal %s is left out: %s", row["id"], error)
        return None
