"""Line charts, read back."""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from steeple.lab.drawing.chart import Axis, Mark, Panel, Series, draw
from steeple.lab.drawing.chart_ticks import linear_ticks, log_ticks
from steeple.lab.drawing.svg import numeral, text_width

SVG = "{http://www.w3.org/2000/svg}"


def parsed(*panels: Panel, title: str = "A <title>", detail: str = "a detail") -> ET.Element:
    return ET.fromstring(draw(panels, title, detail))  # noqa: S314 - made here


def places(line: ET.Element) -> list[tuple[float, float]]:
    pairs = (point.split(",") for point in line.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


def panels_of(chart: ET.Element) -> list[ET.Element]:
    return [group for group in chart.findall(f"{SVG}g") if "transform" in group.attrib]


def texts(element: ET.Element) -> list[str]:
    return [text.text or "" for text in element.iter(f"{SVG}text")]


def boxes(panel: ET.Element) -> list[tuple[float, float, float, float]]:
    found = []
    for text in panel.findall(f"{SVG}text"):
        width, size = text_width(text.text or "", int(text.attrib["font-size"])), int(text.attrib["font-size"])
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.attrib["text-anchor"]] * width
        found.append((left, y - 0.75 * size, left + width, y))
    return found


def test_points_are_where_their_axes_say() -> None:
    points = [(1.0, 0.0), (10.0, 0.5), (100.0, 1.0)]
    (panel,) = panels_of(parsed(Panel("p", Axis("ms", log=True), Axis("recall"), [Series("s", points)])))
    (line,) = panel.findall(f"{SVG}polyline")
    (x0, y0), (x1, y1), (x2, y2) = places(line)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2), "equal factors, equal distances"
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert x0 < x1
    assert y0 > y1
    assert {"p", "ms", "recall", "0", "1", "10", "100"} <= set(texts(panel))


def test_a_series_keeps_its_look_in_all_panels_and_shares_it_with_what_stands_beside_it() -> None:
    ours, raw = Series("ours", [(1, 1), (2, 2)]), Series("raw", [(1, 2), (2, 3)], dashed=True, beside="ours")
    other = Series("other", [(1, 3), (2, 1)])
    axes = Axis("x"), Axis("y")
    chart = parsed(Panel("one", *axes, [ours, raw, other]), Panel("two", *axes, [other, raw]))
    one, two = panels_of(chart)
    looks = [
        {(line.attrib["stroke"], "stroke-dasharray" in line.attrib) for line in panel.findall(f"{SVG}polyline")}
        for panel in (one, two)
    ]
    assert len(looks[0]) == 3
    assert len({colour for colour, _ in looks[0]}) == 2
    assert looks[1] < looks[0]
    legend = chart.findall(f"{SVG}g")[0]
    assert texts(legend) == ["ours", "raw", "other"]


def test_it_says_what_it_is_to_those_who_cannot_see_it() -> None:
    chart = parsed(Panel("p", Axis("x"), Axis("y"), []), title="Recall & time")
    assert chart.attrib["role"] == "img"
    title = chart.find(f"{SVG}title")
    assert title is not None
    assert (title.text, title.attrib["id"]) == ("Recall & time", chart.attrib["aria-labelledby"])


@pytest.mark.parametrize("at", [(1.0, 1.0), (1.0, 0.1), (500.0, 1.0), (500.0, 0.1), (20.0, 0.5)])
def test_the_label_of_a_mark_stays_inside_and_off_the_lines_where_it_can(at: tuple[float, float]) -> None:
    series = Series("s", [(1.0, 0.1), (20.0, 0.5), (500.0, 1.0)])
    axes = Axis("ms", log=True), Axis("recall", low=0.0, high=1.0)
    (panel,) = panels_of(parsed(Panel("p", *axes, [series], [Mark(*at, "16 probes")])))
    (label,) = (text for text in panel.findall(f"{SVG}text") if text.text == "16 probes")
    x, y, width = float(label.attrib["x"]), float(label.attrib["y"]), text_width("16 probes", 12)
    assert x > 0
    assert x + width < 430
    for one, other in itertools.pairwise(places(panel.findall(f"{SVG}polyline")[0])):
        for share in (each / 50 for each in range(51)):
            px, py = one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])
            assert not (x < px < x + width and y - 9 < py < y)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_logarithmic_axis_refuses_what_it_has_no_place_for(value: float) -> None:
    with pytest.raises(ValueError, match="no place for"):
        draw([Panel("p", Axis("x", log=True), Axis("y"), [Series("s", [(value, 1.0), (2.0, 1.0)])])], "t", "")


