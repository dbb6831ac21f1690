"""Photos of other apps: chosen by the person, or shared with this one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from steeple.app.android.bridge import REQUEST_PHOTO, Bridge, Java

_log = logging.getLogger(__name__)

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a photo, at most; more than any camera's takes, and less than a phone's memory."""

_SEND: Final = "android.intent.action.SEND"
_STREAM: Final = "android.intent.extra.STREAM"
_OK: Final = -1  # Activity.RESULT_OK
_CODERS: Final = (b"heic", b"heix", b"mif1", b"msf1", b"avif")  # of phones, and not of OpenCV
_IMAGE_DECODER: Final = 28
_QUALITY: Final = 92


class Photos:
    """Gives photos as files; see :class:`steeple.app.device.Device`."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._lock = threading.Lock()
        self._chosen: Callable[[bytes | None], None] | None = None
        self._shared: Callable[[bytes], None] | None = None
        bridge.on_activity_result(self._result)
        bridge.on_new_intent(lambda intent: self._bridge.post(lambda: self._received(intent)))

    def pick(self, on_photo: Callable[[bytes | None], None]) -> None:
        """Lets the person choose one; again before that is done leaves the first without."""
        with self._lock:
            before, self._chosen = self._chosen, on_photo
        if before is not None:
            before(None)
        self._bridge.post(self._open_picker)

    def on_shared(self, on_photo: Callable[[bytes], None]) -> None:
        """From now on, gives the photos that other apps share with this one."""
        with self._lock:
            self._shared = on_photo
        self._bridge.post(lambda: self._received(self._bridge.activity.getIntent()))

    def _open_picker(self) -> None:
        intent = self._bridge.java("android.content.Intent")("android.intent.action.GET_CONTENT")
        intent.setType("image/*")
        intent.addCategory("android.intent.category.OPENABLE")
        try:
            self._bridge.activity.startActivityForResult(intent, REQUEST_PHOTO)
        except self._bridge.error:
            _log.exception("there is no app to choose a photo with")
            self._give(None)

    def _result(self, request: int, result: int, intent: Java) -> None:
        if request == REQUEST_PHOTO:
            uri = intent.getData() if result == _OK and intent is not None else None
            self._bridge.post(lambda: self._give(None if uri is None else self._read(uri)))

    def _give(self, photo: bytes | None) -> None:
        with self._lock:
            chosen, self._chosen = self._chosen, None
        if chosen is not None:
            chosen(photo)

    def _received(self, intent: Java) -> None:
        with self._lock:
            shared = self._shared
        if shared is None or intent is None or intent.getAction() != _SEND:
            return
        stream = intent.getParcelableExtra(_STREAM)
        if stream is None:
            return
        # The activity keeps its intent: asked again, after a turn of the screen, it would give the same photo.
        intent.removeExtra(_STREAM)
        photo = self._read(self._bridge.cast("android.net.Uri", stream))
        if photo is not None:
            shared(photo)

    def _read(self, uri: Java) -> bytes | None:
        try:
            opened = self._bridge.activity.getContentResolver().openFileDescriptor(uri, "r")
            if opened is None:
                return None
            with open(opened.detachFd(), "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                data = file.read(LARGEST + 1)
            if len(data) > LARGEST:
                _log.warning("a photo of more than %d bytes was left out", LARGEST)
                return None
            return self._as_jpeg(data) if data[4:8] == b"ftyp" and data[8:12] in _CODERS else data
        except (OSError, self._bridge.error):
            _log.exception("a photo cannot be read")
            return None

    def _as_jpeg(self, data: bytes) -> bytes:
        """What the phone can read and OpenCV cannot, turned as its Exif says."""
        if self._bridge.sdk < _IMAGE_DECODER:
            return data
        decoder = self._bridge.java("android.graphics.ImageDecoder")
        buffer = self._bridge.java("java.nio.ByteBuffer").wrap(data)
        bitmap = decoder.decodeBitmap(decoder.createSource(self._bridge.cast("java.nio.ByteBuffer", buffer)))
        output = self._bridge.java("java.io.ByteArrayOutputStream")()
        kind = self._bridge.java("android.graphics.Bitmap$CompressFormat").JPEG
        bitmap.compress(kind, _QUALITY, output)
        return self._bridge.data(output.toByteArray())
