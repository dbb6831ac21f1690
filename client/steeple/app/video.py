"""A video file or a webcam as the camera."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import UnavailableError

_FALLBACK_RATE: Final = 30.0  # of a file that does not tell its own
_RATES: Final = (1.0, 240.0)
_BEHIND_SECONDS: Final = 0.5  # from which a film goes on where it is: who never catches up would see nothing at all


class Video:
    """Frames of a video file, or of a webcam, as fast as they are to be seen.

    Args:
        source: The file, or the number of a webcam; 0 is the first.
        repeat: Whether a file begins again at its end.
    """

    def __init__(self, source: str | os.PathLike[str] | int, *, repeat: bool = True) -> None:
        self._source = source
        self._repeat = repeat

    def frames(self, stopped: Callable[[], bool] = lambda: False) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Number and pixels, uint8[H, W, 3] in RGB, of each frame, when it is due.

        Numbers are those of the file, from 0, and go on rising when it begins again. Frames that are overdue are left
        out, so whoever is slow sees fewer and none late; a film that falls far behind takes longer.

        Args:
            stopped: Asked before each frame; the iterator ends when it says so.

        Raises:
            UnavailableError: If the source cannot be opened, or a webcam gives no more frames.
        """
        capture = self._open()
        try:
            yield from self._webcam(capture, stopped) if isinstance(self._source, int) else self._file(capture, stopped)
        finally:
            capture.release()

    def check(self) -> None:
        """Opens it and closes it again.

        Raises:
            UnavailableError: If that fails.
        """
        self._open().release()

    def _open(self) -> cv2.VideoCapture:
        name = self._source if isinstance(self._source, int) else os.fspath(self._source)
        if isinstance(name, str) and not Path(name).is_file():
            raise UnavailableError(f"there is no video {name}")
        capture = cv2.VideoCapture(name)
        if not capture.isOpened():
            capture.release()
            what = f"webcam {name}" if isinstance(name, int) else f"video {name}"
            raise UnavailableError(
                f"{what} cannot be opened; it is missing, in use, or of a kind that OpenCV cannot read"
            )
        return capture

    def _webcam(
        self, capture: cv2.VideoCapture, stopped: Callable[[], bool]
    ) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not the oldest of a queue
        number = 0
        while not stopped():
            taken, picture = capture.read()
            if not taken:
                raise UnavailableError(f"webcam {self._source} gives no more frames; it was unplugged, or is in use")
            yield number, _rgb(picture)
            number += 1

    def _file(self, capture: cv2.VideoCapture, stopped: Callable[[], bool]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        if not _RATES[0] <= rate <= _RATES[1]:
            rate = _FALLBACK_RATE
        began, number = time.monotonic(), 0
        empty = True
        while not stopped():
            if not capture.grab():
                if empty:
                    raise UnavailableError(f"video {os.fspath(self._source)} has no frames")  # type: ignore[arg-type]
                if not self._repeat:
                    return
                capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                empty = True
                continue
            empty = False
            late = time.monotonic() - (began + number / rate)
            if late < 0:
                time.sleep(-late)
            if late > _BEHIND_SECONDS:
                began, late = began + late, 0.0
            if late < 1 / rate:
                taken, picture = capture.retrieve()
                if taken:
                    yield number, _rgb(picture)
            number += 1


class VideoCamera:
    """A video as a camera, see :class:`steeple.app.device.Camera`. Zoom shows the middle, enlarged.

    Args:
        video: Its frames.
    """

    has_torch: Final = False
    max_zoom: Final = 4.0

    def __init__(self, video: Video) -> None:
        self._video = video
        self._turn = threading.Lock()
        self._playing: tuple[threading.Thread, threading.Event] | None = None
        self._zoom = 1.0

    def start(self, on_frame: Callable[[NDArray[np.uint8], float], None]) -> None:
        """Begins to give frames, each with the seconds of ``time.monotonic``, on a thread of its own.

        Raises:
            UnavailableError: If the video cannot be opened.
        """
        with self._turn:
            if self._playing is not None and self._playing[0].is_alive():
                return
            self._video.check()
            ended = threading.Event()
            thread = threading.Thread(target=self._play, args=(on_frame, ended), name="steeple-camera", daemon=True)
            self._playing = (thread, ended)
            thread.start()

    def stop(self) -> None:
        """Ends that; no frame comes after it has returned."""
        with self._turn:
            playing, self._playing = self._playing, None
        if playing is not None:
            playing[1].set()
            if playing[0] is not threading.current_thread():
                playing[0].join()

    def torch(self, on: bool) -> None:
        """There is none."""

    def zoom(self, factor: float) -> float:
        """Zooms by a factor between 1 and :attr:`max_zoom`; returns the one that it has now."""
        self._zoom = min(self.max_zoom, max(1.0, factor))
        return self._zoom

    def _play(self, on_frame: Callable[[NDArray[np.uint8], float], None], ended: threading.Event) -> None:
        for _, pixels in self._video.frames(ended.is_set):
            if ended.is_set():
                return
            on_frame(zoomed(pixels, self._zoom), time.monotonic())


def zoomed(pixels: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """The middle of a frame, enlarged to its size by ``factor``, 1 or more."""
    if factor <= 1.0:
        return pixels
    height, width = pixels.shape[:2]
    shown = (max(1, round(width / factor)), max(1, round(height / factor)))
    left, top = (width - shown[0]) // 2, (height - shown[1]) // 2
    middle = pixels[top : top + shown[1], left : left + shown[0]]
    return np.asarray(cv2.resize(middle, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _rgb(picture: object) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.asarray(picture, np.uint8), cv2.COLOR_BGR2RGB), np.uint8)
