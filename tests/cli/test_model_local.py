"""``steeple model`` without a server: ``diff``, and ``list`` and ``show`` with ``--local``."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from steeple.cli.model_manifest import entries, in_words
from steeple.delf import ModelRelease
from steeple.delf.release import NETWORK

from .support import Steeple

SHIPPED = ModelRelease.load()


@pytest.fixture(autouse=True)
def no_server(steeple: Steeple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", "127.0.0.1:9")  # the discard port


def changed(folder: Path, name: str, **sections: dict[str, Any]) -> Path:
    """A copy of the release that ships, with another name and other entries."""
    shutil.copytree(SHIPPED.path, folder)
    manifest = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    manifest["name"] = name
    for section, values in sections.items():
        manifest.setdefault(section, {}).update(values)
    (folder / "release.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_a_release_is_like_itself(steeple: Steeple) -> None:
    ran = steeple("model", "diff", SHIPPED.name, SHIPPED.path, "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert facts["features_interchangeable"] is True
    assert all(file["same"] for file in facts["files"].values())
    assert facts["files"].keys() == SHIPPED.manifest["files"].keys()
    assert (facts["parameters"], facts["figures"], facts["provenance"]) == ({}, {}, {})
    text = steeple("model", "diff", SHIPPED.name, SHIPPED.name)
    assert text.code == 0
    for part in ("parameters: no difference", "figures: no difference", "features are interchangeable"):
        assert part in text.out


def test_what_differs_is_listed_with_the_difference(steeple: Steeple, tmp_path: Path) -> None:
    threshold = SHIPPED.calibration.threshold
    a = changed(tmp_path / "a", "delf-a", figures={"recall_at_1": 0.875, "tiers": {"easy": 1.0}, "exact": True})
    b = changed(
        tmp_path / "b",
        "delf-b",
        extraction={"pyramid_scales": [1.0, 0.5], "max_features": SHIPPED.extraction.max_features - 300},
        calibration={"threshold": threshold + 0.125},
        figures={"recall_at_1": 0.925, "tiers": {"easy": 1.0, "hard": 0.5}, "exact": False},
        provenance={"seed": "7"},
        statement={"text": "none"},
    )
    facts = steeple("model", "diff", a, b, "--json").json
    assert (facts["a"], facts["b"]["release"]) == ({"release": "delf-a", "path": str(a)}, "delf-b")
    assert facts["features_interchangeable"] is True
    assert facts["parameters"] == {
        "extraction.pyramid_scales": {"a": list(SHIPPED.extraction.pyramid_scales), "b": [1.0, 0.5]},
        "extraction.max_features": {
            "a": SHIPPED.extraction.max_features,
            "b": SHIPPED.extraction.max_features - 300,
            "difference": -300,
        },
        "calibration.threshold": {"a": threshold, "b": threshold + 0.125, "difference": 0.125},
    }
    assert facts["figures"] == {
        "recall_at_1": {"a": 0.875, "b": 0.925, "difference": 0.05},
        "exact": {"a": True, "b": False},
        "tiers.hard": {"a": None, "b": 0.5},
    }
    assert facts["provenance"] == {
        "provenance.seed": {"a": None, "b": "7"},
        "statement.text": {"a": None, "b": "none"},
    }
    text = steeple("model", "diff", a, b)
    assert text.code == 0, text.err
    for part in ("-300", "+0.05", "1, 0.5", "tiers.hard", "statement.text"):
        assert part in text.out


def test_other_networks_make_other_features(steeple: Steeple, tmp_path: Path) -> None:
    content = SHIPPED.network_path.read_bytes() + b"\x00"
    digest = hashlib.sha256(content).hexdigest()
    other = changed(tmp_path / "other", "delf-other", files={NETWORK: {"bytes": len(content), "sha256": digest}})
    (other / NETWORK).write_bytes(content)
    facts = steeple("model", "diff", SHIPPED.name, other, "--json").json
    assert facts["features_interchangeable"] is False
    assert facts["files"][NETWORK]["b"] == {"bytes": len(content), "sha256": digest}
    assert [name for name, file in facts["files"].items() if not file["same"]] == [NETWORK]
    text = steeple("model", "diff", SHIPPED.name, other).out
    assert "not interchangeable" in text
    assert digest[:16] in text


def test_what_cannot_be_compared_is_said(steeple: Steeple, tmp_path: Path) -> None:
    assert steeple("model", "diff", SHIPPED.name, "delf-none").code == 4
    damaged = changed(tmp_path / "damaged", "delf-damaged")
    (damaged / NETWORK).write_bytes(b"")
    assert steeple("model", "diff", damaged, SHIPPED.name).code == 12
    assert steeple("model", "diff", SHIPPED.name).code == 2


def test_releases_are_listed_without_a_server(steeple: Steeple) -> None:
    models = steeple("model", "list", "--local", "--json").json
    (default,) = [model for model in models if model["default"]]
    assert models[0] == default
    assert default == {
        "id": SHIPPED.name,
        "name": f"models/{SHIPPED.name}",
        "tflite_sha256": SHIPPED.tflite_sha256,
        "descriptor_dimensions": 40,
        "pyramid_scales": list(SHIPPED.extraction.pyramid_scales),
        "min_pixels": SHIPPED.extraction.min_pixels,
        "max_pixels": SHIPPED.extraction.max_pixels,
        "max_features": SHIPPED.extraction.max_features,
        "default": True,
    }
    assert SHIPPED.tflite_sha256[:16] in steeple("model", "list", "--local").out


def test_everything_in_a_release_is_shown_without_a_server(steeple: Steeple, tmp_path: Path) -> None:
    figures = {"micro_ap": 0.96125, "intervals": {"micro_ap": [0.93, 0.98]}}
    folder = changed(tmp_path / "mine", "delf-mine", figures=figures, statement={"text": "Photographs of my own."})
    shown = steeple("model", "show", folder, "--local", "--json").json
    assert shown == {"path": str(folder)} | json.loads((folder / "release.json").read_text(encoding="utf-8"))
    text = steeple("model", "show", folder, "--local")
    assert text.code == 0, text.err
    for part in (
        str(folder),
        "delf-mine",
        SHIPPED.tflite_sha256,
        f"{len(SHIPPED.network_path.read_bytes()):,} bytes",
        SHIPPED.index.factory,
        "0.96125",
        "0.93, 0.98",
        "Photographs of my own.",
    ):
        assert part in text.out
    assert steeple("model", "show", "--local").code == 0
    assert steeple("model", "show", "delf-none", "--local").code == 4
    assert steeple("model", "show", SHIPPED.name).code == 11, "without --local, a server is asked"


def test_entries_are_named_by_their_place() -> None:
    section = {"a": 1, "b": {"c": [1, 2], "d": {"e": "x"}}, "f": {}}
    assert entries(section) == {"a": 1, "b.c": [1, 2], "b.d.e": "x"}
    assert entries({"a": 1}, "index") == {"index.a": 1}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "yes"),
        (0, "0"),
        (48000, "48,000"),
        (0.7071, "0.7071"),
        (24.0, "24"),
        ([1.0, 0.5], "1, 0.5"),
        ([[1, 2], [3]], "[[1, 2], [3]]"),
        ("as it is", "as it is"),
    ],
)
def test_values_in_words(value: Any, words: str) -> None:
    assert in_words(value) == words