numbers = st.floats(1e-4, 1e10, allow_nan=False)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), st.booleans(), st.booleans())
def test_no_text_covers_another_and_every_point_is_inside(
    points: list[tuple[float, float]], log_x: bool, log_y: bool
) -> None:
    chart = parsed(Panel("panel", Axis("x", log=log_x), Axis("y", log=log_y), [Series("s", points)]))
    (panel,) = panels_of(chart)
    for one, other in itertools.combinations(boxes(panel), 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for x, y in places(panel.findall(f"{SVG}polyline")[0]):
        assert 0 <= x <= float(chart.attrib["width"])
        assert 0 <= y <= float(chart.attrib["height"])


@given(numbers, numbers, st.integers(2, 9))
@example(0.00010000000000000002, 0.0001, 2)
def test_ticks_are_round_few_and_reach_over_what_there_is(one: float, other: float, intervals: int) -> None:
    low, high = sorted((one, other))
    ticks = linear_ticks(low, high, intervals)
    assert ticks[0] <= low * (1 + 1e-6)
    assert ticks[-1] >= high * (1 - 1e-6)
    assert 2 <= len(ticks) <= intervals + 3
    if high > 1.01 * low:
        within = log_ticks(low, high, intervals)
        assert len(within) <= max(intervals, 3)
        assert all(low * 0.999 <= tick <= high * 1.001 for tick in within)
    if high > 20 * low:
        decades = {math.floor(math.log10(tick) + 1e-9) for tick in log_ticks(low, high, 9)}
        assert decades


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.25, "0.25"), (1500, "1,500"), (20_000, "20 k"), (1e7, "10 M"), (2.5e6, "2.5 M"), (1e9, "1 G")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert numeral(value) == text


def test_what_is_not_joined_has_points_and_no_line_and_each_says_what_it_is() -> None:
    cloud = Series("cloud", [(1, 1), (2, 3)], joined=False, labels=["one", "two <b>"])
    chart = parsed(Panel("p", Axis("x"), Axis("y"), [cloud]))
    assert list(chart.iter(f"{SVG}polyline")) == []
    (panel,) = panels_of(chart)
    assert [title.text for title in panel.iter(f"{SVG}title")] == ["one", "two <b>"]
    assert len(list(panel.iter(f"{SVG}circle"))) == 2


def test_labels_of_marks_do_not_cover_each_other() -> None:
    points = [(float(x), 0.8 + 0.01 * x) for x in range(5)]
    marks = [Mark(*point, f"system {number}") for number, point in enumerate(points)]
    cloud = Series("cloud", points, joined=False)
    (panel,) = panels_of(parsed(Panel("p", Axis("x", high=10), Axis("y", low=0, high=1), [cloud], marks)))
    labels = [text for text in panel.findall(f"{SVG}text") if (text.text or "").startswith("system")]
    assert len(labels) == 5
    for one, other in itertools.combinations(labels, 2):
        apart_x = abs(float(one.attrib["x"]) - float(other.attrib["x"])) > text_width("system 0", 12)
        assert apart_x or abs(float(one.attrib["y"]) - float(other.attrib["y"])) >= 12


def test_charts_on_one_page_have_titles_of_their_own() -> None:
    panel = Panel("p", Axis("x"), Axis("y"), [])
    assert 'aria-labelledby="chart-2"' in draw([panel], "t", "", identifier="chart-2")
    assert '<title id="chart-2">' in draw([panel], "t", "", identifier="chart-2")
