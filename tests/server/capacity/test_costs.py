"""Costs that were put into the figures are found again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server import index_rebuild
from steeple.server.capacity import layout, measured
from steeple.server.capacity.costs import Costs, Search, fit
from steeple.server.capacity.layout import ReleaseFacts, lay_out
from steeple.server.index.milvus import collections

from .figures import MEASURED, RUN, SECONDS, costs, point, points


def test_the_model_finds_what_was_put_in() -> None:
    found = costs("faiss").processor("faiss")
    assert found.worst < 1e-6
    for term, seconds in SECONDS.items():
        assert found.seconds.get(term, 0.0) == pytest.approx(seconds, rel=1e-3, abs=1e-12), term
    larger = point("faiss", 10_000_000, 65_536, 20, 16, 745)
    assert found(Search.of(larger)) == pytest.approx(1e-3 * (larger.cpu_ms or 0), rel=1e-3)


def test_no_term_is_negative_however_the_figures_scatter() -> None:
    scattered = [
        replace(each, cpu_ms=(each.cpu_ms or 0) * (1 + 0.3 * (-1) ** number))
        for number, each in enumerate(points("faiss"))
    ]
    found = fit([Search.of(each) for each in scattered], [1e-3 * (each.cpu_ms or 0) for each in scattered])
    assert min(found.seconds.values()) > 0
    assert 0.1 < found.worst < 0.5


def test_milvus_scans_as_faiss_does() -> None:
    short = [
        replace(each, codes=39.0 * each.probes, cpu_ms=1.0 + 1e-3 * each.query_descriptors * each.probes)
        for each in points("milvus")
        if each.code_size == 20
    ]
    known = Costs(measured.Measured((replace(RUN, index=(*points("faiss"), *short)),)))
    found = known.processor("milvus")
    assert found.worst < 1e-3
    for term in ("code", "byte"):
        assert found.seconds[term] == pytest.approx(SECONDS[term], rel=1e-3), "lists of one length do not tell"


def test_a_gpu_has_costs_of_its_own() -> None:
    found = costs("gpu")
    search = Search.of(points("gpu")[0])
    assert found.device("gpu")(search) == pytest.approx(found.processor("gpu")(search) / 100, rel=1e-3)


def test_what_lies_between_measured_sizes() -> None:
    found = costs("faiss")
    assert found.descriptors_of(4096) == 740
    assert found.descriptors_of(512) == pytest.approx(85)
    assert found.descriptors_of(1e6) == 1000
    assert found.decode(3000) == pytest.approx(0.8e-3)
    assert found.verify(1000) == pytest.approx(25e-3)
    assert found.verify(1) == pytest.approx(8e-3), "never less than was seen"
    assert found.bytes_per_descriptor("faiss", 10) == pytest.approx(19.5)
    assert found.bytes_per_descriptor("milvus", 20) == 28
    assert found.skew("faiss") == pytest.approx(1.2)


def test_what_was_not_measured_is_said() -> None:
    with pytest.raises(FailedPreconditionError, match=r"engine milvus was not measured.*--milvus-uri"):
        costs("faiss").processor("milvus")
    with pytest.raises(FailedPreconditionError, match="say nothing of verification"):
        Costs(measured.Measured((replace(RUN, verification=()),)))


def test_layouts_are_those_that_servers_come_to() -> None:
    facts, known = ReleaseFacts.load(), costs("faiss", "milvus", "gpu")
    assert (facts.lists, facts.code_size, facts.probes, facts.max_features, facts.candidates) == (
        1024,
        20,
        16,
        1000,
        20,
    )
    small = lay_out("faiss", 1e6, 500, facts, known)
    assert (small.search.lists, small.search.graph, small.search.code_size) == (1024, False, 20)
    large = lay_out("faiss", 1e8, 500, facts, known)
    assert (large.search.lists, large.search.graph, large.search.code_size) == (131_072, True, 10)
    assert lay_out("gpu", 1e8, 500, facts, known).search.code_size == 20
    assert lay_out("faiss", 1e8, 500, facts, known, share=0.1) == large, "FAISS scans whole lists"
    milvus = lay_out("milvus", 1e9, 500, facts, known)
    assert (milvus.parts, milvus.searched, milvus.search.lists) == (500, 500, 4096)
    assert milvus.search.codes == pytest.approx(1.2 * 16 * 2e6 / 4096)
    assert lay_out("milvus", 1e9, 500, facts, known, share=0.1).searched == 50
    assert lay_out("milvus", 1e6, 500, facts, known).parts == 8, "a segment a partition at least"


def test_bounds_are_those_of_the_engines() -> None:
    assert index_rebuild._LONG_CODES_UNTIL == layout._LONG_CODES_UNTIL
    assert index_rebuild._SHORT_CODE == layout._SHORT_CODE
    assert collections._MOST_LISTS == layout._MILVUS_LISTS


def test_runs_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(RUN.document()), encoding="utf-8")
    assert measured.load([file]) == MEASURED
    other = tmp_path / "gpu.json"
    other.write_text(
        json.dumps(replace(RUN, index=points("gpu"), catalogue=(), call_cpu_ms=0.0).document()), encoding="utf-8"
    )
    both = measured.load([file, other])
    assert both.index("faiss") == points("faiss")
    assert both.catalogue("sqlite") == RUN.catalogue[0]
    assert both.call_cpu_ms == 0.5


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "index": [{"x": 1}]}', "\xff"])
def test_what_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgumentError, match=r"run\.json"):
        measured.load([file])


def test_the_packaged_figures_are_complete() -> None:
    known = measured.packaged()
    found = Costs(known)
    assert found.knows("faiss")
    assert {run.model for run in known.runs} == {"delf-lite2-v1"}
    assert known.catalogue("sqlite") is not None
    assert known.catalogue("postgresql") is not None
    assert found.processor("faiss").worst < 1.0
