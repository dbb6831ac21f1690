"""``steeple benchmark engines`` at a small size: what it prints, plans can be made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.server.capacity import measured
from steeple.server.capacity.costs import Costs

from .support import Steeple

SMALL = ("benchmark", "engines", "--descriptors", 20_000, "--images", 25, "--runs", 2)


def test_figures_as_json_for_plans(steeple: Steeple, tmp_path: Path) -> None:
    ran = steeple(*SMALL, "--remark", "small", "--images-url", tmp_path / "photos", "--json")
    assert ran.code == 0, ran.err
    file = tmp_path / "measured.json"
    file.write_text(ran.out, encoding="utf-8")
    (run,) = measured.load([file]).runs
    assert (run.model, run.remark, run.gpu) == ("delf-lite2-v1", "small", "")
    assert {(point.engine, point.descriptors, point.lists, point.graph) for point in run.index} == {
        ("faiss", 20_000, 1024, False)
    }
    by_size = {point.query_descriptors: point for point in run.index if point.probes == 16}
    assert sorted(by_size) == [100, 500, 1000]
    assert by_size[1000].cpu_ms > 3 * by_size[100].cpu_ms  # type: ignore[operator]
    by_probes = {point.probes: point.codes for point in run.index if point.query_descriptors == 500}
    assert by_probes[16] == pytest.approx(16 * 20_000 / 1024, rel=0.35)
    assert by_probes[64] == pytest.approx(4 * by_probes[16], rel=0.1)
    (row,) = run.catalogue
    assert (row.engine, row.images, row.read_images, row.server_cpu_ms) == ("sqlite", 25, 20, 0)
    assert 40_000 < row.bytes_per_image < 80_000, "46 kB are features"
    assert [cost.store for cost in run.images] == ["folder", "folder"]
    assert [file for file in (tmp_path / "photos").rglob("*") if file.is_file()] == [], "photos are gone again"
    sizes = {each.max_bytes: each for each in run.query_bytes}
    assert sizes[0].message_bytes == pytest.approx(46 * sizes[0].descriptors, rel=0.01)
    assert 900 < sizes[1024].message_bytes <= 1024
    assert sizes[1024].descriptors < sizes[4096].descriptors < sizes[0].descriptors
    assert [cost.query_descriptors for cost in run.verification] == [150, 300, 500]
    assert min(run.call_cpu_ms, run.extract_cpu_ms, *(cost.cpu_ms for cost in run.verification)) > 0
    assert Costs(measured.load([file])).knows("faiss")


def test_tables_as_text(steeple: Steeple) -> None:
    ran = steeple(*SMALL)
    assert ran.code == 0, ran.err
    for part in ("a query's search", "1,024", "sqlite", "folder", "photos of 300 kB", "4,096 bytes", "verification"):
        assert part in ran.out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--descriptors", "many"], 2, "--descriptors takes sizes of at least 10,000"),
        (["--descriptors", "100"], 2, "--descriptors takes sizes of at least 10,000"),
        (["--images", "5"], 2, "--images"),
        (["--gpu"], 6, "device gpu is set, but FAISS"),
    ],
)
def test_what_cannot_be_measured_is_said(steeple: Steeple, args: list[str], code: int, says: str) -> None:
    ran = steeple("benchmark", "engines", *args, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.error["message"]
