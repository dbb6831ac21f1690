"""What the photos of a landmark lack, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from steeple.server.coverage.records import SECTORS, Gap, GapKind, Surroundings
from steeple.server.coverage.views import Views

ENOUGH_VIEWS: Final = 5
"""Photos that are not all but the same, from which on nobody is told that they are few; set by hand."""

_ENOUGH_TO_SAY: Final = 3  # photos that tell their place, or time: of fewer, what is missing says nothing
_LONG_MONTHS: Final = 3  # without a photo, that follow each other
_MOST_NAMED: Final = 20  # photos
_PARTS_OF_DAY: Final = (
    ("in the morning (5 to 10)", range(5, 10)),
    ("in the middle of the day (10 to 15)", range(10, 15)),
    ("in the late afternoon and evening (15 to 21)", range(15, 21)),
    ("at night (21 to 5)", (*range(21, 24), *range(5))),
)
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def gaps_of(image_count: int, views: Views, around: Surroundings, *, partial: bool) -> list[Gap]:
    """What is missing, what matters most first.

    Args:
        image_count: Of all photos of the landmark.
        views: What those see that were compared.
        around: Where and when photos were taken.
        partial: Whether not all were looked for: then nothing is said of what they see.
    """
    if not image_count:
        return [Gap(GapKind.FEW_VIEWS, "There is no photo, so it is never found: add some.")]
    found = [] if partial else list(_of_views(image_count, views))
    found += _of_places(around)
    found += _of_times(around)
    if around.poor_ids:
        found.append(
            Gap(
                GapKind.POOR_IMAGES,
                f"{_photos(len(around.poor_ids))} of grade 0 or 1 will hardly ever be found: replace them.",
                around.poor_ids[:_MOST_NAMED],
            )
        )
    found += _unknown(around)
    return found


def _of_views(image_count: int, views: Views) -> Iterator[Gap]:
    different = len({one.view for one in views.images})
    if different < ENOUGH_VIEWS and image_count == len(views.images):
        there = "There is only 1 different view" if different == 1 else f"There are only {different} different views"
        yield Gap(GapKind.FEW_VIEWS, f"{there}: add photos from other sides and distances.")
    if len(views.groups) > 1:
        sizes = _listed([str(len(group.image_ids)) for group in views.groups])
        yield Gap(
            GapKind.SEPARATE_GROUPS,
            f"{len(views.groups)} groups of photos ({sizes}) have nothing in common: photos from in between would "
            "connect them, unless they show different things.",
            tuple(group.image_ids[0] for group in views.groups)[:_MOST_NAMED],
        )
    singles = tuple(views.single_ids)
    if len(singles) == 1 and len(views.images) > 1:
        text = "1 photo agrees with no other: it shows another side, which needs more photos, or something else."
        yield Gap(GapKind.SINGLE_IMAGES, text, singles)
    elif len(singles) > 1:
        text = "agree with no other: they show other sides, which need more photos, or something else."
        yield Gap(GapKind.SINGLE_IMAGES, f"{len(singles)} photos {text}", singles[:_MOST_NAMED])


def _of_places(around: Surroundings) -> Iterator[Gap]:
    told = sum(sector.count for sector in around.sectors)
    missing = [name for name, sector in zip(SECTORS, around.sectors, strict=False) if not sector.count]
    if told >= _ENOUGH_TO_SAY and missing:
        said = f"Of {told:,} photos that say where they were taken"
        yield Gap(GapKind.SECTORS, f"{said}, none was taken from the {_listed(missing, 'or')} of it.")


def _of_times(around: Surroundings) -> Iterator[Gap]:
    if around.timed < _ENOUGH_TO_SAY:
        return
    said = f"Of {around.timed:,} photos that say when they were taken"
    missing = [name for name, hours in _PARTS_OF_DAY if not any(around.hours[hour] for hour in hours)]
    if missing:
        yield Gap(GapKind.HOURS, f"{said}, none was taken {_listed(missing, 'or')}.")
    runs = [
        f"from {_MONTHS[first]} to {_MONTHS[(first + length - 1) % 12]}"
        for first, length in months_without(around.months)
        if length >= _LONG_MONTHS
    ]
    if runs:
        yield Gap(GapKind.MONTHS, f"{said}, none was taken {_listed(runs, 'or')}.")


def _unknown(around: Surroundings) -> Iterator[Gap]:
    if not around.sectors:
        yield Gap(
            GapKind.UNKNOWN,
            "The landmark has no location, so it is not known from which sides its photos were taken: set it.",
        )
    for told, what in ((around.placed, "where"), (around.timed, "when")):
        if 2 * told < around.looked_at:
            says = "says" if told == 1 else "say"
            few = f"{told or 'none'} of {_photos(around.looked_at)} {says}"
            yield Gap(GapKind.UNKNOWN, f"It is not known {what} most photos were taken: {few}.")


def months_without(months: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of months without a photo, the year being a ring: the first month, 0 to 11, and how many they are.

    Args:
        months: Photos by month; at least one.
    """
    runs: list[tuple[int, int]] = []
    start = next(month for month, count in enumerate(months) if count)
    length = 0
    for step in range(1, 13):
        month = (start + step) % 12
        if not months[month]:
            length += 1
        elif length:
            runs.append(((month - length) % 12, length))
            length = 0
    return sorted(runs)


def _photos(count: int) -> str:
    return f"{count:,} photo{_s(count)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _listed(words: Sequence[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
