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


def test_other_kinds_of_index_are_measured_beside_it_and_drawn(steeple: Steeple, tmp_path: Path) -> None:
    plot = tmp_path / "new" / "recall.svg"
    others = ("--compare", "IVF16,PQ20x4fsr", "--compare", "Flat")
    ran = steeple(*SMALL, "--descriptors", 5000, "--probes", "1,16", *others, "--plot", plot, "--json")
    assert ran.code == 0, ran.err
    short, flat = ran.json["compared"]
    assert [figures["factory"] for figures in (short, flat)] == ["IVF16,PQ20x4fsr", "Flat"]
    assert [point["probes"] for point in short["points"]] == [1, 16]
    assert short["bytes_per_descriptor"] == pytest.approx(10 + 8, abs=3)
    (exact,) = flat["points"]
    assert exact["probes"] == 0
    assert exact["recall"] == {"0.35": 1.0, "0.58": 1.0}
    assert flat["bytes_per_descriptor"] == pytest.approx(160, abs=1)
    drawn = plot.read_text(encoding="utf-8")
    for part in (
        "copies moved by 0.58",
        "FAISS alone, IVF16,PQ20x4fsr",
        "16 probes, as served",
        "at 5,000 descriptors",
    ):
        assert part in drawn


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--compare", "IVF16,PQ7"], "cannot make an index 'IVF16,PQ7'"),
        (["--compare", "nonsense"], "one reads IVF1024,PQ20x4fsr"),
        (["--codes", "--compare", "Flat"], "leave --codes out"),
        (["--codes", "--through-server"], "leave --codes out"),
        (["--plot", "recall.png"], "--plot must name a file that ends in .svg"),
        (["--verify"], "need a catalogue of 20 images, not 1"),
    ],
)
def test_what_cannot_be_measured_is_said(steeple: Steeple, args: list[str], says: str) -> None:
    ran = steeple(*SMALL, "--descriptors", 1000, *args, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.error["message"]


def test_whole_queries_find_what_was_planted_here_and_through_a_server(steeple: Steeple, tmp_path: Path) -> None:
    kept = (*SMALL, "--descriptors", 20_000, "--probes", 16, "--queries", 3, "--folder", tmp_path / "index")
    ran = steeple(*kept, "--verify", "--through-server", "--json")
    assert ran.code == 0, ran.err
    stages = {"within_process": {"search", "verify", "total", "faiss"}}
    stages["through_server"] = stages["within_process"] | {"round_trip"}
    for where, timed in stages.items():
        shown, none = ran.json[where]
        assert (shown["planted"], none["planted"]) == (True, False)
        assert (shown["found"], shown["identified"]) == (1, 1), where
        assert none["identified"] == 0
        for figures in (shown, none):
            assert figures["milliseconds"].keys() == timed
            assert all(spread["p90"] >= spread["p50"] > 0 for spread in figures["milliseconds"].values())
            assert figures["ratio"] > 0
        middle = {stage: spread["p50"] for stage, spread in shown["milliseconds"].items()}
        assert middle["search"] < middle["total"]
    assert middle["total"] < middle["round_trip"]
    again = steeple(*kept, "--through-server")  # the server's data folder is used again
    assert again.code == 0, again.err
    for part in ("whole queries, through a server", "an image is shown: found 100%", "votes and verification"):
        assert part in again.out
