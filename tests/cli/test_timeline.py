"""Timelines, read back."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest

from steeple.cli.timeline import Lane, Stage, draw
from steeple.lab.drawing.svg import shortened, text_width

SVG = "{http://www.w3.org/2000/svg}"
LANES = [
    Lane("one & only", [Stage("decode", 5, "device"), Stage("search", 20, "server"), Stage("verify", 10, "server")]),
    Lane("a long name " * 20, [Stage("decode", 70, "device")]),
]


@pytest.fixture(scope="module")
def chart() -> ET.Element:
    return ET.fromstring(draw(LANES, "A query", "a detail"))  # noqa: S314 - made here


def bars(chart: ET.Element) -> list[dict[str, str]]:
    return [bar.attrib for bar in chart.findall(f"{SVG}rect") if bar.attrib["height"] == "13"]


def test_each_stage_begins_where_the_one_before_ends_on_one_scale(chart: ET.Element) -> None:
    decode, search, verify, other = bars(chart)
    starts = [float(bar["x"]) for bar in (decode, search, verify, other)]
    lengths = [float(bar["width"]) for bar in (decode, search, verify, other)]
    assert starts[1] == pytest.approx(starts[0] + lengths[0], abs=0.2)
    assert starts[2] == pytest.approx(starts[1] + lengths[1], abs=0.2)
    assert starts[3] == starts[0]
    assert [length / lengths[0] for length in lengths] == pytest.approx([1, 4, 2, 14], rel=0.01)
    assert search["fill"] == verify["fill"] != decode["fill"] == other["fill"]


def test_everything_is_named_numbered_and_inside(chart: ET.Element) -> None:
    texts = [text for text in chart.iter(f"{SVG}text") if text.text]
    written = [text.text for text in texts]
    for part in ("one & only", "decode", "device", "server", "5.0", "20.0", "70.0", "a detail"):
        assert part in written
    width = float(chart.attrib["width"])
    for text in texts:
        if text.attrib["text-anchor"] == "start":
            assert float(text.attrib["x"]) + text_width(text.text or "", int(text.attrib["font-size"])) <= width
    heights = sorted(float(bar["y"]) for bar in bars(chart))
    assert all(other - one > 13 for one, other in itertools.pairwise(heights))


def test_a_name_is_cut_where_there_is_no_room() -> None:
    assert shortened("short", 12, 100) == "short"
    cut = shortened("a name that is too long", 12, 100)
    assert cut.endswith("…")
    assert text_width(cut, 12, bold=True) <= 100
