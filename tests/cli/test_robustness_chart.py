"""The chart of robustness, read back."""

from __future__ import annotations

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
    legend, *panels = chart.findall(f"{SVG}g")
    assert len(panels) == len(TRANSFORMATIONS)
    for panel, transformation in zip(panels, TRANSFORMATIONS, strict=True):
        written = texts(panel)
        assert transformation.name in written
        assert transformation.unit in written
        assert {f"{strength:g}" for strength in transformation.strengths} <= set(written)
        assert {"0", "0.5", "1"} <= set(written)
    assert texts(legend) == [
        "method & 0: share of photos recognised",
        "method & 0: share of matches within 16 px",
        "method & 1: share of photos recognised",
        "method & 1: share of matches within 16 px",
    ]
    assert {"A <title>", "a detail"} <= set(texts(chart))


def test_lines_are_as_high_as_their_shares(chart: ET.Element) -> None:
    panel = chart.findall(f"{SVG}g")[1]
    lines = panel.findall(f"{SVG}polyline")
    by_kind = {(line.attrib["stroke"], "stroke-dasharray" in line.attrib): heights(line) for line in lines}
    colours = list(dict.fromkeys(line.attrib["stroke"] for line in lines))
    second, first = colours  # the first method is drawn last, on top
    (top,), (middle,) = by_kind[first, False], by_kind[first, True]
    assert by_kind[second, False] == {middle}
    (quarter,) = by_kind[second, True]
    assert quarter - middle == pytest.approx((middle - top) / 2)
