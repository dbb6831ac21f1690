"""``steeple benchmark verify`` with few trials."""

from __future__ import annotations

from pathlib import Path

from .support import Steeple


def test_points_and_finalists(steeple: Steeple) -> None:
    ran = steeple("benchmark", "verify", "--trials", 12, "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert (facts["model"], facts["inlier_radius"], facts["trials"]) == ("delf-lite2-v1", 24, 12)
    points = {(point["kind"], point["matches"], point["inlier_share"]): point for point in facts["points"]}
    assert len(points) == 40
    for kind in ("affine", "homography"):
        assert points[kind, 500, 0.8]["found"] == 1
        assert points[kind, 100, 0.8]["found"] > 0.8
        assert points[kind, 25, 0.1]["found"] < 0.2, "three of 25 show no model"
    for point in facts["points"]:
        assert point["false_inliers"] < 16, "chance makes few inliers"
        assert point["milliseconds"] > point["raw_milliseconds"] > 0
    assert [finalist["features"] for finalist in facts["finalists"]] == [500, 1000]


def test_tables_as_text_with_a_chart(steeple: Steeple, tmp_path: Path) -> None:
    plot = tmp_path / "new" / "verify.svg"
    ran = steeple("benchmark", "verify", "--trials", 2, "--plot", plot)
    assert ran.code == 0
    drawn = plot.read_text(encoding="utf-8")
    for part in ("planted models found", "25 matches", "500 matches", "RANSAC alone, 20% inliers"):
        assert part in drawn
    for part in ("planted", "homography", "by chance", "OpenCV ms", "re-match ms", "80%"):
        assert part in ran.out


def test_a_chart_that_cannot_be_drawn_is_refused_before_the_work(steeple: Steeple, tmp_path: Path) -> None:
    ran = steeple("benchmark", "verify", "--trials", 100_000, "--plot", tmp_path / "verify.png", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert "--plot must name a file that ends in .svg" in ran.error["message"]
