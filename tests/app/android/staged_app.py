"""The staged app, a server for it, and a Python that plays the phone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import trustme
from numpy.typing import NDArray

from steeple.client import Client, Scope
from tests.scenes import encoded, scene

ROOT = Path(__file__).resolve().parents[3]
_START_SECONDS = 120.0
TILT = np.array([[0.86, 0.07, 30.0], [-0.05, 0.9, 40.0], [0.00004, 0.00003, 1.0]])
"""Takes pixels of the reference image to those of the photo."""


def stage(output: Path) -> Path:
    """Stages the app as `make android-stage` does; the folder that is packed."""
    command = [sys.executable, "tools/stage_android.py", "--output", str(output)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return output / "app"


def reference() -> NDArray[np.uint8]:
    """What the landmark looks like: uint8[480, 640, 3]."""
    return scene(7)


def photo() -> NDArray[np.uint8]:
    """The landmark, seen at an angle: uint8[480, 640, 3]."""
    return np.asarray(cv2.warpPerspective(reference(), TILT, (640, 480), borderValue=(90, 110, 130)), np.uint8)


@dataclass(frozen=True)
class Server:
    """A server with one landmark, behind TLS and keys."""

    address: str
    certificate: Path
    device_key: str


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A `steeple serve` in a process of its own."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, chain, private = folder / "ca.pem", folder / "chain.pem", folder / "private.pem"
    authority.cert_pem.write_to_path(certificate)
    issued.private_key_pem.write_to_path(private)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    data = ["--data-dir", str(folder / "data"), "--json"]
    made = _steeple("keys", "create", "Ada", "--scope", "admin", *data)
    admin = json.loads(made)["secret"]
    listen = [
        "--address",
        "localhost:0",
        "--access",
        "keys",
        "--tls-certificate",
        str(chain),
        "--tls-key",
        str(private),
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "steeple.cli", "serve", *data, *listen],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=_environment(),
        )
    late = threading.Timer(_START_SECONDS, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        address = f"localhost:{json.loads(line)['port']}"
        with Client(address, key=admin, root_certificates=certificate) as client:
            client.create_landmark("Big Ben", landmark_id="big-ben")
            client.add_reference_image("big-ben", encoded(reference(), ".png"))
            key = client.create_key("A phone", scope=Scope.DEVICE).secret
        yield Server(address, certificate, key)
    finally:
        late.cancel()
        process.terminate()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


def play(
    python: str, staged: Path, folder: Path, server: Server, *, also: tuple[str, ...] = (), repeat: int = 1
) -> dict[str, Any]:
    """Runs the staged app's parts with a Python and asks a server; what it printed.

    Args:
        python: Plays the phone.
        staged: The folder that is packed.
        folder: For what is passed on.
        server: It is asked.
        also: Packages that this Python's gRPC needs and a phone's does not.
        repeat: Queries whose time is taken.
    """
    np.save(folder / "photo.npy", photo())
    facts = {
        "address": server.address,
        "certificate": str(server.certificate),
        "photo": str(folder / "photo.npy"),
        "repeat": repeat,
        "also": also,
    }
    request = folder / "request.json"
    request.write_text(json.dumps(facts), encoding="utf-8")
    run = run_staged(python, "phone", staged, request, folder, server.device_key)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def run_staged(
    python: str, module: str, staged: Path, given: Path, folder: Path, key: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs one of this folder's programs with nothing of the app but what is staged."""
    environment = {
        **_environment(),
        "PYTHONPATH": str(ROOT),
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python",  # phones have the pure wheel
        "PYTHONWARNINGS": "default" if module == "window" else "error",  # Kivy has some of its own
        "STEEPLE_KEY": key,
    }
    command = [python, "-B", "-S", "-P", "-m", f"tests.app.android.{module}", str(staged), str(given)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=folder)


def check_answers(found: dict[str, Any]) -> None:
    """Holds that a phone's queries were answered as they should be."""
    for kind, answer in found["answers"].items():
        assert answer["identified"], kind
        assert answer["candidates"][0]["landmark"]["name"] == "landmarks/big-ben", kind
    (best, *_) = found["answers"]["whole"]["candidates"]
    here, there = (np.array(best[name], np.float64) for name in ("reference_points", "query_points"))
    assert len(here) >= 100
    # A match alone is as exact as its feature is small; together they say where the corners are.
    matrix, _ = cv2.findHomography(here, there)
    corners = np.array([[[0.0, 0.0], [639.0, 0.0], [639.0, 479.0], [0.0, 479.0]]])
    misses = cv2.perspectiveTransform(corners, matrix) - cv2.perspectiveTransform(corners, TILT)
    assert float(np.linalg.norm(misses, axis=2).max()) < 8.0
    assert len(found["stream"]) >= 1
    assert all(answer["candidates"][0]["landmark"]["name"] == "landmarks/big-ben" for answer in found["stream"])
    assert found["refusal"] == "UnauthenticatedError", found["refusal"]


def _steeple(*arguments: str) -> str:
    command = [sys.executable, "-m", "steeple.cli", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=_environment()).stdout


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("STEEPLE_", "PYTHON"))}
