"""The DELF model on the device: extractor, model releases and local features.

Importing this package loads neither OpenCV nor a TFLite runtime: a client that sends features it has, or whole
photos, needs neither. The names that take OpenCV are loaded when they are first used, the runtime by the first
:class:`Extractor`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from steeple.delf.features import DIMENSIONS, FeatureSet
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease, available_releases

if TYPE_CHECKING:
    from steeple.delf.extractor import Extractor
    from steeple.delf.image import read_image

__all__ = [
    "DEFAULT_RELEASE",
    "DIMENSIONS",
    "Extractor",
    "FeatureSet",
    "ModelRelease",
    "available_releases",
    "read_image",
]

_LAZY: Final = {"Extractor": "steeple.delf.extractor", "read_image": "steeple.delf.image"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the types are above, for type checkers
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
