"""The demo's photographs: out of a pinned wheel, never part of Steeple."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from typing import Final

from steeple.delf.packages import PinnedWheel, fetch_wheel
from steeple.errors import DataLossError

WHEEL: Final = PinnedWheel(
    "image-matching-models",
    "1.1.0",
    "48503a972801714afc9b477e6819b06e40ec62e09afc74b34916d0335e1d2bd4",
    megabytes=30,
)

_FOLDER: Final = "imm/assets/"

PHOTOS: Final[Mapping[str, str]] = {
    "example_pairs/outdoor/montmartre_close.jpg": "17f565e70f7e01f61fd4c1608708ebed49673add6b829065cf3a0d0af7169768",
    "example_pairs/outdoor/montmartre_far.jpg": "faa3fbebd3186401f35d0f351d55d49d9d1d2c88520bb1cb4552281facd14b95",
    "example_pairs/indoor/gcs_close.jpg": "1004752030f7dc1466def5eaaa20ec1b17a7dbc645aff79afdc0eba2d0963317",
    "example_pairs/indoor/gcs_far.jpg": "8d0f081ca3ef81e6bf75f173ada96ea0858c2de3df2edbea3bd78f217a2f2346",
    "example_pairs/fresco/sist_chapel.jpg": "eb5d24bb7743da2b2631ac788d264ef46365eaf108cee359621011ce76153b10",
    "example_pairs/fresco/fsm.jpg": "d034ab3367318fea2b38f78977be45bb95084c61d1661a00d9ca49cbf133760f",
    "example_test/warped.jpg": "bdb4cdba840a75be609cf7fd3024e8236b70a00028abf4fa58a66ed52ac58a23",
    "example_pairs/false_positive/chartres.jpg": "847d3519dc3621a895ec931fabb6db7db651bddfc8b2013285d4cfbc7484a694",
    "example_pairs/false_positive/notre_dame.jpg": "52d0f2395153da6b39a534bea0d02e86642198624c0d5df941adc1c4928c9b49",
    "example_pairs/sat2iss/satellite_img.jpg": "d5549dbd2b5f6d6b94f0bfe2d89046f99bb3e119c2d64d9b05bd2093528df46e",
    "example_pairs/sat2iss/photo_from_iss.jpg": "1dc4caacb0b2972a7a988d723abd83eb81243f121b51204380e773d3d93fbe97",
    "example_pairs/thermal/visible.jpg": "b020d5de0dde6434f116c03b5903a9e04d5612ed6a98fb935f45288ab7f0edd0",
    "example_pairs/thermal/thermal.jpg": "fc321d55a2b6892cfbbc558e3d172ca62b7f1be3a5ec6b84a42762faa100f57a",
    "example_pairs/sphereglue/barbershop-00000000.jpg": (
        "292fc7c8bdbf00beb0806c0220bfc02ffb9efad942ef73cb913fc257888a7727"
    ),
}
"""SHA-256 of each photo, hex, by its path below the wheel's photo folder."""


def fetch_photos(on_download: Callable[[PinnedWheel], None] | None = None) -> dict[str, bytes]:
    """Every photo's encoded bytes, by the path that :data:`PHOTOS` has for it.

    Raises:
        UnavailableError: If the wheel is not cached and cannot be downloaded.
        DataLossError: If a photo is not the one that is expected.
    """
    photos = {}
    with zipfile.ZipFile(fetch_wheel(WHEEL, on_download=on_download)) as archive:
        for path, digest in PHOTOS.items():
            photos[path] = archive.read(_FOLDER + path)
            if hashlib.sha256(photos[path]).hexdigest() != digest:
                raise DataLossError(f"{path} of {WHEEL} is not the photo that was tried", wheel=str(WHEEL))
    return photos
