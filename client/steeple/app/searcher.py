"""Who answers: the server while it can be reached, else a pack on this device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from steeple.app.answers import Found, Origin, StreamFound
from steeple.app.pack_shelf import PackShelf
from steeple.app.settings import AppSettings
from steeple.client import Client, LatLng
from steeple.delf.features import FeatureSet
from steeple.errors import SteepleError

__all__ = ["Found", "Origin", "Searcher", "StreamFound"]


class Searcher:
    """Answers queries. Thread safe.

    A server that fails is not asked again before a background thread has found that it answers; until then packs answer
    without waiting for it.

    Args:
        settings: Who may answer, and how many bytes a query may have. For other settings, make another searcher.
        client: Of the server; None for none. It is closed with the searcher.
        packs: On this device; None for none.
        on_online: Called from a background thread with whether the server answers, whenever that changes.
    """

    def __init__(
        self,
        settings: AppSettings,
        client: Client | None,
        packs: PackShelf | None,
        *,
        on_online: Callable[[bool], None] | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._packs = packs
        self._on_online = on_online

    @property
    def online(self) -> bool:
        """Whether the server answered when it was asked last; True before it was, False without one."""
        raise NotImplementedError

    @property
    def server_problem(self) -> SteepleError | None:
        """Why it did not; None while it does."""
        raise NotImplementedError

    def identify(
        self,
        features: FeatureSet,
        *,
        photo: bytes | None = None,
        include_matches: bool = False,
        include_thumbnails: bool = False,
        near: LatLng | None = None,
    ) -> Found:
        """Names the landmark in a photo.

        Args:
            features: Of the photo.
            photo: The encoded photo, which goes to the server instead of its features. Only if the person said so.
            include_matches: Whether candidates carry their inlier matches.
            include_thumbnails: Whether candidates carry thumbnails of their reference images.
            near: Where the device is. It goes to the server only if the settings say so; packs are chosen by it.

        Raises:
            UnavailableError: If neither server nor pack can answer. Put the query off (:class:`steeple.app.waiting.Waiting`).
            SteepleError: What the server said, if no pack can answer instead.
        """
        raise NotImplementedError

    def stream(
        self, frames: Iterable[FeatureSet], *, include_matches: bool = True, near: LatLng | None = None
    ) -> Iterator[StreamFound]:
        """Names the landmarks before a camera. It lives through servers that go and come back, as long as there are frames.

        Frames are taken from ``frames``, in another thread, as fast as they can be sent or answered. A frame that was taken and not answered
        when the server went is dropped.

        Args:
            frames: Features of frames; blocks until there is one, and ends when the camera stops.
            include_matches: As for :meth:`identify`.
            near: As for :meth:`identify`.

        Raises:
            UnavailableError: If neither server nor pack can answer; make another stream when :attr:`online` changes.
            SteepleError: What the server said, if no pack can answer instead.
        """
        raise NotImplementedError

    def retry_now(self) -> None:
        """Looks for the server at once: the network has changed, or the app has come back to the front."""

    def close(self) -> None:
        """Ends what is under way, and closes the client."""
