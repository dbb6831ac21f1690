"""The reliability diagram, read back."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from steeple.cli.reliability_table import facts_of
from steeple.lab.drawing.reliability_diagram import draw
from steeple.server.evaluation import Outcome, reliability

SVG = "{http://www.w3.org/2000/svg}"
TOP, HEIGHT = 84, 300


def outcomes(confidence: float, right: int, wrong: int) -> list[Outcome]:
    hits = [True] * right + [False] * wrong
    return [Outcome(known=True, right=hit, confidence=confidence, identified=False) for hit in hits]


BINS = reliability([*outcomes(0.05, 0, 12), *outcomes(0.62, 3, 1), *outcomes(0.97, 1500, 0)])


@pytest.fixture(scope="module")
def diagram() -> ET.Element:
    return ET.fromstring(draw(BINS, 0.0314, "A <release>", "a detail"))  # noqa: S314 - made here


def of_class(diagram: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in diagram.iter() if element.get("class") == name]


def test_bars_are_as_high_as_the_share_of_right_answers(diagram: ET.Element) -> None:
    bars = of_class(diagram, "bar")
    heights = [float(bar.attrib["height"]) for bar in bars]
    assert heights == pytest.approx([0, 0.75 * HEIGHT, HEIGHT], abs=0.1)
    lefts = [float(bar.attrib["x"]) for bar in bars]
    assert lefts == sorted(lefts)


def test_whiskers_end_where_the_intervals_do(diagram: ET.Element) -> None:
    filled = [part for part in BINS if part.answers]
    for whisker, part in zip(of_class(diagram, "whisker"), filled, strict=True):
        low, high = whisker.attrib["d"].split("M")[1].split(" ")[1].split("V")
        assert float(low) == pytest.approx(TOP + (1 - part.interval[0]) * HEIGHT, abs=0.1)
        assert float(high) == pytest.approx(TOP + (1 - part.interval[1]) * HEIGHT, abs=0.1)


def test_what_is_written(diagram: ET.Element) -> None:
    texts = {text.text for text in diagram.iter(f"{SVG}text")}
    assert {"A <release>: reliability, ECE 0.031", "a detail", "12", "4", "1,500", "confidence", "0.3"} <= texts
    assert len(of_class(diagram, "diagonal")) == 1


def test_json_has_no_nan() -> None:
    empty = facts_of(BINS[3])
    assert empty["answers"] == 0
    assert empty["right"] is None
    assert empty["interval"] == [None, None]
    assert facts_of(BINS[6])["right"] == 0.75
