"""``steeple evaluate`` on pictures with known answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from steeple.delf import ModelRelease, read_image
from steeple.delf.features import MAX_FEATURES
from steeple.server.index.milvus import MilvusConnection
from steeple.server.index.milvus.collections import Collections
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
    assert facts["model"] == "delf-lite2-v1"
    assert facts["tflite_sha256"] == ModelRelease.load().tflite_sha256
    assert (facts["landmarks"], facts["reference_images"], facts["fillers"]) == (LANDMARKS, LANDMARKS, 0)
    assert (facts["queries"], facts["distractors"]) == (2 * LANDMARKS, 6)
    assert facts["by_tier"] == {}
    assert "PQ" in facts["index"]
    extraction = ModelRelease.load().extraction
    assert (facts["max_features"], facts["pyramid_scales"]) == (
        extraction.max_features,
        list(extraction.pyramid_scales),
    )
    assert facts["contact_sheet"] is None


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


def test_an_index_of_ones_own_takes_enough_photos(known: Path, steeple: Steeple) -> None:
    ran = steeple("evaluate", known, "--features", 120, "--index", "IVF16,PQ20", "--json")
    assert (ran.code, "add photos (--fillers)" in ran.error["message"]) == (2, True)
    ran = steeple("evaluate", known, "--exact", "--index", "IVF16,PQ20", "--json")
    assert (ran.code, "give one of them" in ran.error["message"]) == (2, True)


@pytest.mark.engines
def test_milvus_recognises_the_same(known: Path, steeple: Steeple, milvus_uri: str) -> None:
    """And leaves nothing behind."""
    connection = MilvusConnection(milvus_uri)
    before = set(Collections(connection).names())
    ran = steeple("evaluate", known, "--features", "300", "--milvus-uri", milvus_uri, "--json")
    check(ran)
    assert ran.json["index"] == "IVF_PQ nlist=1024 m=20 on Milvus"
    assert set(Collections(connection).names()) <= before
    connection.close()


def test_fewer_features_on_other_scales(known: Path, steeple: Steeple) -> None:
    ran = steeple("evaluate", known, "--features", 120, "--scales", "1,0.5", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["max_features"], ran.json["pyramid_scales"]) == (120, [1.0, 0.5])
    assert ran.json["query_bytes"] == pytest.approx(46 * 120, abs=64)
    one = steeple("evaluate", known, "--scales", "0.25", "--json").json
    assert 46 * 60 < one["query_bytes"] < 46 * 90, "400x300 pixels, enlarged to 640x480, have 10x8 cells of 64"


def test_failures_are_listed_and_drawn(known: Path, steeple: Steeple, tmp_path: Path) -> None:
    """Two photos are said to show what they do not show."""
    folder = shutil.copytree(known, tmp_path / "known")
    manifest = ["path,landmark,role,tier"]
    for number in range(LANDMARKS):
        manifest.append(f"landmark-{number}/0.jpg,landmark-{number},reference,")
    manifest += [
        "landmark-0/1.jpg,landmark-0,query,",
        "landmark-1/1.jpg,landmark-2,query,",
        "landmark-3/1.jpg,,distractor,",
    ]
    (folder / "manifest.csv").write_text("\n".join(manifest), encoding="utf-8")
    sheet = tmp_path / "pictures" / "failures.png"
    diagram = sheet.with_name("reliability.svg")
    ran = steeple("evaluate", folder, "--contact-sheet", sheet, "--diagram", diagram, "--json")
    assert ran.code == 0, ran.err
    assert f"ECE {ran.json['ece']:.3f}" in diagram.read_text(encoding="utf-8")
    assert sum(part["answers"] for part in ran.json["reliability"]) == ran.json["queries"] + ran.json["distractors"]
    facts = ran.json
    wrong, stranger = facts["failures"]
    assert (wrong["path"], wrong["kind"]) == (str(folder / "landmark-1" / "1.jpg"), "false_name")
    assert (wrong["landmark"], wrong["answer"]) == ("landmark-2", "landmark-1")
    assert wrong["confidence"] > 0.6
    assert wrong["inliers"] > 20
    assert (stranger["landmark"], stranger["answer"], stranger["kind"]) == (None, "landmark-3", "stranger_named")
    assert facts["contact_sheet"] == str(sheet)
    assert read_image(sheet).shape[1] == 1800

    text = steeple("evaluate", folder)
    assert "failures: 1 false name, 1 stranger named" in text.out


def test_figures_are_written_into_a_release_of_ones_own(known: Path, steeple: Steeple, tmp_path: Path) -> None:
    folder = shutil.copytree(ModelRelease.load().path, tmp_path / "mine")
    ran = steeple("evaluate", known, "--model", folder, "--record", "--json")
    assert ran.code == 0, ran.err
    figures = ModelRelease.load(folder).manifest["figures"]
    assert {name: figures[name] for name in SHARES} == {name: ran.json[name] for name in SHARES}
    assert not {"failures", "model"} & figures.keys()
    shown = steeple("model", "show", folder, "--local")
    assert "micro_ap" in shown.out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["known", "--record"], 2, "--record needs a release in a folder of yours"),
        (["known", "--record", "--exact"], 2, "leave the other options out"),
        (["known", "--record", "--milvus-uri", "http://localhost:1"], 2, "leave the other options out"),
        (["known", "--exact", "--milvus-uri", "http://localhost:1"], 2, "give one of them"),
        (["nowhere"], 2, "there is no folder nowhere"),
        (["."], 2, "has no reference photos"),
        (["known", "--fillers", "."], 2, "there is no photo"),
        (["known", "--model", "delf-none"], 4, "delf-none"),
        (["known", "--features", "0"], 2, "--features"),
        (["known", "--features", str(MAX_FEATURES + 1)], 2, "--features"),
        (["known", "--scales", "1,half"], 2, "must read A,B,..."),
        (["known", "--scales", ""], 2, "must read A,B,..."),
        (["known", "--scales", "1,nan"], 2, "factors of 0.05 to 4"),
        (["known", "--scales", "8,1"], 2, "factors of 0.05 to 4"),
        (["known", "--scales", "0.5,1"], 2, "must fall"),
        (["known", "--diagram", "diagram.png"], 2, "--diagram must name a file that ends in .svg"),
        (["known", "--contact-sheet", "sheet.pdf"], 2, "--contact-sheet must name a file that ends in"),
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
