"""Answers to the frames of a camera, while servers go and come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Self

from steeple.app.found import Found, Origin, StreamFound
from steeple.app.server_watch import ServerWatch
from steeple.client import AnswerStream
from steeple.delf.features import FeatureSet
from steeple.errors import DeadlineExceededError, SteepleError, UnavailableError

_PATIENCE_SECONDS: Final = 5.0  # that a server may say nothing while frames wait for answers


class SearchStream(Iterator[StreamFound]):
    """See :meth:`steeple.app.searcher.Searcher.stream`.

    Args:
        frames: Features of frames; may block.
        of_server: Begins a stream of the server's answers; None without a server.
        watch: Of the server; None without one.
        of_packs: The answer of the packs; None if there is no usable pack.
        nobody: The error for when there is none.
        patience: Seconds that a server may say nothing while frames wait for answers.
    """

    def __init__(
        self,
        frames: Iterable[FeatureSet],
        of_server: Callable[[Iterator[FeatureSet]], AnswerStream] | None,
        watch: ServerWatch | None,
        of_packs: Callable[[FeatureSet], Found | None],
        nobody: Callable[[], SteepleError],
        *,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._frames = _Frames(frames)
        self._of_server = of_server
        self._watch = watch
        self._of_packs = of_packs
        self._nobody = nobody
        self._patience = patience
        self._lock = threading.Lock()
        self._taker: _Taker | None = None
        self._cancelled = False
        self._answers = self._all()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamFound:
        return next(self._answers)

    def cancel(self) -> None:
        """Ends it, from any thread: no more frames are taken, and the iteration stops.

        Who waits for a frame of a pack's goes on waiting for it, until the frames end or there is one.
        """
        with self._lock:
            self._cancelled, taker = True, self._taker
        if taker is not None:
            taker.end()

    def _all(self) -> Iterator[StreamFound]:
        while not self._cancelled and not self._frames.over:
            if self._online():
                yield from self._by_server()
            else:
                yield from self._by_packs()
        if self._frames.error is not None and not self._cancelled:
            raise self._frames.error

    def _online(self) -> bool:
        return self._watch is not None and self._watch.problem is None

    def _by_packs(self) -> Iterator[StreamFound]:
        with self._taking() as taker:
            for frame in taker:
                found = self._of_packs(frame)
                if found is None:
                    raise self._nobody()
                yield StreamFound(taker.numbers[-1], found.answer, Origin.PACK, found.pack)
                if self._online():
                    return

    def _by_server(self) -> Iterator[StreamFound]:
        if self._of_server is None or self._watch is None:
            return
        with self._taking() as taker:
            answers = self._of_server(taker)
            taker.watch(answers, self._patience)
            try:
                for found in answers:
                    taker.answered(found.frame_id, provisional=found.provisional)
                    self._watch.answered()
                    number = taker.numbers[found.frame_id]
                    yield StreamFound(number, found.answer, Origin.SERVER, provisional=found.provisional)
            except SteepleError as error:
                if error is not self._frames.error:
                    self._failed(taker, error)
                return
            finally:
                answers.cancel()
            if taker.silent:
                self._failed(taker, DeadlineExceededError(f"the server said nothing for {self._patience:g} s"))
            elif not self._frames.over:
                self._failed(taker, UnavailableError("the server has ended the stream"))

    def _failed(self, taker: _Taker, error: SteepleError) -> None:
        if self._watch is not None and not self._cancelled:
            self._watch.failed(error)
            taker.end()
            if taker.unanswered is not None:  # the newest; packs may know what it shows
                self._frames.give_back(*taker.unanswered)

    def _taking(self) -> _Taker:
        taker = _Taker(self._frames)
        with self._lock:
            self._taker = taker
            if self._cancelled:
                taker.end()
        return taker


class _Frames:
    """The frames of a camera, taken one by one, by one taker after the other."""

    def __init__(self, frames: Iterable[FeatureSet]) -> None:
        self._iterator = iter(frames)
        self._lock = threading.Lock()
        self._count = 0
        self._returned: tuple[int, FeatureSet] | None = None
        self._ended = False
        self.error: Exception | None = None

    @property
    def over(self) -> bool:
        """Whether there are no more frames."""
        return self._ended and self._returned is None

    def take(self, wanted: Callable[[], bool]) -> tuple[int, FeatureSet]:
        """The next frame that has features, and its number.

        A taker that is not wanted any more when its frame comes leaves it to the next.

        Raises:
            StopIteration: If there is none, or it is not wanted.
        """
        with self._lock:
            if not wanted() or self.over:
                raise StopIteration
            taken, self._returned = self._returned or self._next(), None
            if not wanted():
                self._returned = taken
                raise StopIteration
            return taken

    def give_back(self, number: int, frame: FeatureSet) -> None:
        """Leaves a frame to the next taker, unless there is a newer one."""
        with self._lock:
            if self._returned is None or self._returned[0] < number:
                self._returned = number, frame

    def _next(self) -> tuple[int, FeatureSet]:
        try:
            while True:
                frame, number = next(self._iterator), self._count
                self._count += 1
                if len(frame):
                    return number, frame
        except StopIteration:
            self._ended = True
            raise
        except Exception as error:
            self._ended, self.error = True, error
            raise


class _Taker(Iterator[FeatureSet]):
    """Takes frames for one server's stream, or for packs; watches how long the server says nothing.

    Attributes:
        numbers: Of the frames that it took.
        unanswered: The last of them and its number; None if that is answered.
        silent: Whether the server was given up because it said nothing.
    """

    def __init__(self, frames: _Frames) -> None:
        self.numbers: list[int] = []
        self.unanswered: tuple[int, FeatureSet] | None = None
        self.silent = False
        self._frames = frames
        self._changed = threading.Condition()
        self._ended = False
        self._answers: AnswerStream | None = None
        self._waiting_since: float | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> FeatureSet:
        number, frame = self._frames.take(lambda: not self._ended)
        with self._changed:
            self.numbers.append(number)
            self.unanswered = number, frame
            if self._waiting_since is None:
                self._waiting_since = time.monotonic()
                self._changed.notify_all()
        return frame

    def watch(self, answers: AnswerStream, patience: float) -> None:
        """Ends the server's answers when none comes for so many seconds."""
        with self._changed:
            self._answers = answers
            if self._ended:
                answers.cancel()
                return
        threading.Thread(target=self._wait, args=(patience,), name="steeple-stream-watch", daemon=True).start()

    def answered(self, frame_id: int, *, provisional: bool) -> None:
        """The server has said something."""
        with self._changed:
            last = frame_id + 1 == len(self.numbers) and not provisional
            self._waiting_since = None if last else time.monotonic()
            self.unanswered = None if last else self.unanswered
            self._changed.notify_all()

    def end(self) -> None:
        """Takes no more frames."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            answers = self._answers
        if answers is not None:
            answers.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _wait(self, patience: float) -> None:
        with self._changed:
            while not self._ended:
                left = None if self._waiting_since is None else self._waiting_since + patience - time.monotonic()
                if left is not None and left <= 0:
                    self.silent = True
                    break
                self._changed.wait(left)
            else:
                return
        self.end()
