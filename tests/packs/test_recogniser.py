"""A pack answers as a server does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from steeple.delf import Extractor, FeatureSet
from steeple.errors import FeatureSetError, ModelMismatchError
from steeple.packs import DEFAULT_FEATURES, Pack, PackRecogniser
from steeple.recognition import GalleryImage, Recogniser, Recognition
from steeple.server.index import FaissIndex
from steeple.server.index.codebook import Codebook
from tests.packs.samples import RELEASE, features, written
from tests.scenes import encoded, scene

LANDMARKS = 6
TILT = np.array([[0.9, 0.08, 25], [-0.03, 0.92, 30], [1.5e-4, 5e-5, 1]])


@dataclass(frozen=True)
class World:
    """Pictures of landmarks, two of each, and photos to be asked about; the last two show none of them."""

    photos: dict[str, list[FeatureSet]]
    queries: list[FeatureSet]

    def server(self) -> Recogniser:
        index, images = FaissIndex(RELEASE), dict[int, GalleryImage]()
        for landmark_id, sets in self.photos.items():
            for each in sets:
                images[len(images)] = GalleryImage(landmark_id, each)
        for key, image in images.items():
            index.add(key, image.features.unit_descriptors())

        def gallery(keys: Sequence[int]) -> dict[int, GalleryImage]:
            return {key: images[key] for key in keys}

        return Recogniser(RELEASE, index, gallery)

    def pack(self, path: Path, *, kept: int = DEFAULT_FEATURES, exact: bool = False) -> Pack:
        codebook = Codebook.of(RELEASE)
        return Pack.open(written(path, self.photos, codebook=codebook, kept=kept, exact=exact))


def tilted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.warpPerspective(picture, TILT, (640, 480), borderValue=(90, 90, 90)), np.uint8)


@pytest.fixture(scope="module")
def world() -> World:
    extractor = Extractor()
    photos = {
        f"landmark-{number}": [
            extractor.extract(scene(number)),
            extractor.extract(np.ascontiguousarray(scene(number)[40:, 60:])),
        ]
        for number in range(LANDMARKS)
    }
    queries = [extractor.extract(tilted(scene(number))) for number in range(LANDMARKS + 2)]
    return World(photos, queries)


@pytest.fixture(autouse=True)
def on_one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine take many times as long as one."""
    with threadpool_limits(1):
        yield


def first(recognition: Recognition) -> str:
    return recognition.candidates[0].landmark_id if recognition.candidates else ""


def test_an_exact_pack_of_all_features_answers_to_the_last_digit(world: World, tmp_path: Path) -> None:
    server = world.server()
    with world.pack(tmp_path / "a.pack", kept=4096, exact=True) as pack:
        recogniser = PackRecogniser(pack, RELEASE)
        for query in world.queries:
            expected, found = server.identify(query), recogniser.identify(query)
            assert found.identified == expected.identified
            assert len(found.candidates) == len(expected.candidates)
            for one, other in zip(expected.candidates, found.candidates, strict=True):
                assert (one.landmark_id, one.inliers, one.matches) == (other.landmark_id, other.inliers, other.matches)
                assert one.confidence == pytest.approx(other.confidence, abs=1e-9)
                assert pack.images[other.image_key].landmark_id == other.landmark_id
                np.testing.assert_allclose(other.outline, one.outline, atol=1e-3)


def test_a_pack_as_it_is_by_default_agrees_with_the_server(world: World, tmp_path: Path) -> None:
    server = world.server()
    with world.pack(tmp_path / "a.pack") as pack:
        recogniser = PackRecogniser(pack, RELEASE)
        for number, query in enumerate(world.queries):
            expected, found = server.identify(query), recogniser.identify(query)
            assert found.identified == expected.identified == (number < LANDMARKS)
            if found.identified:
                assert first(found) == first(expected) == f"landmark-{number}"
                assert found.candidates[0].confidence == pytest.approx(expected.candidates[0].confidence, abs=0.1)
                corners = np.array([[[0, 0]], [[639, 0]], [[639, 479]], [[0, 479]]], np.float64)
                image = found.candidates[0].image_key
                offset = [60, 40] if image % 2 else [0, 0]
                truth = cv2.perspectiveTransform(corners + offset, TILT)
                lies = cv2.perspectiveTransform(corners, found.candidates[0].homography)
                assert np.linalg.norm(truth - lies, axis=2)[0] < 12, "its outline lies where the server's does"


def test_candidates_are_as_many_as_asked_for(world: World, tmp_path: Path) -> None:
    with world.pack(tmp_path / "a.pack") as pack:
        assert len(PackRecogniser(pack, RELEASE).identify(world.queries[0], max_candidates=1).candidates) == 1


def test_a_pack_without_landmarks_knows_none(tmp_path: Path) -> None:
    with Pack.open(written(tmp_path / "a.pack", {})) as pack:
        answer = PackRecogniser(pack, RELEASE).identify(features(1))
        assert (answer.identified, answer.candidates) == (False, ())


def test_a_query_without_features_is_refused(tmp_path: Path) -> None:
    with Pack.open(written(tmp_path / "a.pack", {"one": [features(1)]})) as pack:
        recogniser = PackRecogniser(pack, RELEASE)
        with pytest.raises(FeatureSetError, match="no features"):
            recogniser.identify(features(1, 0))


def test_a_pack_of_another_release_says_so(tmp_path: Path) -> None:
    with Pack.open(written(tmp_path / "a.pack", {"one": [features(1)]})) as pack:
        with pytest.raises(
            ModelMismatchError, match=r"of model release 'delf-lite2-v1', and .* with 'other'"
        ) as caught:
            PackRecogniser(pack, replace(RELEASE, name="other"))
        assert caught.value.metadata == {"model": "models/delf-lite2-v1", "served": "models/other"}
        with pytest.raises(ModelMismatchError, match=r"another network of that name"):
            PackRecogniser(pack, replace(RELEASE, tflite_sha256="0" * 64))
        with pytest.raises(ModelMismatchError, match="the query is of 'other', the pack 'Paris' of 'delf-lite2-v1'"):
            PackRecogniser(pack, RELEASE).identify(replace(features(1), model="other"))


def test_the_example_of_the_documentation_runs(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[2] / "docs" / "client" / "packs.md"
    (example,) = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    world.pack(tmp_path / "paris.pack").close()
    (tmp_path / "photo.jpg").write_bytes(encoded(scene(2)))
    exec(compile(example, page.name, "exec"), {})  # noqa: S102
    name, confidence = capsys.readouterr().out.split()
    assert name == "Landmark-2"
    assert float(confidence) > 0.9
