"""``steeple info``."""

from __future__ import annotations

import importlib.metadata

import pytest

from steeple.cli.info import _describe_descriptors, _describe_kind, _describe_sequence, _describe_upkeep
from steeple.client import IndexInfo, UpkeepActivity, UpkeepInfo

from .support import Steeple


def test_a_server_is_shown(catalogue: Steeple) -> None:
    ran = catalogue("info")
    assert ran.code == 0
    assert f"Steeple {importlib.metadata.version('steeple')} at " in ran.out
    for told in (
        "models/delf-lite2-v1",
        "IVF1024,PQ20 on CPU, FAISS ",
        "16 probes, 20 neighbours",
        "changes of the cat",
    ):
        assert told in ran.out
    assert "waiting" not in ran.out


def test_a_program_is_told_the_same(catalogue: Steeple) -> None:
    ran = catalogue("info", "--json")
    assert ran.code == 0
    index = ran.json["index"]
    assert index["images"] >= 2
    assert index["descriptors"] > index["images"]
    assert index["changes_behind"] == 0
    assert ran.json["upkeep"]["activity"] in ("idle", "saving")


@pytest.mark.parametrize(
    ("upkeep", "told"),
    [
        (UpkeepInfo(UpkeepActivity.IDLE), "idle"),
        (UpkeepInfo(UpkeepActivity.REBUILDING, 0, 4000), "rebuilding: training a codebook for 4,000 images"),
        (UpkeepInfo(UpkeepActivity.REBUILDING, 1200, 4000), "rebuilding: 1,200 of 4,000 images"),
    ],
)
def test_the_progress_of_a_new_index_is_shown(upkeep: UpkeepInfo, told: str) -> None:
    assert _describe_upkeep(upkeep) == told


def test_an_index_that_is_behind_says_so() -> None:
    index = IndexInfo("IVF1024,PQ20", "CPU", "1", False, 16, 20, 1, 1, 1, 0, 28.0, 1000, 3500)
    assert _describe_sequence(index) == "2,500 changes behind the catalogue, at 1,000"


def test_an_index_in_milvus_has_no_parts_of_faiss() -> None:
    index = IndexInfo("IVF_PQ nlist=1024 m=20", "Milvus", "1", False, 16, 20, 3, 3000, 0, 0, 28.0, 7, 7)
    assert _describe_kind(index) == "IVF_PQ nlist=1024 m=20 on Milvus"
    assert _describe_descriptors(index) == "3,000, about 28 bytes each once they are indexed"
