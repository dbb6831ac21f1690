"""Calls that send more than one message, which gRPC must not repeat by itself."""

from __future__ import annotations

import importlib
import json
import pkgutil

import grpc
import grpc.aio
import pytest

import steeple.v1
from steeple.client._errors import failure_of
from steeple.client._transport import Settings
from steeple.errors import InternalError, SteepleError, UnavailableError


def test_grpc_repeats_calls_that_send_one_message_and_no_others() -> None:
    settings = Settings("localhost:1", 1.0, 1.0, 4, False, None, ())
    (config,) = [value for name, value in settings.options() if name == "grpc.service_config"]
    methods = json.loads(str(config))["methodConfig"]
    repeated = [each for each in methods if "retryPolicy" in each]
    assert [each["name"] for each in repeated] == [[{}]], "all that is not said otherwise of"
    alone = {f"{name['service']}/{name['method']}" for each in methods if each not in repeated for name in each["name"]}
    sending = set()
    for module in pkgutil.iter_modules(steeple.v1.__path__):
        if module.name.endswith("_service_pb2"):
            services = importlib.import_module(f"steeple.v1.{module.name}").DESCRIPTOR.services_by_name.values()
            sending |= {
                f"{service.full_name}/{method.name}"
                for service in services
                for method in service.methods
                if method.client_streaming
            }
    assert alone == sending


@pytest.mark.parametrize(
    ("details", "is_of"), [("Internal error from Core", UnavailableError), ("a defect: 1a2b", InternalError)]
)
def test_what_grpc_says_of_a_broken_connection_is_no_defect_of_the_server(
    details: str, is_of: type[SteepleError]
) -> None:
    nothing = grpc.aio.Metadata()
    error = grpc.aio.AioRpcError(grpc.StatusCode.INTERNAL, nothing, nothing, details)
    assert type(failure_of(error, target="here", timeout=1.0).error) is is_of
