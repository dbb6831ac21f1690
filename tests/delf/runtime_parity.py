"""Compares what two TFLite runtimes make of the same pictures.

    python runtime_parity.py dump OUT.npz       extract with the runtime of this environment
    python runtime_parity.py compare A.npz B.npz

Not collected by pytest: each half runs in an environment of its own (make test-tflite-runtime), one of which knows
only numpy before 2, and neither of which needs more than numpy, OpenCV and a runtime.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf import Extractor, available_releases
from steeple.delf.network import runtime

SIZES = ((640, 480), (480, 640), (1000, 700), (333, 217), (64, 64))


def picture(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Made of noise at five scales, so that every level of the pyramid sees something."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cell in (4, 8, 16, 32, 64):
        coarse = random.random((height // cell + 2, width // cell + 2, 3))
        total += np.repeat(np.repeat(coarse, cell, axis=0), cell, axis=1)[:height, :width]
    return (total * 51).astype(np.uint8)


def say(line: str) -> None:
    """To the person at the terminal."""
    sys.stdout.write(line + "\n")


def dump(path: str) -> int:
    """Extracts every picture with every release."""
    python = sys.version.split()[0]
    environment = f"{runtime()}, numpy {np.__version__}, OpenCV {cv2.__version__}, Python {python}"
    arrays: dict[str, NDArray[np.generic]] = {"environment": np.array(environment)}
    for release in available_releases():
        extractor = Extractor(release)
        for number, (width, height) in enumerate(SIZES):
            features = extractor.extract(picture(number, width, height))
            key = f"{release} {width}x{height}"
            arrays[f"{key} descriptors"] = features.descriptors
            arrays[f"{key} keypoints"] = features.keypoints
            arrays[f"{key} scales"] = features.scales
            arrays[f"{key} scores"] = features.scores
    np.savez(path, **arrays)  # type: ignore[arg-type]
    say(f"{len(SIZES)} pictures extracted with {environment}")
    return 0


def compare(first: str, second: str) -> int:
    """Says how far two dumps agree; 1 if they differ by more than kernels that round their int8 sums differently do.

    Places differ at the end of the list, where many features share the last score that is kept.
    """
    with np.load(first) as one, np.load(second) as other:
        say(f"{one['environment']}\n{other['environment']}")
        agree = True
        for name in sorted(key for key in one.files if key.endswith("descriptors")):
            photo = name.rsplit(" ", 1)[0]
            found = [_by_place(dumped, photo) for dumped in (one, other)]
            shared = found[0].keys() & found[1].keys()
            overlap = len(shared) / max(len(found[0]), len(found[1]))
            cosine = float(np.mean([_cosine(found[0][place], found[1][place]) for place in shared]))
            say(f"{photo}: {overlap:.1%} of the features at the same places, mean cosine {cosine:.5f}")
            agree = agree and overlap > 0.9 and cosine > 0.99
    say("the runtimes agree" if agree else "THE RUNTIMES DISAGREE")
    return 0 if agree else 1


def _by_place(dumped: np.lib.npyio.NpzFile, photo: str) -> dict[tuple[float, ...], NDArray[np.float32]]:
    places = np.column_stack([dumped[f"{photo} keypoints"], dumped[f"{photo} scales"]]).round(2)
    descriptors = dumped[f"{photo} descriptors"].astype(np.float32)
    return {tuple(place): row for place, row in zip(places.tolist(), descriptors, strict=True)}


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    sys.exit(dump(*paths) if command == "dump" else compare(*paths))
