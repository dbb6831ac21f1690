from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from steeple.errors import InvalidArgumentError, NotFoundError
from steeple.server.importing.layout import check_layout, plan_import
from steeple.server.importing.plan import Plan


class Files:
    """Files in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def names(self) -> Sequence[str]:
        return sorted(self._files)

    def read(self, name: str) -> bytes:
        return self._files[name].encode()

    def close(self) -> None:
        pass


def planned(*names: str, manifest: str = "", **contents: str) -> Plan:
    files = dict.fromkeys(names, "")
    return plan_import(Files({**files, **contents}), manifest)


def photos(plan: Plan) -> list[tuple[str, str]]:
    return [(photo.file, photo.landmark_id) for photo in plan.photos]


def problems(plan: Plan) -> dict[str, str]:
    return {item: error.message for item, error in plan.problems}


def test_one_folder_a_landmark() -> None:
    plan = planned("Big Ben/2.jpg", "Big Ben/sub/1.PNG", "Big Ben/notes.txt", "Été/a.webp", "_others/x.jpg")
    assert photos(plan) == [("Big Ben/2.jpg", "big-ben"), ("Big Ben/sub/1.PNG", "big-ben"), ("Été/a.webp", "ete")]
    assert [(landmark.id, landmark.name) for landmark in plan.landmarks] == [("big-ben", "Big Ben"), ("ete", "Été")]
    assert (plan.passed_over, plan.problems) == (2, [])


def test_landmark_json_says_more() -> None:
    described = (
        '{"id": "tower", "display_name": "Tower Bridge", "labels": ["bridge"], "latitude": 51.5, "longitude": 0}'
    )
    plan = planned(**{"a/1.jpg": "", "a/landmark.json": described, "b/landmark.json": '{"description": "Alone."}'})
    assert photos(plan) == [("a/1.jpg", "tower")]
    first, second = plan.landmarks
    assert (first.id, first.fields.description, first.name) == ("b", "Alone.", "")
    assert (second.fields.display_name, second.fields.labels) == ("Tower Bridge", ("bridge",))


def test_a_folder_that_cannot_be_a_landmark_is_told_and_the_others_are_used() -> None:
    plan = planned(
        "Café/1.jpg",
        "cafe/2.jpg",
        "cafe/3.jpg",
        "東京/1.jpg",
        "lone.jpg",
        "ok/1.jpg",
        "bad/1.jpg",
        **{"bad/landmark.json": '{"labels": ["No"]}'},
    )
    assert photos(plan) == [("Café/1.jpg", "cafe"), ("ok/1.jpg", "ok")]
    said = problems(plan)
    assert list(said) == ["bad/", "cafe/", "lone.jpg", "東京/"]
    assert "this folder and 'Café' are both landmarks/cafe" in said["cafe/"]
    assert said["cafe/"].endswith("its 2 photos are left out")
    assert "landmark.json: labels are" in said["bad/"]
    assert "its 1 photos are left out" in said["東京/"]


def test_an_archive_of_a_folder_is_looked_into() -> None:
    assert photos(planned("photos/a/1.jpg", "photos/b/2.jpg")) == [("photos/a/1.jpg", "a"), ("photos/b/2.jpg", "b")]
    assert photos(planned("a/1.jpg")) == [("a/1.jpg", "a")]
    manifest = {"photos/manifest.csv": "photo,landmark\n1.jpg,x\n"}
    assert photos(planned("photos/1.jpg", **manifest)) == [("photos/1.jpg", "x")]


def test_a_manifest_says_what_photos_show() -> None:
    text = (
        "photo,landmark,display_name,labels\n1.jpg,x,,a\nsub/2.jpg,x,X,\nno.jpg,x,,\n3.jpg,x,Y,\n../s,x,,\n4.jpg,,,\n"
    )
    plan = planned("1.jpg", "sub/2.jpg", "3.jpg", "4.jpg", **{"manifest.csv": text})
    assert photos(plan) == [("1.jpg", "x"), ("sub/2.jpg", "x")]
    assert [photo.item for photo in plan.photos] == ["manifest.csv, line 2: 1.jpg", "manifest.csv, line 3: sub/2.jpg"]
    (landmark,) = plan.landmarks
    assert (landmark.fields.display_name, landmark.fields.labels) == ("X", ("a",))
    said = problems(plan)
    assert list(said) == [
        "manifest.csv, line 4: no.jpg",
        "manifest.csv, line 5: 3.jpg",
        "manifest.csv, line 6: ../s",
        "manifest.csv, line 7",
    ]
    assert "there is no file 'no.jpg'" in said["manifest.csv, line 4: no.jpg"]
    assert "display_name is 'Y' here and 'X' before" in said["manifest.csv, line 5: 3.jpg"]


def test_a_manifest_of_another_name_lies_where_it_lies() -> None:
    files = {"in/list.csv": "photo,landmark\n1.jpg,x\n", "manifest.csv": "no"}
    assert photos(planned("in/1.jpg", manifest="in/list.csv", **files)) == [("in/1.jpg", "x")]
    with pytest.raises(NotFoundError, match=r"no manifest 'list\.csv'"):
        planned(manifest="list.csv", **files)
    with pytest.raises(InvalidArgumentError, match="say which"):
        planned(**{"manifest.csv": "x", "manifest.jsonl": "x"})


def test_a_data_set_with_known_answers_gives_its_references() -> None:
    text = "path,landmark,role,tier\na.jpg,Big Ben,reference,\nb.jpg,Big Ben,query,easy\nc.jpg,,distractor,\n"
    plan = planned("a.jpg", "b.jpg", "c.jpg", **{"manifest.csv": text})
    assert photos(plan) == [("a.jpg", "big-ben")]
    assert plan.passed_over == 2


def test_what_is_none_of_this_is_refused_before_anything_is_begun() -> None:
    for files in ({}, {"readme.txt": "x"}):
        with pytest.raises(InvalidArgumentError, match="one folder of photos a landmark"):
            check_layout(Files(files), "")
    with pytest.raises(InvalidArgumentError, match="no column 'colour'"):
        check_layout(Files({"manifest.csv": "photo,landmark,colour\n1.jpg,x,red\n"}), "")
    check_layout(Files({"a/1.jpg": ""}), "")


def test_a_plan_comes_back_from_the_disk_as_it_was(tmp_path: Path) -> None:
    text = (
        "photo,landmark,latitude,longitude,labels,aliases.fr,metadata.k,image_id,active\n"
        "1.jpg,x,1.5,2.5,a b,Un;Deux,é,one,no\nno.jpg,x,,,,,,,\n"
    )
    plan = planned("1.jpg", "readme.txt", **{"manifest.csv": text})
    plan.save(tmp_path / "plan.jsonl")
    again = Plan.load(tmp_path / "plan.jsonl")
    assert (again.landmarks, again.photos, again.passed_over) == (plan.landmarks, plan.photos, plan.passed_over)
    assert problems(again) == problems(plan)
    assert [type(error) for _, error in again.problems] == [type(error) for _, error in plan.problems]
    (tmp_path / "plan.jsonl").write_text('["landmark", {}]\n')
    with pytest.raises(Exception, match="plan of the import is damaged"):
        Plan.load(tmp_path / "plan.jsonl")
