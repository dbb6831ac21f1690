"""``steeple benchmark verify`` with few trials."""

from __future__ import annotations

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


def test_tables_as_text(steeple: Steeple) -> None:
    ran = steeple("benchmark", "verify", "--trials", 2)
    assert ran.code == 0
    for part in ("planted", "homography", "by chance", "OpenCV ms", "re-match ms", "80%"):
        assert part in ran.out
