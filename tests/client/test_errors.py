from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]

from steeple.delf.features import FeatureSet
from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    SteepleError,
    UnavailableError,
)

from .harness import Harness
from .peer import Peer, fail, info


def tree(root: type[SteepleError]) -> Iterator[type[SteepleError]]:
    for child in root.__subclasses__():
        yield child
        yield from tree(child)


ALL = [cls for cls in tree(SteepleError) if cls.__module__ == "steeple.errors"]


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_error_keeps_its_class_text_and_metadata(
    harness: Harness, target: str, peer: Peer, features: FeatureSet, cls: type[SteepleError]
) -> None:
    client = harness.client(target, max_attempts=1)
    details = info(cls.reason, resource="landmarks/a", message="an awkward key", self="another")
    peer.script("Identify", fail(grpc.StatusCode[cls.status], "what is wrong", details))
    with pytest.raises(SteepleError) as caught:
        client.identify(features)
    assert type(caught.value) is cls
    assert caught.value.message == str(caught.value) == "what is wrong"
    assert caught.value.metadata == {"resource": "landmarks/a", "message": "an awkward key", "self": "another"}


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([], FailedPreconditionError),
        ([info("MODEL_MISMATCH", domain="proxy.example")], FailedPreconditionError),
        ([info("OF_A_LATER_VERSION")], FailedPreconditionError),
    ],
    ids=["none", "of another domain", "unknown reason"],
)
def test_without_a_known_reason_the_status_decides(
    client: Any, peer: Peer, features: FeatureSet, details: Any, expected: type[SteepleError]
) -> None:
    peer.script("Identify", fail(grpc.StatusCode.FAILED_PRECONDITION, "no", *details))
    with pytest.raises(SteepleError, match="no") as caught:
        client.identify(features)
    assert type(caught.value) is expected


def test_the_wrong_field_is_named(client: Any, peer: Peer) -> None:
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="landmark.display_name", description="too long")
    peer.script("CreateLandmark", fail(grpc.StatusCode.INVALID_ARGUMENT, "too long", bad, info("INVALID_ARGUMENT")))
    with pytest.raises(InvalidArgumentError) as caught:
        client.create_landmark("x" * 201)
    assert caught.value.metadata == {"field": "landmark.display_name"}


@pytest.mark.parametrize("trailer", [b"\xff not a status", b"\x08\x03\x12\x05other"], ids=["garbage", "another status"])
def test_details_that_contradict_the_status_are_left_out(
    client: Any, peer: Peer, features: FeatureSet, trailer: bytes
) -> None:
    def step(_: Any, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", trailer),))
        context.abort(grpc.StatusCode.NOT_FOUND, "gone")

    peer.script("GetLandmark", step)
    with pytest.raises(NotFoundError, match="gone"):
        client.get_landmark("a")


def test_a_status_outside_the_tree_is_the_base_class(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", fail(grpc.StatusCode.UNIMPLEMENTED, "no such method"))
    with pytest.raises(SteepleError, match="is no Steeple server of this version: no such method") as caught:
        client.identify(features)
    assert type(caught.value) is SteepleError


def test_where_nothing_listens_is_named(harness: Harness, features: FeatureSet) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"cannot reach a Steeple server at {target}"):
            harness.client(target).identify(features)


def test_all_calls_map_their_errors(client: Any, peer: Peer, features: FeatureSet) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "Identify": lambda: client.identify(features),
        "IdentifyStream": lambda: list(client.identify_stream([features])),
        "GetModel": lambda: client.get_model("delf-lite2-v1"),
        "ListModels": client.list_models,
        "GetServerInfo": client.server_info,
        "CreateLandmark": lambda: client.create_landmark("A"),
        "GetLandmark": lambda: client.get_landmark("a"),
        "ListLandmarks": lambda: list(client.list_landmarks()),
        "UpdateLandmark": lambda: client.update_landmark("a", description="b"),
        "DeleteLandmark": lambda: client.delete_landmark("a"),
        "CreateReferenceImage": lambda: client.add_reference_image("a", features),
        "GetReferenceImage": lambda: client.get_reference_image("landmarks/a/images/1"),
        "ListReferenceImages": lambda: list(client.list_reference_images("a")),
        "DeleteReferenceImage": lambda: client.delete_reference_image("landmarks/a/images/1"),
        "DownloadReferenceImage": lambda: client.download_reference_image("landmarks/a/images/1"),
    }
    for method, call in calls.items():
        peer.script(method, fail(grpc.StatusCode.NOT_FOUND, f"{method} finds nothing", info("NOT_FOUND")))
        with pytest.raises(NotFoundError, match=f"{method} finds nothing"):
            call()
