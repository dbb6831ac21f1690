"""What rows of reference images and photos cost, on any database and any store."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

import numpy as np
from sqlalchemy import text

from steeple.delf import ModelRelease, wire
from steeple.errors import InvalidArgumentError
from steeple.server.capacity.measured import CatalogueCost, ImageCost
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, landmarks, reference_images
from steeple.server.catalogue.database import Database
from steeple.server.images import ImageStore
from steeple.server.scale.photos import SyntheticPhotos
from steeple.server.scale.processes import cpu_seconds
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, SyntheticCatalogue

_AT_ONCE: Final = 50
_LANDMARK: Final = "measured"
_PHOTO_BYTES: Final = 300_000
_ROOM: Final = 50  # images of which a page or two more or less would say nothing

_SIZES: Final = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}
_PROCESSES: Final = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"


def measure_catalogue(
    url: str, release: ModelRelease, images: int, runs: int, advance: Callable[[], None] = lambda: None
) -> CatalogueCost:
    """Fills a database with reference images, reads as many as a query verifies, and adds some one by one.

    Args:
        url: SQLAlchemy URL of an empty database; it keeps what is written.
        release: Of the features.
        images: With 1000 features each.
        runs: Reads and additions that are timed.
        advance: Told of each image and each run.

    Raises:
        InvalidArgumentError: If the database has landmarks already.
        UnavailableError: If it cannot be reached.
    """
    photos = SyntheticPhotos(release.name, SyntheticCatalogue(release).image, max(images, _ROOM))
    database = Database(url)
    kind = database.engine.dialect.name
    try:
        with Catalogue.open(url) as catalogue:
            if catalogue.image_count() or catalogue.list_landmarks(1).items:
                raise InvalidArgumentError("the database holds a catalogue: give --database-url an empty one")
            before = _size(database, kind)
            keys = _filled(database, photos, images, advance)
            held = _size(database, kind) - before
            rng = np.random.default_rng(1)
            count = min(release.verification.candidates, images)
            chosen = [[int(key) for key in rng.choice(keys, count, replace=False)] for _ in range(runs)]

            def read(some: list[int]) -> None:
                catalogue.images(some)
                catalogue.features(some, release.name)
                advance()

            read(chosen[0])
            cpu, server = time.process_time(), _server_seconds(database, kind)
            walls = [_seconds(partial(read, some)) for some in chosen]
            cpu, after = time.process_time() - cpu, _server_seconds(database, kind)
            drafts = [ImageDraft(photos.photo(images + number)) for number in range(runs)]
            writes = []
            for draft in drafts:
                writes.append(_seconds(partial(catalogue.create_image, _LANDMARK, draft)))
                advance()
    finally:
        database.close()
    return CatalogueCost(
        engine=kind,
        images=images,
        features=IMAGE_DESCRIPTORS,
        bytes_per_image=round(held / images, 1),
        read_images=count,
        read_ms=round(1e3 * statistics.median(walls), 3),
        read_cpu_ms=round(1e3 * cpu / runs, 3),
        server_cpu_ms=None if server is None or after is None else round(1e3 * (after - server) / runs, 3),
        write_ms=round(1e3 * statistics.median(writes), 3),
    )


def _filled(database: Database, photos: SyntheticPhotos, images: int, advance: Callable[[], None]) -> list[int]:
    keys = []
    with database.write() as connection:
        landmarks.create(connection, LandmarkDraft("Measured"), _LANDMARK, datetime.now(UTC))
    for some in _batches(images):
        with database.write() as connection:
            parent, now = landmarks.get(connection, _LANDMARK), datetime.now(UTC)
            for number in some:
                features = photos.photo(number)
                draft, packed = ImageDraft(features), wire.pack(features)
                made = reference_images.create(connection, parent, draft, packed, image_id=f"i{number}", now=now)
                keys.append(made.key)
                advance()
    return keys


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, _AT_ONCE):
        yield range(start, min(count, start + _AT_ONCE))


def _size(database: Database, kind: str) -> int:
    with database.read() as connection:
        return int(connection.execute(text(_SIZES[kind])).scalar_one())


def _server_seconds(database: Database, kind: str) -> float | None:
    """Processor time of the database's processes for this database; 0 where it has none, None if they are elsewhere."""
    if kind == "sqlite":
        return 0.0
    with database.read() as connection:
        return cpu_seconds(connection.execute(text(_PROCESSES)).scalars().all(), "postgres")


def measure_images(url: str, runs: int, advance: Callable[[], None] = lambda: None) -> ImageCost:
    """Stores photos, reads them and deletes them.

    Args:
        url: Of a folder, or anything that fsspec knows.
        runs: Photos, of 300 kB each.
        advance: Told of each.

    Raises:
        FailedPreconditionError: If the driver is missing, or the place is not accessible.
        UnavailableError: If the store fails.
    """
    store, rng = ImageStore(url), np.random.default_rng()
    protocol = url.partition("://")[0] if "://" in url else "file"
    puts, gets = [], []
    for _ in range(runs):
        data = rng.bytes(_PHOTO_BYTES)
        began = time.perf_counter()
        digest = store.put(data)
        middle = time.perf_counter()
        store.get(digest)
        gets.append(time.perf_counter() - middle)
        puts.append(middle - began)
        store.delete(digest)
        advance()
    return ImageCost(
        store="folder" if store.folder is not None else protocol,
        photo_bytes=_PHOTO_BYTES,
        put_ms=round(1e3 * statistics.median(puts), 3),
        get_ms=round(1e3 * statistics.median(gets), 3),
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
