"""``steeple identify`` against a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.scenes import encoded, scene

from .support import Steeple

Photos = Callable[..., list[Path]]


def test_a_known_scene_is_named_and_an_unknown_one_is_not(catalogue: Steeple, tmp_path: Path) -> None:
    photo = tmp_path / "query.jpg"
    photo.write_bytes(encoded(scene(200, 480, 360)[20:340, 30:450]))
    ran = catalogue("identify", photo, "--json")
    assert ran.code == 0
    assert ran.json["identified"] is True
    assert ran.json["photo"] == str(photo)
    best = ran.json["candidates"][0]
    assert best["landmark"]["id"] == "scene-200"
    assert best["inliers"] >= 20
    assert best["query_points"] == []
    assert 46 * ran.json["feature_count"] < ran.json["request_bytes"] < 46 * ran.json["feature_count"] + 200

    text = catalogue("identify", photo, "--max-candidates", 1)
    assert text.code == 0
    assert text.out.startswith("Scene 200 (")
    assert "Shapes." in text.out

    photo.write_bytes(encoded(scene(999, 480, 360)))
    unknown = catalogue("identify", photo)
    assert unknown.code == 3
    assert unknown.out.startswith("UNKNOWN")


def test_a_search_near_a_place(catalogue: Steeple, tmp_path: Path) -> None:
    photo = tmp_path / "query.jpg"
    photo.write_bytes(encoded(scene(200, 480, 360)[20:340, 30:450]))
    assert catalogue("identify", photo, "--near", "48.8867,2.3431", "--json").code == 0  # it has no location
    assert catalogue("identify", photo, "--metadata", "kind=none", "--json").code == 3
    for arguments, says in (
        (("--radius", 10), "give --near LAT,LNG as well"),
        (("--near", "Paris"), "--near must read LAT,LNG"),
        (("--near", "1,1", "--radius", 0), "radius_meters must be more than 0"),
    ):
        ran = catalogue("identify", photo, *arguments, "--json")
        assert ran.code == 2
        assert says in ran.error["message"]


def test_uploading_gives_the_same_name_and_matches_can_be_had(catalogue: Steeple, photos: Photos) -> None:
    (photo,) = photos(201, folder="queries")
    ran = catalogue("identify", photo, "--upload", "--matches", "--json")
    assert ran.code == 0
    assert ran.json["request_bytes"] > photo.stat().st_size
    best = ran.json["candidates"][0]
    assert best["landmark"]["id"] == "scene-201"
    assert len(best["query_points"]) == len(best["reference_points"]) == best["inliers"]


def test_several_photos_give_a_line_each_and_bad_ones_do_not_stop_the_rest(
    catalogue: Steeple, photos: Photos, tmp_path: Path
) -> None:
    good = photos(200, 201, folder="queries")
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a photo")
    ran = catalogue("identify", good[0], bad, good[1], "--json")
    assert ran.code == 1
    assert [line["photo"] for line in ran.lines] == [str(good[0]), str(bad), str(good[1])]
    assert ran.lines[1]["error"]["reason"] == "IMAGE_INVALID"
    assert [line["candidates"][0]["landmark"]["id"] for line in ran.lines[::2]] == ["scene-200", "scene-201"]

    assert catalogue("identify", *good, "--json").code == 0
    unknown = tmp_path / "unknown.jpg"
    unknown.write_bytes(encoded(scene(998, 480, 360)))
    text = catalogue("identify", *good, unknown)
    assert text.code == 3
    assert len(text.out.splitlines()) == 3

    alone = catalogue("identify", bad, "--json")
    assert (alone.code, alone.error["reason"]) == (2, "IMAGE_INVALID")
    missing = catalogue("identify", tmp_path / "none.jpg")
    assert missing.code == 2
    assert "none.jpg" in missing.err
