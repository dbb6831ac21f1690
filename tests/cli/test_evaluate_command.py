"""``steeple evaluate`` on pictures with known answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from steeple.delf import ModelRelease
from tests.known_photos import LANDMARKS, write_known_photos

from .support import Ran, Steeple

SHARES = ("recall_at_1", "micro_ap", "tpr_at_1pct_fpr", "ece", "identified", "wrongly_identified")
COSTS = ("query_bytes", "ms_extract", "ms_search", "ms_verify")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_known_photos(tmp_path_factory.mktemp("evaluate") / "known", strangers=6)


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(ran: Ran) -> None:
    assert ran.code == 0, ran.err
    facts = ran.json
    assert facts["recall_at_1"] == 1.0
    assert facts["intervals"].keys() == set(SHARES)
    for name in SHARES:
        low, high = facts["intervals"][name]
        assert 0 <= low <= facts[name] <= high <= 1
    assert all(facts[name] > 0 for name in COSTS)
    assert facts["query_bytes"] < 46 * 1000 + 64


def test_the_figures_as_json(known: Path, steeple: Steeple) -> None:
    ran = steeple("evaluate", known, "--json")
    check(ran)
    facts = ran.json
    assert facts["model"] == "delf-base"
    assert facts["tflite_sha256"] == ModelRelease.load().tflite_sha256
    assert (facts["landmarks"], facts["reference_images"], facts["fillers"]) == (LANDMARKS, LANDMARKS, 0)
    assert (facts["queries"], facts["distractors"]) == (2 * LANDMARKS, 6)
    assert facts["by_tier"] == {}
    assert "PQ" in facts["index"]


def test_exact_search_among_fillers(known: Path, steeple: Steeple, tmp_path: Path) -> None:
    """Tiers come from the manifest; without distractors there is no false positive rate to speak of."""
    folder = shutil.copytree(known, tmp_path / "known")
    manifest = ["path,landmark,role,tier"]
    for number, tier in enumerate(("easy", "hard")):
        manifest.append(f"landmark-{number}/0.jpg,landmark-{number},reference,")
        manifest.append(f"landmark-{number}/1.jpg,landmark-{number},query,{tier}")
    (folder / "manifest.csv").write_text("\n".join(manifest), encoding="utf-8")
    ran = steeple("evaluate", folder, "--exact", "--fillers", folder / "_strangers", "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert (facts["index"], facts["fillers"]) == ("exact on CPU", 6)
    assert facts["by_tier"] == {"easy": 1.0, "hard": 1.0}
    assert facts["tpr_at_1pct_fpr"] is None
    assert facts["intervals"]["tpr_at_1pct_fpr"] == [None, None]

    text = steeple("evaluate", folder, "--model", ModelRelease.load().path)
    assert text.code == 0, text.err
    for part in ("recall@1", "hard", "1.000 to 1.000", "TPR at 1 % FPR", "n/a", "bytes a query", "verify, ms"):
        assert part in text.out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere"], 2, "there is no folder nowhere"),
        (["."], 2, "has no reference photos"),
        (["known", "--fillers", "."], 2, "there is no photo"),
        (["known", "--model", "delf-none"], 4, "delf-none"),
    ],
)
def test_what_cannot_be_evaluated_is_said(
    args: list[str],
    code: int,
    says: str,
    known: Path,
    steeple: Steeple,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    ran = steeple("evaluate", *[known if arg == "known" else arg for arg in args], "--json")
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.error["message"]
