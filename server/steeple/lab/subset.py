"""A part of a data set that can still be answered, to see whether an experiment works."""

from __future__ import annotations

from dataclasses import replace

from steeple.delf.photo_files import evenly
from steeple.lab.photos import LabDataset


def some_photos(dataset: LabDataset, count: int) -> LabDataset:
    """At most ``count`` photos of the gallery, ``count`` queries and ``count`` photos for training, evenly spaced.

    Photos of the gallery that are right for one of these queries come first, then the others. A query all of whose
    right photos were left out is left out as well.

    Args:
        dataset: Which.
        count: At least 1.
    """
    queries = evenly(dataset.queries, count)
    right = list(dict.fromkeys(key for query in queries for key in query.grades))
    others = [key for key in range(len(dataset.gallery)) if key not in set(right)]
    room = count - min(count, len(right))
    kept = sorted([*(evenly(right, count) if right else ()), *(evenly(others, room) if room else ())])
    places = {key: place for place, key in enumerate(kept)}
    return replace(
        dataset,
        gallery=tuple(dataset.gallery[key] for key in kept),
        landmarks=tuple(dataset.landmarks[key] for key in kept),
        queries=tuple(
            replace(query, grades={places[key]: grade for key, grade in query.grades.items() if key in places})
            for query in queries
            if not query.grades or any(key in places for key in query.grades)
        ),
        training=tuple(evenly(dataset.training, count)),
    )
