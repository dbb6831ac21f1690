"""``steeple benchmark index`` at a small size."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import Steeple

SMALL = ("benchmark", "index", "--copies", 200, "--runs", 2)


def test_points_as_json(steeple: Steeple) -> None:
    ran = steeple(*SMALL, "--descriptors", 20_000, "--probes", "1,16,1024", "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert (facts["model"], facts["index"], facts["descriptors"]) == (
        "delf-lite2-v1",
        "IVF1024,PQ20 on CPU",
        20_000,
    )
    assert 28 < facts["file_bytes_per_descriptor"] < 45  # 20 a code, 8 a number, and the codebook
    recalls = [[point["recall"][distance] for point in facts["points"]] for distance in ("0.35", "0.58")]
    for recall in recalls:
        assert recall == sorted(recall), "more probes find more"
    near, far = recalls
    assert all(one >= other for one, other in zip(near, far, strict=True)), "what has moved less is found sooner"
    assert near[1] > 0.7
    assert near[2] > 0.98
    assert [point["probes"] for point in facts["points"]] == [1, 16, 1024]
    assert all(point["milliseconds"] > 0 and point["ratio"] > 0 for point in facts["points"])


def test_an_index_is_kept_and_grown(steeple: Steeple, tmp_path: Path) -> None:
    kept = (*SMALL, "--probes", "4", "--lists", 32, "--code-size", 10, "--folder", tmp_path / "index")
    first = steeple(*kept, "--descriptors", 3000)
    assert first.code == 0, first.err
    for part in ("IVF32,PQ10 on CPU, 3,000 synthetic descriptors", "recall at 0.58", "FAISS ms"):
        assert part in first.out
    second = steeple(*kept, "--descriptors", 5000, "--json")
    assert second.json["descriptors"] == 5000
    assert second.json["train_seconds"] < 1
    refused = steeple(*kept, "--descriptors", 4000, "--json")
    assert (refused.code, refused.error["status"]) == (2, "INVALID_ARGUMENT")
    assert "holds 5 images, more than 4" in refused.error["message"]


def test_an_index_is_drawn_as_codes_and_used_again(steeple: Steeple, tmp_path: Path) -> None:
    kept = (*SMALL, "--codes", "--probes", "1,64", "--mapped-limit", 0.5, "--folder", tmp_path / "index", "--json")
    first, second = (steeple(*kept, "--descriptors", 20_000) for _ in range(2))
    assert first.code == second.code == 0, first.err
    for name in ("index", "descriptors", "file_bytes_per_descriptor"):
        assert first.json[name] == second.json[name]
    recalls = [[point["recall"] for point in ran.json["points"]] for ran in (first, second)]
    assert recalls[0] == recalls[1]
    assert recalls[0][1]["0.35"] > 0.8
    refused = steeple(*kept, "--descriptors", 30_000)
    assert "holds 20 images, not 30" in refused.error["message"]


@pytest.mark.parametrize("probes", ["", "0,1", "four"])
def test_probes_are_numbers(steeple: Steeple, probes: str) -> None:
    ran = steeple(*SMALL, "--probes", probes, "--json")
    assert ran.code == 2
    assert "--probes takes numbers of lists" in ran.error["message"]
