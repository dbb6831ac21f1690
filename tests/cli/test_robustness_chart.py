"""The chart of robustness, read back."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest

from steeple.cli.robustness_chart import draw
from steeple.server.robustness import TRANSFORMATIONS, Curves, Point

SVG = "{http://www.w3.org/2000/svg}"


def curves(*recognised: float) -> list[Curves]:
    """Every transformation; a method for each share, the same at all strengths."""
    return [
        Curves(
            each,
            {
                f"method & {number}": tuple(Point(strength, share, share / 2, 0, 10, 20) for strength in each.strengths)
                for number, share in enumerate(recognised)
            },
        )
        for each in TRANSFORMATIONS
    ]


@pytest.fixture(scope="module")
def chart() -> ET.Element:
    return ET.fromstring(draw(curves(1.0, 0.5), "A <title>", "a detail"))  # noqa: S314 - made here


def texts(element: ET.Element) -> list[str]:
    return [text.text or "" for text in element.iter(f"{SVG}text")]


def heights(line: ET.Element) -> set[float]:
    return {float(point.split(",")[1]) for point in line.attrib["points"].split()}


def test_every_transformation_has_a_panel_with_its_axes(chart: ET.Element) -> None:
    *panels, legend = chart.findall(f"{SVG}g")
    assert len(panels) == len(TRANSFORMATIONS)
    for panel, transformation in zip(panels, TRANSFORMATIONS, strict=True):
        written = texts(panel)
        assert transformation.name in written
        assert transformation.unit in written
        assert {f"{strength:g}" for strength in transformation.strengths} <= set(written)
        assert {"0", "0.5", "1"} <= set(written)
    assert {"photos recognised", "matches within 16 px", "method & 0", "method & 1"} <= set(texts(legend))
    assert {"A <title>", "a detail"} <= set(texts(chart))


def test_lines_are_as_high_as_their_shares(chart: ET.Element) -> None:
    panel = chart.findall(f"{SVG}g")[0]
    lines = panel.findall(f"{SVG}polyline")
    by_kind = {(line.attrib["stroke"], "stroke-dasharray" in line.attrib): heights(line) for line in lines}
    colours = list(dict.fromkeys(line.attrib["stroke"] for line in lines))
    second, first = colours  # the first method is drawn last, on top
    top, height = 34, 124
    assert by_kind == {
        (first, False): {top},
        (first, True): {top + height / 2},
        (second, False): {top + height / 2},
        (second, True): {top + height * 3 / 4},
    }


def test_everything_is_inside_and_no_panel_covers_another(chart: ET.Element) -> None:
    width, height = float(chart.attrib["width"]), float(chart.attrib["height"])
    places = []
    for group in chart.findall(f"{SVG}g"):
        x, y = map(float, group.attrib["transform"].removeprefix("translate(").rstrip(")").split())
        places.append((x, y))
        for line in group.findall(f"{SVG}polyline"):
            for point in line.attrib["points"].split():
                px, py = map(float, point.split(","))
                assert 0 <= x + px <= width
                assert 0 <= y + py <= height
    assert all(abs(a[0] - b[0]) >= 236 or abs(a[1] - b[1]) >= 214 for a, b in itertools.combinations(places, 2))
