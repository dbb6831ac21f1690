"""What the package promises as a whole: its names, its weight, and that both clients are the same."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import steeple.client
from steeple.client import AnswerStream, AsyncAnswerStream, AsyncClient, Client, Landmark, LatLng, Timings

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "tools" / "generate_sync_client.py"


def test_all_public_names_are_exported() -> None:
    public = [
        name
        for name, value in vars(steeple.client).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    ]
    assert sorted(steeple.client.__all__) == sorted(public)  # ruff holds their order
    assert len(public) == 97


def test_importing_the_client_loads_neither_opencv_nor_a_runtime() -> None:
    program = "import steeple.client, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "grpc" in loaded
    assert loaded & {"cv2", "ai_edge_litert", "tflite_runtime", "tensorflow", "faiss", "sqlalchemy", "rich"} == set()


def test_the_synchronous_client_is_up_to_date() -> None:
    run = subprocess.run([sys.executable, str(GENERATOR), "--check"], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_nothing_asynchronous_is_left_in_the_synchronous_client() -> None:
    for path in (ROOT / "client/steeple/client/_sync").glob("*.py"):
        lines = path.read_text("utf-8").splitlines()[1:]  # without the line that names the source
        found = [line for line in lines if re.search(r"\bawait\b|async(?!hronous)|Async|\baio\b", line)]
        assert [line for line in found if "asynchronous one" not in line] == []


@pytest.mark.parametrize(("sync", "twin"), [(Client, AsyncClient), (AnswerStream, AsyncAnswerStream)])
def test_both_clients_have_the_same_methods_and_parameters(sync: type, twin: type) -> None:
    assert public_signatures(sync) == public_signatures(twin)
    assert len(public_signatures(sync)) >= 1


def public_signatures(cls: type) -> dict[str, list[tuple[str, Any, Any]]]:
    return {
        name: [(item.name, item.kind, item.default) for item in inspect.signature(method).parameters.values()]
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
    }


def test_every_public_method_is_described() -> None:
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.getdoc(method), name


def test_results_are_immutable_and_can_be_put_into_sets() -> None:
    landmark = Landmark("landmarks/a", "A", location=LatLng(1, 2), metadata={"k": "v"})
    assert len({landmark, Landmark("landmarks/a", "A", location=LatLng(1, 2), metadata={"k": "v"})}) == 1
    assert landmark != Landmark("landmarks/a", "A", location=LatLng(1, 2), metadata={"k": "w"})
    with pytest.raises(AttributeError):
        landmark.display_name = "B"  # type: ignore[misc]


def test_timings_are_rounded_to_microseconds_in_json() -> None:
    assert Timings(search=1.23456789).to_dict() == {
        "extract": None,
        "search": 1.235,
        "verify": None,
        "total": None,
        "device_extract": None,
        "round_trip": None,
    }
