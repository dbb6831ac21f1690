"""``steeple benchmark pack`` with few landmarks."""

from __future__ import annotations

from pathlib import Path

from tests.scenes import encoded, scene

from .support import Steeple


def test_a_synthetic_pack_agrees_with_the_server(steeple: Steeple) -> None:
    ran = steeple("benchmark", "pack", "--landmarks", 6, "--images", 2, "--queries", 8, "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert facts["pack"] | {"open_milliseconds": 0, "size_bytes": 0, "bytes_per_landmark": 0} == {
        "landmarks": 6,
        "images": 12,
        "features": 12_000,
        "size_bytes": 0,
        "bytes_per_landmark": 0,
        "open_milliseconds": 0,
    }
    # A code of 20 bytes, 2 for its list, and a bit for each of 4000 to 5000 cells of an image.
    assert 2 * 22_500 < facts["pack"]["bytes_per_landmark"] < 2 * 23_000
    assert facts["agreement"]["queries"] == 8
    assert facts["agreement"]["identified"] >= 4
    assert facts["agreement"]["same_first"] >= 0.75
    assert facts["agreement"]["other_landmark"] == 0
    assert facts["agreement"]["confidence_mean"] < 0.1
    assert 0 < facts["milliseconds"]["total"] <= facts["milliseconds"]["slowest"]
    assert "recognition" not in facts


def test_an_exact_pack_of_photos_is_worth_what_the_server_is(steeple: Steeple, tmp_path: Path) -> None:
    for landmark in ("Big Ben", "Louvre"):
        (tmp_path / landmark).mkdir()
        for number in range(2):
            picture = scene(len(landmark), 320, 240)[8 * number :, 8 * number :]
            (tmp_path / landmark / f"{number}.jpg").write_bytes(encoded(picture))
    (tmp_path / "_others").mkdir()
    (tmp_path / "_others" / "a.jpg").write_bytes(encoded(scene(99, 320, 240)))
    ran = steeple("benchmark", "pack", tmp_path, "--exact", "--features", 4096, "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert facts["agreement"] == {
        "queries": 3,
        "identified": 2,
        "identified_by_pack": 2,
        "same_outcome": 1,
        "same_first": 1,
        "other_landmark": 0,
        "confidence_mean": 0,
        "confidence_95": 0,
        "confidence_largest": 0,
    }
    assert facts["recognition"]["pack"] == facts["recognition"]["server"]
    assert facts["recognition"]["pack"]["recall_at_1"] == 1
    text = steeple("benchmark", "pack", tmp_path).out
    for part in ("2 landmarks, 2 images", "no thumbnails", "of the 2 that the server identifies", "micro-AP", "pack"):
        assert part in text


def test_photos_without_answers_are_refused(steeple: Steeple, tmp_path: Path) -> None:
    ran = steeple("benchmark", "pack", tmp_path, "--json")
    assert (ran.code, ran.error["reason"]) == (2, "INVALID_ARGUMENT")
