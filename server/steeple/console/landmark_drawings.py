"""Drawings of a landmark's figures: bars of months and hours, the compass of where its photos were taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from steeple.client import Coverage, CoverageGap, LandmarkUsage

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COMPASS: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_SIDES: Final = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_OUTER: Final = 84.0
_INNER: Final = 16.0
_RING: Final = 86.0


@dataclass(frozen=True)
class Bar:
    """A bar of a chart.

    Attributes:
        x: Of its left edge.
        y: Of its top.
        width: Pixels.
        height: Pixels.
        label: Below it; empty: it has none.
        value: What it stands for.
        title: What it tells who points at it.
    """

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int
    title: str


@dataclass(frozen=True)
class Bars:
    """A chart of bars.

    Attributes:
        width: Pixels.
        height: Pixels, labels included.
        base: Where bars stand.
        bars: From the left.
        most: The largest value.
        told: All of it in words, for who does not see it.
    """

    width: int
    height: int
    base: float
    bars: Sequence[Bar]
    most: int
    told: str


@dataclass(frozen=True)
class Sector:
    """An eighth of the compass.

    Attributes:
        outline: Of all of it, a path.
        filled: Of the part that tells how many photos there are; empty without one.
        label: Its side: NE.
        label_x: Of the label's middle.
        label_y: Of the label's middle.
        count: Of photos.
        title: What it tells who points at it.
    """

    outline: str
    filled: str
    label: str
    label_x: float
    label_y: float
    count: int
    title: str


@dataclass(frozen=True)
class Compass:
    """From which sides photos were taken.

    Attributes:
        sectors: Clockwise, that around north first.
        told: All of it in words.
    """

    sectors: Sequence[Sector]
    told: str


@dataclass(frozen=True)
class Node:
    """A photo of a drawing of which see the same.

    Attributes:
        x: Of its middle.
        y: Of its middle.
        group: From 1 on; 0: it stands alone.
        label: Beside the first photo of a group: its number.
        label_x: Of the label's middle.
        label_y: Of the label's middle.
        title: What it tells who points at it.
    """

    x: float
    y: float
    group: int
    label: str
    label_x: float
    label_y: float
    title: str


@dataclass(frozen=True)
class Link:
    """Two photos that see the same.

    Attributes:
        path: From one to the other.
        width: Pixels; wider for more matches.
        near_duplicate: Whether they are all but the same.
        title: What it tells who points at it.
    """

    path: str
    width: float
    near_duplicate: bool
    title: str


@dataclass(frozen=True)
class ViewGraph:
    """Which photos see the same: a ring of photos, those of a group beside each other.

    Attributes:
        nodes: In the order of the ring.
        links: The weakest first.
        told: All of it in words.
    """

    nodes: Sequence[Node]
    links: Sequence[Link]
    told: str


@dataclass(frozen=True)
class Group:
    """Photos of one side, for a page.

    Attributes:
        title: What it is.
        text: What that means.
        photos: Ids.
    """

    title: str
    text: str
    photos: Sequence[str]


def months_of_use(usage: Sequence[LandmarkUsage], today: date, count: int = 12) -> Bars:
    """How often a landmark was the answer in each of the last months.

    Args:
        usage: As the server tells it; months without are missing.
        today: UTC.
        count: Months.
    """
    known = {month.month: month.identified for month in usage}
    names: list[tuple[str, str, int]] = []
    for back in range(count - 1, -1, -1):
        number = today.year * 12 + today.month - 1 - back
        year, month = divmod(number, 12)
        value = known.get(f"{year:04}-{month + 1:02}", 0)
        names.append((_MONTHS[month], f"{_MONTHS[month]} {year}: {value:,}", value))
    told = ", ".join(title for _, title, value in names if value) or "none in these months"
    return bars(names, f"Times it was identified, by month: {told}.", width=320, height=140)


def hours_of_day(hours: Sequence[int]) -> Bars:
    """Photos by the hour of the day that they were taken in."""
    rows = [
        (f"{hour:02}" if hour % 6 == 0 else "", f"{hour:02}:00 to {hour:02}:59: {value:,}", value)
        for hour, value in enumerate(hours)
    ]
    told = ", ".join(title for _, title, value in rows if value) or "no photo says when"
    return bars(rows, f"Photos by hour of the day: {told}.", width=280, height=110)


def months_of_year(months: Sequence[int]) -> Bars:
    """Photos by the month that they were taken in."""
    rows = [(name[0], f"{name}: {value:,}", value) for name, value in zip(_MONTHS, months, strict=False)]
    told = ", ".join(title for _, title, value in rows if value) or "no photo says when"
    return bars(rows, f"Photos by month of the year: {told}.", width=280, height=110)


def bars(rows: Sequence[tuple[str, str, int]], told: str, *, width: int = 480, height: int = 160) -> Bars:
    """A chart.

    Args:
        rows: Label, title and value of each bar.
        told: All of it in words.
        width: Pixels.
        height: Pixels.
    """
    base, room = height - 20.0, height - 42.0
    most = max((value for _, _, value in rows), default=0)
    step = width / max(len(rows), 1)
    made = []
    for number, (label, title, value) in enumerate(rows):
        tall = room * value / most if most else 0.0
        tall = max(tall, 2.0) if value else 0.0
        made.append(Bar(number * step + step * 0.12, base - tall, step * 0.76, tall, label, value, title))
    return Bars(width, height, base, made, most, told)


def compass(coverage: Coverage) -> Compass | None:
    """From which sides a landmark was taken; None where that is not known."""
    counts = [sector.images for sector in coverage.sectors]
    if len(counts) != len(_COMPASS) or not any(counts):
        return None
    most = max(counts)
    made = []
    for number, (name, side, sector) in enumerate(zip(_COMPASS, _SIDES, coverage.sectors, strict=True)):
        # The area is to stand for the number, so the radius grows with its root.
        inner, outer = _INNER**2, _OUTER**2
        radius = math.sqrt(inner + (outer - inner) * sector.images / most)
        away = f", {sector.median_distance_meters:,.0f} m away" if sector.images else ""
        photos = "1 photo" if sector.images == 1 else f"{sector.images:,} photos"
        angle = math.radians(45 * number)
        made.append(
            Sector(
                _wedge(number, _OUTER),
                _wedge(number, radius) if sector.images else "",
                name,
                99 * math.sin(angle),
                -99 * math.cos(angle),
                sector.images,
                f"From the {side}: {photos}{away}",
            )
        )
    seen = ", ".join(f"{side} {count}" for side, count in zip(_SIDES, counts, strict=True) if count)
    missing = ", ".join(side for side, count in zip(_SIDES, counts, strict=True) if not count)
    told = f"Photos by the side that they were taken from: {seen}."
    return Compass(made, f"{told} None from: {missing}." if missing else told)


def view_graph(coverage: Coverage) -> ViewGraph | None:
    """Which photos see the same; None where two or fewer were compared, or none agree."""
    count = len(coverage.images)
    if count < 3 or not coverage.matches:
        return None
    places: dict[str, tuple[float, float]] = {}
    nodes: list[Node] = []
    for number, image in enumerate(coverage.images):
        angle = 2 * math.pi * number / count
        x, y = math.sin(angle), -math.cos(angle)
        places[image.reference_image] = _RING * x, _RING * y
        first = image.group and image.group not in (node.group for node in nodes)
        seen = f"view {image.group}" if image.group else "on its own"
        title = f"{_id(image.reference_image)}, {seen}"
        label = str(image.group) if first else ""
        nodes.append(Node(_RING * x, _RING * y, image.group, label, 102 * x, 102 * y, title))
    most = max(match.inliers for match in coverage.matches)
    links = []
    for match in reversed(coverage.matches):
        (ax, ay), (bx, by) = places[match.first], places[match.second]
        kind = ", all but the same" if match.near_duplicate else ""
        title = f"{_id(match.first)} and {_id(match.second)}: {match.inliers:,} matches agree{kind}"
        # Towards the middle, so that links of neighbours are seen beside the ring.
        path = f"M{ax:.1f} {ay:.1f}Q{(ax + bx) / 4:.1f} {(ay + by) / 4:.1f} {bx:.1f} {by:.1f}"
        links.append(Link(path, 1 + 4 * math.sqrt(match.inliers / most), match.near_duplicate, title))
    pairs = len(links)
    told = f"{count} photos, of which {pairs} {'pair agrees' if pairs == 1 else 'pairs agree'}."
    return ViewGraph(nodes, links, told)


def groups(coverage: Coverage) -> list[Group]:
    """Photos that see the same, and those that stand alone."""
    found = []
    for number, group in enumerate(coverage.groups, 1):
        size = len(group.reference_images)
        same = size - group.views
        text = f"{size} photos that see the same"
        if same:
            text += f"; {same} of them {'is' if same == 1 else 'are'} all but the same as another"
        found.append(Group(f"View {number}", f"{text}.", [_id(name) for name in group.reference_images]))
    if coverage.single_images:
        alone = len(coverage.single_images)
        text = (
            "This photo agrees with no other." if alone == 1 else f"Each of these {alone} photos agrees with no other."
        )
        found.append(Group("On their own", text, [_id(name) for name in coverage.single_images]))
    return found


def photos_of(gap: CoverageGap) -> list[str]:
    """Ids of photos that something is missing for."""
    return [_id(name) for name in gap.reference_images]


def _id(name: str) -> str:
    return name.rpartition("/")[2]


def _wedge(number: int, radius: float) -> str:
    gap = 1.5
    start, end = math.radians(45 * number - 22.5 + gap), math.radians(45 * number + 22.5 - gap)
    points = [
        (distance * math.sin(angle), -distance * math.cos(angle))
        for distance, angle in ((_INNER, start), (radius, start), (radius, end), (_INNER, end))
    ]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    return (
        f"M{ax:.1f} {ay:.1f}L{bx:.1f} {by:.1f}A{radius:.1f} {radius:.1f} 0 0 1 {cx:.1f} {cy:.1f}"
        f"L{dx:.1f} {dy:.1f}A{_INNER} {_INNER} 0 0 0 {ax:.1f} {ay:.1f}Z"
    )
