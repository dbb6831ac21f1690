"""The parts and rows that ship: complete, and made of what there is."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path

import pytest

from steeple.lab.parts import Parts, parameters_of, version_of
from steeple.lab.pipeline import check_parts
from steeple.lab.systems import Group, built_in_systems
from steeple.lab.versions import module_version


def test_rows_are_made_of_what_there_is() -> None:
    parts = Parts.shipped()
    rows = built_in_systems(parts)
    assert {row.group for row in rows} == set(Group)
    for row in rows:
        if row.product is None:
            check_parts(row, parts)
            assert row.credits(parts)
    definitions = [row.definition for row in rows]
    assert all(one != other for place, one in enumerate(definitions) for other in definitions[:place])


@pytest.mark.parametrize("table", [each.name for each in dataclasses.fields(Parts)])
def test_kinds_can_be_named_and_made_from_yaml(table: str) -> None:
    kinds = getattr(Parts.shipped(), table)
    assert kinds
    for name, kind in kinds.items():
        assert name == name.lower()
        assert kind.title
        assert len(version_of(kind)) == 12
        for parameter, default in parameters_of(kind).items():
            assert default is not inspect.Parameter.empty, (name, parameter)
            assert default is None or isinstance(default, bool | int | float | str | tuple), (name, parameter)


def test_stages_that_verify_take_the_same_parameters() -> None:
    """Files of experiments name them."""
    expected = {
        "candidates": 20, "inlier_radius": 24.0, "reference_side": 800, "iterations": 1000, "sampling": "prosac",
        "scales": True,
    }  # fmt: skip
    kinds = Parts.shipped().rerankings
    assert parameters_of(kinds["spatial"]) == expected
    own = {"weight": 0.5, "half": 20.0, "normalisation": "saturating", "similarity": "vectors"}
    assert parameters_of(kinds["fusion"]) == expected | own


def test_versions_follow_what_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "versioned"
    package.mkdir()
    files = {
        "__init__": "",
        "part": "from versioned.inner import work\nfrom versioned import other as renamed\nimport json",
        "inner": "import versioned.deep",
        "deep": "X = 1",
        "other": "",
        "apart": "",
    }
    for name, text in files.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def version() -> str:
        module_version.cache_clear()
        return module_version("versioned.part", ("versioned.",))

    before = version()
    (package / "apart.py").write_text("Y = 2", encoding="utf-8")
    assert version() == before
    seen = {before}
    for name in ("part", "inner", "deep", "other"):
        with (package / f"{name}.py").open("a", encoding="utf-8") as file:
            file.write("\n# changed")
        seen.add(version())
    (package / "releases").mkdir()
    (package / "releases" / "network.npz").write_bytes(b"weights")
    seen.add(version())
    assert len(seen) == 6
    module_version.cache_clear()
    for name in [name for name in sys.modules if name.startswith("versioned")]:
        del sys.modules[name]
