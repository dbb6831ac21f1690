"""A catalogue of synthetic rows, as large as wanted: landmarks and reference images, but neither photos nor features.

The rows are what the API would have written of photos whose features are by a release that no server serves, so that a
server that starts on them has nothing to load into its index. Everything is drawn from a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue, LandmarkDraft, LatLng, landmarks, tables, terms
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.search_tables import landmark_term
from steeple.server.settings import catalogue_file_url

MODEL: Final = "synthetic-rows"
"""The release that made the features that are not there."""

LARGEST: Final = "synthetic-0"
"""The landmark with the most reference images: a hundredth of all of them."""

LABELS: Final = ("church", "tower", "bridge", "museum", "castle", "square", "statue", "station", "fountain", "ruin")
"""From the most frequent, that a third of the landmarks has, to the rarest, of a few in a thousand."""

_KINDS: Final = (
    *("Church", "Chapel", "Cathedral", "Tower", "Bridge", "Museum", "Castle", "Town Hall", "Fountain", "Gate"),
    *("Market Hall", "Theatre", "Palace", "Library", "Monument", "Abbey", "Station", "Lighthouse", "Mill", "Arch"),
)
_SYLLABLES: Final = (
    *("bar", "bel", "cor", "dal", "den", "eck", "fal", "gar", "hal", "ist", "jor", "kel", "lan", "mar", "nor"),
    *("ost", "pel", "qui", "ros", "sal", "tor", "ul", "ver", "wen", "xan", "yar", "zel", "bré", "chö", "ñar"),
)
_SAINTS: Final = ("Mary", "Peter", "John", "Anne", "George", "Martin", "Clare", "Luke", "Æthel", "Éloi")
_TOWNS: Final = 2000
_AT_ONCE: Final = 20_000
_BEGINNING: Final = datetime(2023, 1, 1, tzinfo=UTC)
_THREE_YEARS: Final = 3 * 365 * 86_400
_DELETED: Final = 0.01
_CACHE: Final = "PRAGMA cache_size = -262144"  # KiB: the rows come in no order of the indexes
_FAR: Final = timedelta(days=36_500)


@dataclass(frozen=True)
class CatalogueSize:
    """How large a catalogue is.

    Attributes:
        landmarks: At least 1.
        images: Reference images, of all landmarks together.
        seed: Of everything that is drawn.
    """

    landmarks: int
    images: int
    seed: int = 1


def fill_rows(
    data_dir: Path, size: CatalogueSize, progress: Callable[[str, int, int], None] = lambda step, done, total: None
) -> bool:
    """Gives a server that is not running a catalogue of synthetic rows.

    Args:
        data_dir: Of the server; its catalogue is made if it is not there.
        size: Of the catalogue.
        progress: Told of the step, of what is done, and of how much there is to do.

    Returns:
        Whether rows had to be written: a folder that has such a catalogue already is left as it is.

    Raises:
        InvalidArgumentError: If the folder has another catalogue.
    """
    # As it is, without the user's own settings: those are for the user's own server, and may name its database.
    url = catalogue_file_url(data_dir.absolute())
    Catalogue.open(url).close()  # makes the tables
    database = Database(url)
    try:
        with database.read() as connection:
            ours = (tables.landmark.c.id.like("synthetic-%"), tables.reference_image.c.model == MODEL)
            there = tuple(_count(connection, which) for which in ours)
        if there == (size.landmarks, size.images):
            return False
        if there != (0, 0):
            raise InvalidArgumentError(
                f"{data_dir} holds {there[0]:,} landmarks and {there[1]:,} images, not {size.landmarks:,} and "
                f"{size.images:,}: choose another --folder"
            )
        _fill(database, size, progress)
    finally:
        database.close()
    return True


def _count(connection: Connection, which: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(which)).scalar_one())


def _fill(database: Database, size: CatalogueSize, progress: Callable[[str, int, int], None]) -> None:
    rng = np.random.default_rng(size.seed)
    parents = _parents(rng, size)
    makers = (
        ("landmarks", tables.landmark, _landmark_rows(rng, size), size.landmarks),
        ("reference images", tables.reference_image, _image_rows(rng, parents), size.images),
    )
    for step, table, rows, total in makers:
        done = 0
        for some in _batches(rows):
            with database.write() as connection:
                connection.exec_driver_sql(_CACHE)
                connection.execute(insert(table), some)
                if table is tables.landmark:
                    connection.execute(insert(landmark_term), list(_terms(some)))
            done += len(some)
            progress(step, done, total)
    with database.write() as connection:
        image, landmark = tables.reference_image, tables.landmark
        its = image.c.landmark_key == landmark.c.key, image.c.delete_time.is_(None)
        counted = select(func.count()).where(*its).scalar_subquery()
        best = select(func.max(image.c.quality_grade)).where(*its).scalar_subquery()
        connection.execute(update(landmark).values(reference_image_count=counted, best_grade=best))


def _terms(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield from terms.rows_of(row["key"], terms.terms_of(row["labels"], row["metadata"]))


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _parents(rng: np.random.Generator, size: CatalogueSize) -> list[int]:
    """The landmark of each image, from 0, in their order: a hundredth are the first's, the rest anybody's."""
    largest = size.images // 100
    others = rng.integers(0, size.landmarks, size.images - largest)
    return [int(each) for each in rng.permutation(np.concatenate([np.zeros(largest, np.int64), others]))]


def _landmark_rows(rng: np.random.Generator, size: CatalogueSize) -> Iterator[dict[str, Any]]:
    towns = [
        ("".join(rng.choice(_SYLLABLES, 3)).capitalize(), float(rng.uniform(-55, 68)), float(rng.uniform(-180, 180)))
        for _ in range(_TOWNS)
    ]
    often = 0.36 / np.arange(1, len(LABELS) + 1) ** 1.7
    for number in range(size.landmarks):
        town, latitude, longitude = towns[int(rng.integers(_TOWNS))]
        saint, kind = rng.choice(_SAINTS), rng.choice(_KINDS)
        created = int(rng.integers(_THREE_YEARS))
        create_time = _BEGINNING + timedelta(seconds=created)
        update_time = create_time + timedelta(seconds=int(rng.integers(_THREE_YEARS)))
        place = LatLng(
            float(np.clip(latitude + rng.normal(0, 0.05), -90, 90)),
            float(np.clip(longitude + rng.normal(0, 0.05), -180, 180)),
        )
        draft = LandmarkDraft(
            f"{kind} of Saint {saint}, {town} {number}",
            description=f"A {str(kind).lower()} that stands in {town} since {1000 + number % 1000}. " * 3,
            location=None if rng.random() < 0.03 else place,
            metadata={"wikidata": f"Q{number}", "city": town, "source": "synthetic"},
            aliases={"fr": [f"Saint-{saint} ({town})"]} if number % 2 else {},
            labels=[label for label, share in zip(LABELS, often, strict=True) if rng.random() < share],
            active=bool(rng.random() < 0.97),
        )
        deleted = update_time if rng.random() < _DELETED and number else None
        yield {
            "key": number + 1,
            "id": f"synthetic-{number}",
            "revision": 1,
            "create_time": create_time,
            "update_time": update_time,
            "delete_time": deleted,
            "expire_time": None if deleted is None else deleted + _FAR,
            **landmarks.draft_columns(draft),
        }


def _image_rows(rng: np.random.Generator, parents: list[int]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(parents), _AT_ONCE):
        some = parents[start : start + _AT_ONCE]
        hashes = rng.bytes(32 * len(some)).hex()
        created, sizes = rng.integers(_THREE_YEARS, size=len(some)), rng.integers(50_000, 5_000_000, len(some))
        grades, features = rng.integers(0, 7, len(some)), rng.integers(20, 1000, len(some))
        identified, gone = rng.geometric(0.05, len(some)) - 1, rng.random(len(some)) < _DELETED
        for each, parent in enumerate(some):
            create_time = _BEGINNING + timedelta(seconds=int(created[each]))
            deleted = create_time if gone[each] else None
            grade = int(grades[each])
            yield {
                "key": start + each + 1,
                "landmark_key": parent + 1,
                "id": hashes[64 * each : 64 * each + 32],
                "model": MODEL,
                "width": 1024,
                "height": 768,
                "feature_count": int(features[each]),
                "sha256": hashes[64 * each : 64 * each + 64],
                "size_bytes": int(sizes[each]),
                "media_type": "image/jpeg" if grade else "image/png",
                "metadata": {"photographer": f"p{grade}"},
                "create_time": create_time,
                "quality_grade": None if grade == 6 else grade,
                "quality_reasons": [] if grade >= 5 else ["blurred"],
                "identify_count": int(identified[each]),
                "delete_time": deleted,
                "expire_time": None if deleted is None else deleted + _FAR,
            }
