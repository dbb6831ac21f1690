"""Errors become gRPC statuses with details that programs can read."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from steeple import errors
from steeple.errors import (
    FeatureSetError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    SteepleError,
    error_class,
)
from steeple.server.api.status import about, incident, rich_status


def details(status: status_pb2.Status) -> dict[str, Any]:
    """Details by the name of their message."""
    found = {}
    for packed in status.details:
        name = packed.TypeName().removeprefix("google.rpc.")
        found[name] = getattr(error_details_pb2, name)()
        assert packed.Unpack(found[name])
    return found


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name not in ("SteepleError", "error_class")])
def test_every_error_keeps_its_class_over_the_wire(name: str) -> None:
    cls: type[SteepleError] = getattr(errors, name)
    status = rich_status(cls("it went wrong", fact="one"))
    info = details(status)["ErrorInfo"]
    assert status.message == "it went wrong"
    assert status.code == grpc.StatusCode[cls.status].value[0]
    assert (info.domain, dict(info.metadata)) == ("steeple", {"fact": "one"})
    assert error_class(cls.status, info.reason) is cls


def test_a_wrong_field_is_a_bad_request() -> None:
    status = rich_status(InvalidArgumentError("too many", field="query.max_candidates"))
    request = details(status)["BadRequest"]
    assert [(one.field, one.description) for one in request.field_violations] == [("query.max_candidates", "too many")]
    assert "RetryInfo" not in details(status)
    assert "ResourceInfo" not in details(status)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("landmarks/big-ben", "steeple.v1.Landmark"),
        ("landmarks/big-ben/images/north", "steeple.v1.ReferenceImage"),
        ("models/delf-lite2-v1", "steeple.v1.Model"),
    ],
)
def test_a_missing_resource_is_named(name: str, kind: str) -> None:
    info = details(rich_status(NotFoundError("gone", resource=name)))["ResourceInfo"]
    assert (info.resource_name, info.resource_type, info.description) == (name, kind, "gone")


def test_overload_says_when_to_try_again() -> None:
    status = rich_status(ResourceExhaustedError("busy", retry_delay_seconds="0.25"))
    delay = details(status)["RetryInfo"].retry_delay
    assert (delay.seconds, delay.nanos) == (0, 250_000_000)


def test_a_status_fits_into_trailers_whatever_the_request_held() -> None:
    long = "x" * 100_000
    status = rich_status(InvalidArgumentError(long, field=long, resource=long, other=long))
    assert status.ByteSize() < 8192 * 3 / 4  # base64 of the status has to fit into 8 KiB
    assert status.message.startswith("xxx")


def test_what_nobody_expected_is_told_by_number_only() -> None:
    told = incident(ZeroDivisionError("the password is swordfish"))
    assert told.status == "INTERNAL"
    assert len(told.metadata["incident"]) == 8
    assert told.metadata["incident"] in told.message
    assert "swordfish" not in str(rich_status(told))
    assert isinstance(told.__cause__, ZeroDivisionError)


def test_an_outer_layer_names_the_field_unless_an_inner_one_did() -> None:
    with pytest.raises(FeatureSetError) as caught, about("query.features"):
        raise FeatureSetError("malformed")
    assert caught.value.metadata == {"field": "query.features"}
    with pytest.raises(InvalidArgumentError) as caught_inner, about("outer"):
        raise InvalidArgumentError("wrong", field="inner")
    assert caught_inner.value.metadata == {"field": "inner"}
