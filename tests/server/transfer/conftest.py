"""A catalogue with something of everything, and what exporting and importing it takes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from steeple.server.catalogue import LandmarkDraft, LatLng
from steeple.server.engine import Engine
from steeple.server.operations import Operation, OperationState
from steeple.server.settings import Settings
from steeple.server.transfer import ExistingPolicy
from tests.known_photos import LANDMARKS, seen_from, write_known_photos
from tests.scenes import encoded, scene
from tests.server.conftest import MakeFeatures

WIDTH, HEIGHT = 240, 180

OpenEngine = Callable[..., Engine]


@pytest.fixture
def open_engine(tmp_path: Path) -> Iterator[OpenEngine]:
    """Engines on folders of the test, by name; all are closed."""
    opened: list[Engine] = []

    def start(name: str, **more: object) -> Engine:
        engine = Engine(Settings.load(None, data_dir=tmp_path / name, **more))
        opened.append(engine)
        return engine

    yield start
    for engine in opened:
        engine.close()


@dataclass(frozen=True)
class Exported:
    """An archive and what it was made of.

    Attributes:
        path: Of the archive.
        results: Of the operation that made it.
        landmarks: As the catalogue has them.
        images: By landmark.
        answers: Of :func:`ask`.
    """

    path: Path
    results: Mapping[str, str]
    landmarks: list[dict[str, object]]
    images: list[dict[str, object]]
    answers: list[object]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, make_features: MakeFeatures) -> Exported:
    """The archive of a catalogue of photos and bare features; made once, for every test to read."""
    folder = tmp_path_factory.mktemp("exported")
    photos = write_known_photos(folder / "photos", strangers=0, width=WIDTH, height=HEIGHT)
    engine = Engine(Settings.load(None, data_dir=folder / "data"))
    try:
        fill(engine, photos, make_features)
        answers = ask(engine)
        operation = finished(engine, engine.transfers.begin_export())
        path = folder / "catalogue.zip"
        (engine.operations.folder(operation.id) / "catalogue.zip").rename(path)
        return Exported(path, operation.results, *contents(engine), answers)
    finally:
        engine.close()


def fill(engine: Engine, photos: Path, make_features: MakeFeatures) -> None:
    for number in range(LANDMARKS):
        engine.catalogue.create_landmark(
            LandmarkDraft(
                f"Landmark {number}",
                description="Zwölf Boxkämpfer\n" * number,
                location=LatLng(48.1 + number / 3, -2.25) if number % 2 else None,
                metadata={"é": "\u2028", "number": str(number)} if number else {},
                aliases={"fr": ["Tour", "La dame"], "zh-Hant-TW": ["塔"]} if number == 1 else {},
                labels=["tower", "a-b"] if number % 2 else [],
            ),
            landmark_id=f"landmark-{number}",
        )
        source = (photos / f"landmark-{number}" / "0.jpg").read_bytes() if number < 2 else make_features(50 + number)
        engine.ingest.create_image(f"landmark-{number}", source, image_id="photo", metadata={"n": str(number)})
        for more in range(3):
            engine.ingest.create_image(f"landmark-{number}", make_features(100 * number + more, count=60))
    engine.ingest.create_image("landmark-5", (photos / "landmark-0" / "0.jpg").read_bytes(), image_id="again")
    engine.ingest.update_landmark("landmark-4", active=False)
    engine.catalogue.create_landmark(LandmarkDraft("Without images"), landmark_id="empty")
    engine.catalogue.create_landmark(LandmarkDraft("Deleted"), landmark_id="deleted")
    engine.ingest.create_image("deleted", make_features(900), image_id="with-it")
    engine.ingest.delete_landmark("deleted", force=True)
    engine.ingest.create_image("landmark-1", make_features(901), image_id="deleted")
    engine.ingest.delete_image("landmark-1", "deleted")


def queries() -> list[bytes]:
    """Photos of landmarks as seen from elsewhere, and one of something else."""
    seen = [encoded(seen_from(scene(500 + number, WIDTH, HEIGHT), 1)) for number in range(2)]
    return [*seen, encoded(scene(650, WIDTH, HEIGHT))]


_extracted: dict[bytes, object] = {}


def ask(engine: Engine) -> list[object]:
    """Everything that the answers to all queries say, but for times and keys."""
    told: list[object] = []
    for query in queries():
        if query not in _extracted:
            _extracted[query] = engine.ingest.draft(query).features
        answer = engine.identify(_extracted[query], max_candidates=5)  # type: ignore[arg-type]
        told.append(
            (
                answer.identified,
                answer.certain,
                [
                    (
                        each.landmark.id,
                        each.image.id,
                        each.recognised.confidence,
                        dict(each.recognised.evidence),
                        each.recognised.query_points.tolist(),
                        each.recognised.reference_points.tolist(),
                    )
                    for each in answer.candidates
                ],
            )
        )
    return told


def contents(engine: Engine) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """All fields of landmarks and images that are not deleted, but for keys, etags and counts; features bit by bit."""
    landmarks, images = [], []
    for landmark in engine.catalogue.list_landmarks(1000).items:
        fields = {**landmark.__dict__}
        del fields["etag"]
        landmarks.append(fields)
        for image in engine.catalogue.list_images(landmark.id, 1000).items:
            features = engine.catalogue.features([image.key])[image.key]
            fields = {
                **image.__dict__,
                "features": (
                    features.descriptors.tobytes(),
                    features.keypoints.tobytes(),
                    features.scales.tobytes(),
                    features.scores.tobytes(),
                ),
                "photo": engine.ingest.photo(landmark.id, image.id) if image.sha256 else None,
            }
            for volatile in ("etag", "key"):
                del fields[volatile]
            images.append(fields)
    return landmarks, images


def finished(engine: Engine, operation: Operation) -> Operation:
    """The operation at its end, which must be a success."""
    done = engine.operations.wait(operation.id, 60.0)
    assert done.state is OperationState.SUCCEEDED, done.error_message
    return done


def uploaded(engine: Engine, path: Path) -> str:
    """Id of an upload of a file."""
    upload = engine.uploads.create(path.name, path.stat().st_size)
    writer = engine.uploads.begin(upload.id)
    writer.write(0, path.read_bytes())
    writer.end()
    return upload.id


def imported(engine: Engine, path: Path, policy: ExistingPolicy = ExistingPolicy.FAIL) -> Operation:
    """The import of a file at its end."""
    operation = engine.transfers.begin_import(uploaded(engine, path), policy)
    return engine.operations.wait(operation.id, 60.0)


def problems(engine: Engine, operation: Operation) -> list[tuple[str, str, str]]:
    found = engine.operations.store.problems(operation.id, 1000).items
    return [(problem.item, problem.status, problem.message) for problem in found]


def rewritten(path: Path, to: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """An archive with other contents; None leaves a member out."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(to, "w") as target:
        for name in source.namelist():
            data = change(name, source.read(name))
            if data is not None:
                target.writestr(name, data)
    return to


def edited(member: str, number: int, **fields: object) -> Callable[[str, bytes], bytes]:
    """A change of fields of one line of a member."""

    def change(name: str, data: bytes) -> bytes:
        if name != member:
            return data
        lines = data.splitlines()
        lines[number] = json.dumps({**json.loads(lines[number]), **fields}).encode()
        return b"\n".join(lines) + b"\n"

    return change


def noise(number: int) -> bytes:
    """A photo that no landmark has."""
    done, data = cv2.imencode(".png", np.random.default_rng(number).integers(0, 255, (40, 40, 3)).astype(np.uint8))
    assert done
    return data.tobytes()
