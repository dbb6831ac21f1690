"""Photos into what is sent of them: features made here, or the encoded image."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.client._errors import closed
from steeple.delf import compact, wire
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError, ImageError, InvalidArgumentError
from steeple.v1 import features_pb2
from steeple.v1.catalog_service_pb2 import CreateReferenceImageRequest
from steeple.v1.visual_search_service_pb2 import Query

if TYPE_CHECKING:
    from steeple.delf.extractor import Extractor

Photo: TypeAlias = str | os.PathLike[str] | bytes | NDArray[np.uint8] | FeatureSet
"""A path, an encoded image (JPEG, PNG, WebP, BMP), uint8[H, W, 3] in RGB, or features extracted before."""

_JPEG_QUALITY: Final = 95


@dataclass(frozen=True)
class Source:
    """What is sent of a photo: one of the first three.

    Attributes:
        image: The encoded image.
        features: Its features.
        compact: Its best features, in one message or several, the best first.
        extracted_with: The release that made the features, if that was done here.
        device_extract: Milliseconds it took; None if it was not done here.
    """

    image: bytes | None = None
    features: features_pb2.FeatureSet | None = None
    compact: tuple[features_pb2.CompactFeatureSet, ...] = ()
    extracted_with: ModelRelease | None = None
    device_extract: float | None = None

    @property
    def size(self) -> int:
        """Bytes of the largest message that it goes in, without what else that says."""
        parts = [self.features] if self.features is not None else list(self.compact)
        return max(len(self.image or b""), *(part.ByteSize() for part in parts), 0)

    def put_into(self, message: Query | CreateReferenceImageRequest) -> None:
        """Sets the message's ``source``."""
        if self.image is not None:
            message.image = self.image
        elif self.features is not None:
            message.features.CopyFrom(self.features)
        elif self.compact and isinstance(message, Query):
            message.compact_features.CopyFrom(self.compact[0])


class PhotoReader:
    """Prepares photos in threads of its own, each with an extractor of its own, made when first needed."""

    def __init__(self, release: str | os.PathLike[str], extractors: int) -> None:
        if extractors < 1:
            raise InvalidArgumentError(f"extractors must be at least 1, not {extractors}")
        self._release = release
        self._threads = ThreadPoolExecutor(extractors, thread_name_prefix="steeple-extract")
        self._local = threading.local()

    def prepare(self, photo: Photo, *, upload: bool, budgets: Sequence[int] = ()) -> Future[Source]:
        """What is sent of a photo; the future fails with an error of :mod:`steeple.errors`.

        Args:
            photo: The photo.
            upload: Whether the photo itself is sent.
            budgets: Bytes of each message of features; none: all features go in one.
        """
        try:
            return self._threads.submit(self._prepare, photo, upload, budgets)
        except RuntimeError:  # shut down
            raise closed() from None

    def close(self) -> None:
        """Forgets what waits, and waits for what is under way."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, photo: Photo, upload: bool, budgets: Sequence[int]) -> Source:
        if isinstance(photo, FeatureSet):
            if upload:
                raise InvalidArgumentError("features are not a photo that could be uploaded; leave upload out")
            return _source(photo, self._loaded if budgets else None, budgets)
        if upload:
            return Source(image=_encoded(photo))
        extractor = self._extractor()
        start = time.perf_counter()
        features = extractor.extract(photo)
        source = _source(features, extractor.release, budgets)
        return replace(source, extracted_with=extractor.release, device_extract=(time.perf_counter() - start) * 1e3)

    @functools.cached_property
    def _loaded(self) -> ModelRelease:
        # Once: all its files are hashed, and a camera's frames come ten times a second.
        return ModelRelease.load(os.fspath(self._release))

    def _extractor(self) -> Extractor:
        extractor: Extractor | None = getattr(self._local, "extractor", None)
        if extractor is None:
            try:
                # Not at the top: it loads OpenCV and a TFLite runtime, which uploading does without.
                from steeple.delf.extractor import Extractor  # noqa: PLC0415

                extractor = Extractor(os.fspath(self._release))
            except ImportError as error:
                raise FailedPreconditionError(
                    f"features cannot be extracted here ({error}); install steeple[client], or use upload=True"
                ) from error
            self._local.extractor = extractor
        return extractor


def _source(features: FeatureSet, release: ModelRelease | None, budgets: Sequence[int]) -> Source:
    whole = wire.pack(features)
    if release is None or not budgets or (len(budgets) == 1 and whole.ByteSize() <= budgets[0]):
        return Source(features=whole)
    return Source(compact=tuple(compact.pack_parts(features, release, budgets)))


def _encoded(photo: str | os.PathLike[str] | bytes | NDArray[np.uint8]) -> bytes:
    if isinstance(photo, bytes):
        return photo
    if isinstance(photo, np.ndarray):
        return _jpeg(photo)
    try:
        return Path(photo).read_bytes()
    except OSError as error:
        raise ImageError(f"{os.fspath(photo)} cannot be read: {error.strerror}") from error


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ImageError(f"pixels must be uint8[H, W, 3] in RGB, not {pixels.dtype}{list(pixels.shape)}")
    import cv2  # noqa: PLC0415 - only those who upload pixels need it

    try:
        done, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    except cv2.error as error:
        raise ImageError(f"pixels of shape {list(pixels.shape)} cannot be encoded: {error}") from error
    if not done:
        raise ImageError(f"pixels of shape {list(pixels.shape)} cannot be encoded as JPEG; make them smaller")
    return encoded.tobytes()
