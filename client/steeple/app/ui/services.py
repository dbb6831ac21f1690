"""What the screens work with: the app's data, who answers, and the live loop, made anew when the settings change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.app.connection import connect
from steeple.app.connection_check import check_connection
from steeple.app.data import AppData
from steeple.app.found import Origin
from steeple.app.history import HistoryEntry
from steeple.app.live import LiveSession, LiveView
from steeple.app.pace import Conditions, Pace, extractors_of
from steeple.app.searcher import Searcher
from steeple.app.settings import AppSettings
from steeple.app.thumbnails import thumbnail_of
from steeple.app.trouble import ConnectionReport
from steeple.client import Answer, Client, LatLng, QueryVerdict
from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError, SteepleError, UnavailableError

_JPEG_QUALITY: Final = 90


@dataclass(frozen=True, eq=False)
class Looked:
    """A photo and what is known of it.

    Attributes:
        photo: uint8[H, W, 3], RGB: the photo, or of an entry of the history its thumbnail.
        answer: What it shows; None while nobody has said.
        time: When it was taken, UTC.
        features: Its local features; None where they are not at hand.
        origin: Who answered.
        pack: Name of the pack that did.
        location: Where the device was; None if that is not known.
        entry: Number of the history's entry; None if it is in none.
        waiting: Whether the query waits for somebody to answer.
        problem: Why there is no answer; None if there is, or if it is only a matter of time.
    """

    photo: NDArray[np.uint8]
    answer: Answer | None
    time: datetime
    features: FeatureSet | None = None
    origin: Origin | None = None
    pack: str | None = None
    location: LatLng | None = None
    entry: int | None = None
    waiting: bool = False
    problem: SteepleError | None = None


class Services:
    """All that takes longer than a frame; none of it belongs on the window's thread, but for :meth:`offer`.

    Args:
        data: The app's.
        release: Model release to extract with.
        on_view: Takes each view of the live loop, on one of its threads.
        on_online: Takes whether the server answers, whenever that changes, on any thread.
    """

    def __init__(
        self,
        data: AppData,
        release: ModelRelease,
        *,
        on_view: Callable[[LiveView], None],
        on_online: Callable[[bool], None],
    ) -> None:
        self.data = data
        self.release = release
        self.problem: SteepleError | None = None
        self._on_view = on_view
        self._on_online = on_online
        self._lock = threading.RLock()
        self._extracting = threading.Lock()
        self._extractor: Extractor | None = None
        self._client: Client | None = None
        self._searcher: Searcher | None = None
        self._session: LiveSession | None = None
        self._pace: Pace | None = None
        self._place: LatLng | None = None
        self._watching = False
        self._closed = False

    @property
    def settings(self) -> AppSettings:
        """What the person chose."""
        return self.data.settings.current

    @property
    def searcher(self) -> Searcher:
        """Who answers now.

        Raises:
            FailedPreconditionError: Before :meth:`reconnect`, and after :meth:`close`.
        """
        with self._lock:  # while the settings change, there is none for a moment
            searcher = self._searcher
        if searcher is None:
            raise FailedPreconditionError("nobody was asked to answer yet")
        return searcher

    @property
    def client(self) -> Client:
        """The server's.

        Raises:
            UnavailableError: If no server is set, or what is set cannot be used.
        """
        if self._client is None:
            raise self.problem or UnavailableError("no server is set")
        return self._client

    @property
    def place(self) -> LatLng | None:
        """Where the device is; None if that is not known or not to be used."""
        return self._place

    # --- who answers, and the live loop ---

    def reconnect(self) -> None:
        """Makes the connection and the live loop anew, by the settings as they are now."""
        with self._lock:
            if self._closed:
                return
            self._hang_up()
            self.problem = None
            try:
                self._client = connect(self.settings, self.data.keys, release=self.release.path)
            except SteepleError as error:
                self.problem = error
            self._searcher = Searcher(
                self.settings, self._client, self.data.packs, release=self.release, on_online=self._on_online
            )
            self._searcher.place = self._place
            self._pace = Pace(self.release.extraction.pyramid_scales, budget_ms=float(self.settings.latency_budget_ms))
            self._session = LiveSession(
                self._searcher, extractors_of(self.release), pace=self._pace, on_view=self._on_view
            )
            if self._watching:
                self._session.start()

    def watch(self, watching: bool) -> None:
        """Runs the live loop, or lets it rest."""
        with self._lock:
            was, self._watching = self._watching, watching
            session = self._session
            if session is None or was == watching:
                return
            if not watching:
                session.pause()
            else:
                session.start()
                session.resume()

    def offer(self, frame: NDArray[np.uint8], time: float) -> None:
        """Gives the live loop a frame. Never blocks."""
        session = self._session
        if session is not None and self._watching:
            session.offer(frame, time)

    def move(self, place: LatLng | None) -> None:
        """Says where the device is; None if that is not known or not to be used."""
        self._place = place
        searcher = self._searcher
        if searcher is not None:
            searcher.place = place

    def under(self, conditions: Conditions) -> None:
        """Goes by what the device says of itself from now on."""
        pace = self._pace
        if pace is not None:
            pace.under(conditions)

    def retry(self) -> None:
        """Looks for the server at once."""
        searcher, session = self._searcher, self._session
        if searcher is not None and session is not None:
            searcher.retry_now()
            session.retry()

    def hang_up(self) -> None:
        """Ends all that is asked of others, for good; what waits for an answer gets none."""
        with self._lock:
            self._closed = True
            self._hang_up()

    def _hang_up(self) -> None:
        session, searcher = self._session, self._searcher
        self._session = self._searcher = self._client = None
        if session is not None:
            session.close()
        if searcher is not None:
            searcher.close()

    def close(self) -> None:
        """Ends everything and closes the data."""
        self.hang_up()
        self.data.close()

    # --- a photo ---

    def look(
        self, photo: NDArray[np.uint8], location: LatLng | None = None, features: FeatureSet | None = None
    ) -> Looked:
        """Asks about a photo, keeps the answer, or puts the query off.

        Args:
            photo: uint8[H, W, 3], RGB.
            location: Where it was taken; None if that is not known.
            features: Its local features, if they are at hand.

        Raises:
            ImageError: If the photo cannot be used.
        """
        time = datetime.now(UTC)
        features = self.extract(photo) if features is None else features
        before = Looked(photo, None, time, features, location=location)
        try:
            found = self.searcher.identify(features, include_matches=True, include_thumbnails=True, near=location)
        except UnavailableError:
            self.data.waiting.add(features, time=time, thumbnail=thumbnail_of(photo), location=location)
            return replace(before, waiting=True)
        except SteepleError as error:
            return replace(before, problem=error)
        looked = replace(before, answer=found.answer, origin=found.origin, pack=found.pack)
        entry = HistoryEntry(
            answer=found.answer,
            origin=found.origin,
            time=time,
            thumbnail=thumbnail_of(photo),
            pack=found.pack,
            location=location,
        )
        return replace(looked, entry=self.data.remember(entry))

    def look_at_file(self, encoded: bytes, location: LatLng | None = None) -> Looked:
        """Asks about an encoded photo, as :meth:`look` does."""
        return self.look(read_image(encoded), location)

    def entry(self, entry_id: int) -> Looked:
        """What the history knows of a photo.

        Raises:
            NotFoundError: If there is no such entry.
        """
        entry = self.data.history.get(entry_id)
        photo = read_image(entry.thumbnail) if entry.thumbnail else np.full((32, 32, 3), 90, np.uint8)
        return Looked(
            photo,
            entry.answer,
            entry.time,
            origin=entry.origin,
            pack=entry.pack,
            location=entry.location,
            entry=entry.id,
        )

    def extract(self, photo: NDArray[np.uint8]) -> FeatureSet:
        """All local features of a photo."""
        with self._extracting:
            if self._extractor is None:
                self._extractor = Extractor(self.release, threads=2)
            return self._extractor.extract(photo)

    # --- what waits ---

    def settle(self) -> int:
        """Asks about what waits and sends what is to be sent; ends early when the server goes.

        Returns:
            How many queries were answered.
        """
        answered = sum(1 for _ in self.data.waiting.answer(self.searcher))
        client = self._client
        if client is not None:
            for _ in self.data.proposals.send(client, self.settings.server):
                pass
        return answered

    def tell(self, looked: Looked, *, correct: bool, shown: str | None, landmark: str | None = None) -> None:
        """Keeps what the person says of an answer, to be sent: features only, never the photo.

        Args:
            looked: With its features.
            correct: Whether the answer is right.
            shown: Resource name of the landmark that it named; None if it was UNKNOWN.
            landmark: Resource name of the landmark that it is, if the answer is wrong and the person knows.

        Raises:
            FailedPreconditionError: If the features are not at hand.
        """
        if looked.features is None:
            raise FailedPreconditionError("of this photo, nothing is left to be sent")
        verdict = QueryVerdict.RIGHT if correct else QueryVerdict.WRONG
        if landmark is not None:
            verdict = QueryVerdict.LANDMARK
        self.data.proposals.feedback(
            self.settings.server, looked.features, verdict, shown=shown, landmark=landmark, time=looked.time
        )

    def propose(self, looked: Looked, *, name: str, note: str, located: bool) -> None:
        """Keeps a photo and its name, to be sent for the catalogue.

        Args:
            looked: The photo.
            name: What people call the landmark.
            note: What else the person says.
            located: Whether to tell where it was taken.

        Raises:
            InvalidArgumentError: If there is no name, or a text is too long.
        """
        location = looked.location if located else None
        self.data.proposals.photo(
            self.settings.server, encoded(looked.photo), name, note=note, location=location, time=looked.time
        )

    # --- settings ---

    def key(self, server: str) -> str:
        """The key of a server; empty if there is none."""
        return (self.data.keys.get(server) or "") if server else ""

    def keep_key(self, server: str, key: str) -> None:
        """Keeps the key of a server, or forgets it if it is empty."""
        self.data.keys.set(server, key)

    def check(self) -> ConnectionReport:
        """Looks at the way to the server."""
        return check_connection(self.settings, self.key(self.settings.server) or None, release=self.release)


def encoded(photo: NDArray[np.uint8]) -> bytes:
    """A photo, uint8[H, W, 3] in RGB, as a JPEG."""
    _, data = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes()


def read_file(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        FailedPreconditionError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FailedPreconditionError(f"{path.name} cannot be read: {error.strerror or error}") from error
