"""Experiments are read as they were meant, or not at all."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from steeple.errors import InvalidArgumentError
from steeple.lab.experiment import PHOTO_SIZE, Experiment, read_experiment
from steeple.lab.systems import GlobalBranch, WhiteningUse, read_systems

from .stand_ins import GLOBAL, LOCAL, Work, stand_ins, write_photos

PARTS = stand_ins(Work())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_photos(tmp_path / "photos", 2, 1)
    (tmp_path / "others").mkdir()
    return tmp_path


def written(folder: Path, text: str, name: str = "experiment.yaml") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def read(folder: Path, **changes: Any) -> Experiment:
    values = {"dataset": {"path": "photos"}, "systems": [LOCAL], **changes}
    return read_experiment(written(folder, yaml.safe_dump(values)), PARTS)


def test_what_a_file_says(folder: Path) -> None:
    text = """
    name: mine
    dataset: {path: photos, format: folders}
    training: {path: others, photos: 20}
    photo-size: 640
    systems:
      - name: both
        title: Both of them
        group: after
        local: {kind: spots, squares: 3}
        backbone: colours
        pooling: flat
        whitening: {dimensions: 8}
        local-search: matches
        global-search: exact
        rerank: [again, {kind: again, first: 1}]
      - {name: whole, group: product, steeple: {release: delf-base}}
    """
    experiment = read_experiment(written(folder, text), PARTS)
    assert (experiment.name, experiment.photo_size) == ("mine", 640)
    assert (experiment.dataset.path, experiment.dataset.format) == (folder / "photos", "folders")
    assert (experiment.dataset.training, experiment.dataset.training_photos) == (folder / "others", 20)
    both, whole = experiment.systems
    assert both.title == "Both of them"
    assert both.definition == {
        "local": {"kind": "spots", "squares": 3},
        "backbone": {"kind": "colours", "sizes": [8, 4]},
        "pooling": {"kind": "flat", "release": ""},
        "whitening": {"dimensions": 8, "whiten": True},
        "local-search": {"kind": "matches"},
        "global-search": {"kind": "exact", "sign": 1},
        "rerank": [{"kind": "again", "first": 3}, {"kind": "again", "first": 1}],
    }
    assert isinstance(both.branch, GlobalBranch)
    assert both.branch.whitening == WhiteningUse(8, True)
    assert whole.definition == {"steeple": {"release": "delf-base", "exact": False}}
    assert {credit["paper"] for credit in both.credits(PARTS)} == {"Nobody, 1999", "Newton, 1704", ""}


def test_defaults_are_written_out(folder: Path) -> None:
    """So that a system is the same whether it says them or not."""
    short = read(folder).systems[0]
    long = read(folder, systems=[{**LOCAL, "local": {"kind": "spots", "squares": 4}}]).systems[0]
    other = read(folder, systems=[{**LOCAL, "local": {"kind": "spots", "squares": 5}}]).systems[0]
    assert short.identity == long.identity != other.identity
    assert read(folder).photo_size == PHOTO_SIZE


def test_a_base_is_overridden_key_by_key(folder: Path) -> None:
    (folder / "below").mkdir()
    base = {"dataset": {"path": "photos"}, "photo-size": 100, "systems": [LOCAL]}
    written(folder, yaml.safe_dump(base), "base.yaml")
    path = written(folder, "base: ../base.yaml\nphoto-size: 200", "below/mine.yaml")
    experiment = read_experiment(path, PARTS)
    assert (experiment.photo_size, experiment.systems[0].name) == (200, "spots")
    assert experiment.dataset.path.resolve() == (folder / "photos").resolve(), "of the file that says it"
    written(folder, "base: below/mine.yaml", "base.yaml")
    with pytest.raises(InvalidArgumentError, match="its own base"):
        read_experiment(path, PARTS)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"datasett": 1}, r"yaml: datasett: there is no such key; here are allowed: .*dataset"),
        ({"dataset": {}}, r"dataset\.path is missing; it must be text"),
        ({"dataset": {"path": "nowhere"}}, r"dataset\.path: there is no folder .*nowhere"),
        ({"dataset": {"path": "photos", "format": "x"}}, r"dataset\.format must be one of .*folders.*, not 'x'"),
        ({"dataset": {"path": "photos", "size": 3}}, r"dataset\.size: there is no such key; .* path, format, options"),
        ({"dataset": "photos"}, r"dataset: expected keys and their values, not 'photos'"),
        ({"training": {"path": "nowhere"}}, r"training\.path: there is no folder"),
        ({"training": {"path": "others", "photos": 0}}, r"training\.photos must be 1 or more, not 0"),
        ({"photo-size": "large"}, r"photo-size must be a whole number, not 'large'"),
        ({"photo-size": True}, r"photo-size must be a whole number, not True"),
        ({"systems": []}, r"systems must be all, or a list"),
        ({"systems": "most"}, r"systems must be a list, not 'most'"),
        ({"systems": [LOCAL, LOCAL]}, r"systems\[1\]: there are two systems of the name 'spots'"),
        ({"systems": [{**LOCAL, "name": "A b"}]}, r"systems\[0\]\.name must be of small letters"),
        ({"systems": [{**LOCAL, "group": "x"}]}, r"systems\[0\]\.group must be one of global, local"),
        ({"systems": [{**LOCAL, "local": "sift"}]}, r"\(spots\)\.local\.kind must be one of spots, bits, not 'sift'"),
        (
            {"systems": [{**LOCAL, "local": {"kind": "spots", "square": 3}}]},
            r"\(spots\)\.local\.square: there is no such parameter; spots takes squares",
        ),
        (
            {"systems": [{**LOCAL, "local": {"kind": "spots", "squares": 3.5}}]},
            r"local\.squares must be a whole number, not 3\.5",
        ),
        ({"systems": [{**GLOBAL, "pooling": {"kind": "flat", "p": 3}}]}, r"flat takes release"),
        ({"systems": [{**LOCAL, "local-search": {"kind": "matches", "p": 3}}]}, r"matches takes no parameters"),
        ({"systems": [{**LOCAL, "local": None}]}, r"local-search needs local"),
        ({"systems": [{**GLOBAL, "pooling": None}]}, r"backbone and pooling go together"),
        ({"systems": [{**LOCAL, "local-search": None}]}, r"needs local-search, global-search, or both"),
        ({"systems": [{**LOCAL, "whitening": {"dimensions": 2}}]}, r"whitening needs a backbone"),
        ({"systems": [{**LOCAL, "steeple": {"release": "delf-base"}}]}, r"steeple is a whole system"),
        ({"systems": [{**LOCAL, "rerank": ["again", "twice"]}]}, r"rerank\[1\]\.kind must be one of again"),
        ({"systems": [{**LOCAL, "search": "matches"}]}, r"search: there is no such key; here are allowed: .*local-s"),
    ],
)
def test_what_makes_no_sense_is_said_where_it_stands(changes: dict[str, Any], says: str, folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=says) as raised:
        read(folder, **changes)
    assert "experiment.yaml" in raised.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dataset: {path: photos", "line 1: "),
        ("name: a\nname: b", "line 2: the key 'name' stands twice"),
        ("1: a", "line 1: the key 1 is no text"),
        ("- a", "expected keys and their values"),
        ("", "not nothing"),
        ("dataset: !!python/object:os.system {}", "line 1: could not determine a constructor"),
    ],
)
def test_what_is_no_yaml(text: str, says: str, folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        read_experiment(written(folder, text), PARTS)
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        read_experiment(folder / "none.yaml", PARTS)


def test_rows_can_be_named_beside_systems() -> None:
    (row,) = read_systems([GLOBAL], PARTS, "rows")
    named = read_systems(["flat", LOCAL], PARTS, "here", [row])
    assert [system.name for system in named] == ["flat", "spots"]
    with pytest.raises(InvalidArgumentError, match=r"here\[0\]: there is no row 'falt'; there are flat"):
        read_systems(["falt"], PARTS, "here", [row])
