"""Features made on the device, with the release that ships with Steeple."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import wire
from steeple.delf.extractor import Extractor
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.errors import FailedPreconditionError, ImageError, InvalidArgumentError, ModelMismatchError, NotFoundError
from steeple.v1 import model_pb2

from .harness import Harness
from .peer import Peer, fail


@pytest.fixture(scope="module")
def release() -> ModelRelease:
    return ModelRelease.load(DEFAULT_RELEASE)


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    random = np.random.default_rng(7)
    coarse = random.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture
def served(peer: Peer, release: ModelRelease) -> model_pb2.Model:
    """The release, served by the peer."""
    model = model_pb2.Model(name=f"models/{release.name}", tflite_sha256=release.tflite_sha256, default=True)
    peer.models[model.name] = model
    return model


def test_a_photo_stays_here_and_its_features_are_sent(
    client: Any, peer: Peer, served: model_pb2.Model, photo: NDArray[np.uint8], release: ModelRelease, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), photo[:, :, ::-1])
    expected = wire.pack(Extractor(release).extract(photo))
    for form in (photo, path, str(path), path.read_bytes()):
        answer = client.identify(form)
        assert peer.calls("Identify")[-1].query.features == expected
        assert (answer.width, answer.height) == (160, 120)
        assert answer.feature_count == len(expected.geometry) // 6 > 50
        assert answer.timings.device_extract > 0
    assert len(peer.calls("GetModel")) == 1  # asked once, before the first
    assert [call.method for call in peer.received][:2] == ["GetModel", "Identify"]


def test_features_of_a_network_that_differs_are_not_sent(
    client: Any, peer: Peer, served: model_pb2.Model, photo: NDArray[np.uint8], release: ModelRelease
) -> None:
    served.tflite_sha256 = "0" * 64
    for call in (
        lambda: client.identify(photo),
        lambda: list(client.identify_stream([photo])),
        lambda: client.add_reference_image("a", photo, extract=True),
    ):
        with pytest.raises(ModelMismatchError, match=r"differs between this client .* and the server") as caught:
            call()
        assert release.tflite_sha256[:12] in caught.value.message
        assert caught.value.metadata == {"model": f"models/{release.name}"}
    assert {call.method for call in peer.received} <= {"GetModel", "IdentifyStream"}
    client.identify(b"photo", upload=True)  # needs no features
    client.add_reference_image("a", b"photo")
    served.tflite_sha256 = release.tflite_sha256  # the server was updated
    client.identify(photo)


def test_a_release_that_is_not_served_is_answered_with_those_that_are(
    client: Any, peer: Peer, photo: NDArray[np.uint8]
) -> None:
    peer.models["models/delf-next"] = model_pb2.Model(name="models/delf-next")
    with pytest.raises(ModelMismatchError, match=r"does not serve model release delf-lite2-v1; .* serve: delf-next"):
        client.identify(photo)
    assert peer.calls("Identify") == []


def test_reference_features_can_be_made_here(
    client: Any, peer: Peer, served: model_pb2.Model, photo: NDArray[np.uint8], release: ModelRelease
) -> None:
    client.add_reference_image("a", photo, extract=True)
    (request,) = peer.calls("CreateReferenceImage")
    assert request.features == wire.pack(Extractor(release).extract(photo))
    assert request.image == b""


def test_a_stream_is_extracted_frame_by_frame(
    harness: Harness, target: str, peer: Peer, served: model_pb2.Model, photo: NDArray[np.uint8]
) -> None:
    client = harness.client(target, extractors=2)
    answers = list(client.identify_stream([photo, photo[:96], photo[:, :128]]))
    assert [(answer.answer.width, answer.answer.height) for answer in answers] == [(160, 120), (160, 96), (128, 120)]
    assert all(answer.answer.timings.device_extract > 0 for answer in answers)
    assert len(peer.calls("GetModel")) == 1


def test_a_photo_that_cannot_be_used_is_not_sent(
    client: Any, peer: Peer, served: model_pb2.Model, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    for bad in (b"not an image", tmp_path / "missing.jpg", photo[:1, :1], photo.astype(np.float32)):
        with pytest.raises(ImageError):
            client.identify(bad)
    assert peer.received == []
    client.identify(photo)


def test_an_unknown_release_is_named(harness: Harness, target: str, peer: Peer, photo: NDArray[np.uint8]) -> None:
    client = harness.client(target, release="delf-imaginary")
    with pytest.raises(NotFoundError, match="delf-imaginary"):
        client.identify(photo)
    assert peer.received == []
    client.identify(b"photo", upload=True)


def test_there_must_be_an_extractor(harness: Harness, target: str) -> None:
    with pytest.raises(InvalidArgumentError, match="extractors must be at least 1, not 0"):
        harness.client(target, extractors=0)


def test_a_check_that_failed_is_made_again(
    client: Any, peer: Peer, served: model_pb2.Model, photo: NDArray[np.uint8]
) -> None:
    peer.script("GetModel", fail(grpc.StatusCode.FAILED_PRECONDITION, "not now"), peer.normally)
    with pytest.raises(FailedPreconditionError, match="not now"):
        client.identify(photo)
    client.identify(photo)
    client.identify(photo)
    assert len(peer.calls("GetModel")) == 2


def test_without_a_runtime_the_way_out_is_named(
    client: Any, peer: Peer, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "steeple.delf.extractor", None)  # as if its imports failed
    with pytest.raises(FailedPreconditionError, match=r"install steeple\[client\], or use upload=True"):
        client.identify(photo)
    client.identify(photo, upload=True)
    assert len(peer.calls("Identify")) == 1
