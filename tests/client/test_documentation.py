"""The examples of docs/sdk.md run as they stand."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steeple.client import Client
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.v1 import landmark_pb2, model_pb2

from .peer import Peer

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sdk.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_run(
    peer: Peer, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release = ModelRelease.load(DEFAULT_RELEASE)
    peer.models["models/delf-lite2-v1"] = model_pb2.Model(
        name="models/delf-lite2-v1", tflite_sha256=release.tflite_sha256
    )
    peer.landmarks = [landmark_pb2.Landmark(name="landmarks/a", display_name="The one in the list")]
    noise = np.random.default_rng(1).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "photo.jpg"), noise)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for example in EXAMPLES:
        exec(compile(example.replace("localhost:50051", target), "docs/sdk.md", "exec"), names)  # noqa: S102
    printed = capsys.readouterr().out
    assert "unknown" in printed
    assert "a The one in the list" in printed
    called = {call.method for call in peer.received}
    assert called >= {
        "GetServerInfo",
        "Identify",
        "IdentifyStream",
        "CreateLandmark",
        "CreateReferenceImage",
        "DeleteLandmark",
        "SendFeedback",
        "ProposePhoto",
    }
    assert len(EXAMPLES) == 10


def test_every_keyword_of_the_page_exists() -> None:
    methods = [method for _, method in inspect.getmembers(Client, inspect.isfunction)]
    known = {name for method in methods for name in inspect.signature(method).parameters}
    used = set(re.findall(r"\b([a-z_]+)=", "\n".join(re.findall(r"`([^`\n]+)`", PAGE))))
    assert used - known == set()
    assert len(used) > 8
