"""Who answers: the server while it can be reached, else a pack on this device."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, Final

from steeple.app.found import Found, FoundStream, Origin
from steeple.app.pack_shelf import PackShelf
from steeple.app.search_stream import SearchStream
from steeple.app.server_watch import ServerWatch
from steeple.app.settings import AnswersFrom, AppSettings
from steeple.client import Client, LatLng
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import (
    CancelledError,
    DeadlineExceededError,
    FeatureSetError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)

_PATIENCE_SECONDS: Final = 8.0
_PATIENCE_WITH_PACK_SECONDS: Final = 4.0
_PASSING: Final = (CancelledError, DeadlineExceededError, ResourceExhaustedError)


class Searcher:
    """Answers queries. Thread safe. Use it in a ``with`` block, or call :meth:`close`.

    A server that fails is left alone until a background thread has found that it answers again; meanwhile packs answer
    at once.

    Args:
        settings: Who may answer, and how many bytes a query may have. For other settings, make another searcher.
        client: Of the server; None for none. It is closed with the searcher.
        packs: On this device; None for none.
        release: Model release that queries are extracted with; None: servers are not asked for it beforehand.
        on_online: Called with whether the server answers, whenever that changes, on a thread that must not be kept.
    """

    def __init__(
        self,
        settings: AppSettings,
        client: Client | None,
        packs: PackShelf | None,
        *,
        release: ModelRelease | None = None,
        on_online: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._packs = packs
        self._unused = client  # of which nothing is asked, if packs answer alone
        self._client = None if settings.answers_from is AnswersFrom.PACKS else client
        self._streams: weakref.WeakSet[SearchStream] = weakref.WeakSet()
        self._watch = None if self._client is None else ServerWatch(self._client, release, on_online)
        self.place: LatLng | None = None
        """Where the device is; set it when that changes. It goes to the server only if the settings say so."""

    @property
    def online(self) -> bool:
        """Whether the server answered when it was asked last, or was not asked yet; False without one."""
        return self._watch is not None and self._watch.problem is None

    @property
    def server_problem(self) -> SteepleError | None:
        """Why the server does not answer; None while it does."""
        if self._watch is None:
            alone = self._settings.answers_from is AnswersFrom.PACKS
            return UnavailableError(
                "packs answer alone, as the settings say" if alone else "no server is set; enter one in the settings"
            )
        return self._watch.problem

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
            near: Where the photo was taken; None: at :attr:`place`.

        Raises:
            FeatureSetError: If there are no features.
            UnavailableError: If neither server nor pack can answer. Put the query off
                (:class:`steeple.app.waiting.Waiting`).
            SteepleError: What the server said, if no pack can answer instead.
        """
        if not len(features):
            raise FeatureSetError("the photo shows too little to recognise it by; take another one")
        near = self.place if near is None else near
        if self._client is not None and self._watch is not None and self.online:
            try:
                answer = self._client.identify(
                    features if photo is None else photo,
                    upload=photo is not None,
                    timeout=None if photo is not None else self._patience(near),
                    include_thumbnails=include_thumbnails,
                    **self._query(near, include_matches=include_matches, upload=photo is not None),
                )
            except InvalidArgumentError:  # nobody could answer such a query
                raise
            except SteepleError as error:
                self._watch.failed(error)
            else:
                self._watch.answered()
                return Found(answer, Origin.SERVER)
        found = self._of_packs(
            features, near, include_matches=include_matches, include_thumbnails=include_thumbnails, most=None
        )
        if found is None:
            raise self._nobody()
        return found

    def stream(
        self, frames: Iterable[FeatureSet], *, include_matches: bool = True, near: LatLng | None = None
    ) -> FoundStream:
        """Names the landmarks before a camera. It goes on while servers go and come back, as long as there are frames.

        Frames are taken on another thread, one whenever it can be sent or a pack is free. Frames without features are
        passed over. Of those that were taken and not answered when the server went, packs answer the newest alone.

        Args:
            frames: Features of frames. It may block until there is one, and ends when the camera does. An exception
                from it is raised.
            include_matches: As for :meth:`identify`.
            near: As for :meth:`identify`.

        Raises:
            UnavailableError: While iterating, if neither server nor pack can answer. Make another stream when
                :attr:`online` changes.
            SteepleError: While iterating, what the server said, if no pack can answer instead.
        """
        near = self.place if near is None else near

        def of_packs(features: FeatureSet) -> Found | None:
            return self._of_packs(features, near, include_matches=include_matches, include_thumbnails=False, most=1)

        client, query = self._client, self._query(near, include_matches=include_matches, upload=False)
        stream = SearchStream(
            frames,
            None if client is None else lambda taken: client.identify_stream(taken, **query),
            self._watch,
            of_packs,
            self._nobody,
        )
        self._streams.add(stream)
        return stream

    def retry_now(self) -> None:
        """Looks for the server at once: the network has changed, or the app has come back to the front."""
        if self._watch is not None:
            self._watch.ask_now()

    def close(self) -> None:
        """Ends what is under way, and closes the client. May be called again."""
        for stream in list(self._streams):
            stream.cancel()
        if self._unused is not None:
            self._unused.close()
        if self._watch is not None:
            self._watch.close()

    def __enter__(self) -> Searcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _query(self, near: LatLng | None, *, include_matches: bool, upload: bool) -> dict[str, Any]:
        settings = self._settings
        query: dict[str, Any] = {"include_matches": include_matches, "keep": settings.allow_keeping}
        if not upload:
            query["max_bytes"] = settings.max_bytes
        if near is not None and settings.send_location:
            query |= {"near": near, "radius_meters": settings.search_radius_meters}
        return query

    def _patience(self, near: LatLng | None) -> float:
        with_pack = self._packs is not None and self._packs.choose(near)
        return _PATIENCE_WITH_PACK_SECONDS if with_pack else _PATIENCE_SECONDS

    def _of_packs(
        self,
        features: FeatureSet,
        near: LatLng | None,
        *,
        include_matches: bool,
        include_thumbnails: bool,
        most: int | None,
    ) -> Found | None:
        if self._packs is None:
            return None
        return self._packs.identify(
            features,
            place=near,
            most=most,
            include_matches=include_matches,
            include_thumbnails=include_thumbnails,
        )

    def _nobody(self) -> SteepleError:
        problem = self.server_problem
        if problem is None:  # it has come back since
            return UnavailableError("the server does not answer just now; try again")
        # What time mends is one thing to whoever asks: nobody can answer now, and the query may wait.
        kind = UnavailableError if isinstance(problem, _PASSING) else type(problem)
        return kind(f"{problem.message}; and no pack on this device can answer", **problem.metadata)
