"""Data folders of servers whose catalogue is synthetic, filled without going through the API image by image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from steeple.delf import ModelRelease, wire
from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, landmarks, reference_images
from steeple.server.catalogue.database import Database
from steeple.server.index import FaissIndex
from steeple.server.scale.photos import SyntheticPhotos
from steeple.server.scale.synthetic import key_of
from steeple.server.scale.whole_queries import landmark_of
from steeple.server.settings import catalogue_file_url

_IMAGES_AT_ONCE: Final = 500


def fill_data_dir(
    data_dir: Path,
    release: ModelRelease,
    index_folder: Path,
    photos: SyntheticPhotos,
    images: int,
    advance: Callable[[], None] = lambda: None,
) -> int:
    """Gives a server that is not running a catalogue and an index that is up to date with it.

    Rows, features and changes are those that the API would have made, but for request ids and photos, of which there
    are none; many images share a transaction. A folder that was filled in part is filled further.

    Args:
        data_dir: Of the server.
        release: That it is to serve.
        index_folder: Snapshot of an index of the images, under their :func:`key_of`, at the sequence number that is
            their count. Its files are linked, or copied.
        photos: The images' features.
        images: Number of images, each with its own landmark.
        advance: Told of each image that is added.

    Returns:
        Number of images that had to be added.

    Raises:
        InvalidArgumentError: If the folder has other images, or a server would make the index anew at once.
    """
    if FaissIndex.restore(index_folder, release)[0].crowded:
        raise InvalidArgumentError(
            "a server would make this index anew, with more lists, while it is measured; leave --lists out"
        )
    # As it is, without the user's own settings: those are for the user's own server, and may name its database.
    url = catalogue_file_url(data_dir.absolute())
    with Catalogue.open(url) as catalogue:  # makes the tables
        there = catalogue.image_count()
        if there > images or catalogue.sequence() != there:
            raise InvalidArgumentError(f"{data_dir} holds {there} images, not {images}; choose another --folder")
    database = Database(url)
    try:
        for start in range(there, images, _IMAGES_AT_ONCE):
            with database.write() as connection:
                now = datetime.now(UTC)
                for number in range(start, min(images, start + _IMAGES_AT_ONCE)):
                    name, features = landmark_of(number), photos.photo(number)
                    landmarks.create(connection, LandmarkDraft(f"Synthetic landmark {number}"), name, now)
                    parent = landmarks.get(connection, name)
                    draft, packed = ImageDraft(features), wire.pack(features)
                    made = reference_images.create(connection, parent, draft, packed, image_id="only", now=now)
                    if made.key != key_of(number):
                        raise InvalidArgumentError(f"{data_dir} had other images before; choose another --folder")
                    advance()
    finally:
        database.close()
    target = data_dir / "index" / release.name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in index_folder.iterdir():
        if file.is_file():
            _link(file, target / file.name)
    return images - there


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(file, target)
