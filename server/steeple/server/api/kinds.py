"""Kinds of work, and what they are thought to take before any was done."""

from __future__ import annotations

from typing import Final, NamedTuple

from steeple.delf.image import claimed_size
from steeple.v1.visual_search_service_pb2 import Query

_UNKNOWN_MEGAPIXELS: Final = 256.0
_FIXED_SECONDS: Final = 0.2  # of a photo, on a slow processor: extraction does not depend on its size
_SECONDS_A_MEGAPIXEL: Final = 0.02  # decoding does


class Kind(NamedTuple):
    """Work that takes about as long as other work of the kind.

    Attributes:
        name: Of the kind.
        guess: Seconds on a thread, until some of it was done.
    """

    name: str
    guess: float = 0.0


READ: Final = Kind("read")
CHANGE: Final = Kind("change")
AUDIT: Final = Kind("audit")
FEATURES: Final = Kind("features")
THUMBNAIL: Final = Kind("thumbnail")
GROUPING: Final = Kind("grouping", 2.0)
SIGN_IN: Final = Kind("sign-in", 0.2)
COVERAGE: Final = Kind("coverage", 0.1)


def kind_of(query: Query) -> Kind:
    """The kind of work that it is to answer a query."""
    return kind_of_photo(query.image) if query.WhichOneof("source") == "image" else FEATURES


def explaining(kind: Kind) -> Kind:
    """The kind of work that it is to explain what answering is of ``kind``."""
    return Kind(f"explain {kind.name}", kind.guess)


def kind_of_photo(photo: bytes) -> Kind:
    """The kind of work that an encoded photo is: those whose numbers of pixels are within a factor of 4 are alike."""
    claimed = claimed_size(photo)  # on the event loop, hence no more than a look
    megapixels, most = _UNKNOWN_MEGAPIXELS if claimed is None else claimed[0] * claimed[1] / 1e6, 1
    while most < megapixels and most < _UNKNOWN_MEGAPIXELS:
        most *= 4
    return Kind(f"photo of {most} megapixels", _FIXED_SECONDS + _SECONDS_A_MEGAPIXEL * min(megapixels, most))
