"""A real server with a synthetic catalogue, to ask whole queries of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from steeple.cli.local_server import local_server
from steeple.client import Client
from steeple.delf import FeatureSet, ModelRelease
from steeple.server.scale import Asked, Progress, SyntheticPhotos
from steeple.server.scale.served import fill_data_dir

_TIMEOUT: float = 60.0  # seconds; the first queries read the index from the disk


@contextmanager
def synthetic_server(
    folder: Path, release: ModelRelease, photos: SyntheticPhotos, images: int, progress: Progress
) -> Iterator[Callable[[FeatureSet], Asked]]:
    """Runs ``steeple serve`` on an index and the catalogue that belongs to it.

    Args:
        folder: Of the index; the server's data folder is made in it, or was before.
        release: Of both.
        photos: The catalogue's.
        images: In it.
        progress: Told of each image that is added to the catalogue.

    Yields:
        What asks it over a connection, by features.

    Raises:
        InvalidArgumentError: If the data folder is of another catalogue.
        UnavailableError: If the server does not start.
    """
    data_dir = folder / "server"
    added = itertools.count(1)
    fill_data_dir(
        data_dir,
        release,
        folder,
        photos,
        images,
        lambda: progress("adding to the server's catalogue", next(added), images),
    )
    with (
        local_server(data_dir, data_dir / "server.log", "--model", str(release.path)) as address,
        Client(address, timeout=_TIMEOUT) as client,
    ):
        client.wait_until_ready()

        def ask(features: FeatureSet) -> Asked:
            answer = client.identify(features)
            timings = answer.timings
            milliseconds = {
                "search": timings.search or 0.0,
                "verify": timings.verify or 0.0,
                "total": timings.total or 0.0,
                "round_trip": timings.round_trip or 0.0,
            }
            first = answer.candidates[0].landmark.id if answer.candidates else ""
            return Asked(first, answer.identified, milliseconds)

        yield ask
