"""``steeple operations`` and the SDK's calls behind it, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from os import environ
from pathlib import Path

import pytest

from steeple.cli.local_server import local_server
from steeple.client import Client, Operation, OperationState
from steeple.errors import FailedPreconditionError, ImageError, InvalidArgumentError
from steeple.server.catalogue import Catalogue
from steeple.server.operations import OperationStore

from .support import Steeple

METHOD = "steeple.v1.OldService/Forgotten"


@pytest.fixture
def left(tmp_path: Path, steeple: Steeple, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that finds an operation which another version began, with a problem; it cannot carry it out."""
    with Catalogue.open(f"sqlite:///{tmp_path}/data/catalogue.db") as catalogue:
        store = OperationStore(catalogue.database)
        operation = store.create(METHOD, {})
        store.add_problem(operation.id, "a.jpg", ImageError.status, "not a photo")
        store.save(operation.id, step="reading", done=3, total=7)
    with local_server(tmp_path / "data", tmp_path / "server.log") as address:
        monkeypatch.setenv("STEEPLE_SERVER", address)
        yield operation.id


def test_an_operation_that_failed_is_listed_shown_resumed_and_deleted(left: str, steeple: Steeple) -> None:
    waited = steeple("operations", "wait", left, "--json")
    assert (waited.code, waited.error.get("status")) == (6, "FAILED_PRECONDITION")
    assert METHOD in waited.error["message"]
    [listed] = steeple("operations", "list", "--json").json
    assert (listed["id"], listed["state"], listed["done_count"], listed["total_count"]) == (left, "failed", 3, 7)
    assert steeple("operations", "list", "--state", "running", "--json").json == []
    shown = steeple("operations", "show", left)
    for text in ("3 of 7", "a.jpg", "not a photo", "cannot carry out", "failed"):
        assert text in shown.out
    assert steeple("operations", "show", left, "--json").json["problems"] == [
        {"item": "a.jpg", "status": "INVALID_ARGUMENT", "message": "not a photo"}
    ]
    assert steeple("operations", "resume", left).code == 0
    assert steeple("operations", "wait", left).code == 6
    assert "failed" in steeple("operations", "cancel", left).out  # a finished one stays as it is
    assert steeple("operations", "delete", f"operations/{left}").code == 0
    gone = steeple("operations", "show", left)
    assert gone.code == 4
    assert steeple("operations", "list", "--state", "flying").code == 2


def test_the_sdk_tells_of_progress_and_raises_what_an_operation_failed_with(left: str) -> None:
    seen: list[Operation] = []
    with Client(environ["STEEPLE_SERVER"]) as client:
        with pytest.raises(FailedPreconditionError, match="cannot carry out"):
            client.wait_operation(left, progress=seen.append)
        assert seen[-1].state is OperationState.FAILED
        assert [problem.item for problem in client.list_operation_problems(left)] == ["a.jpg"]
        assert [each.id for each in client.list_operations(states=[OperationState.FAILED])] == [left]
        with pytest.raises(InvalidArgumentError, match="a state is one of"):
            list(client.list_operations(states=["flying"]))
