"""The exception tree and its mapping to gRPC statuses."""

import re

import grpc
import pytest

from steeple import errors
from steeple.errors import InvalidArgumentError, SteepleError, error_class


def tree(root: type[SteepleError] = SteepleError) -> list[type[SteepleError]]:
    return [root, *(each for child in root.__subclasses__() for each in tree(child))]


OURS = [cls for cls in tree() if cls.__module__ == "steeple.errors"]


@pytest.mark.parametrize("cls", OURS)
def test_a_class_survives_the_wire(cls: type[SteepleError]) -> None:
    assert cls.status in grpc.StatusCode.__members__
    assert error_class(cls.status, cls.reason) is cls


@pytest.mark.parametrize("cls", OURS)
def test_a_class_is_what_its_base_is(cls: type[SteepleError]) -> None:
    for base in cls.__mro__[1:]:
        if issubclass(base, SteepleError) and base is not SteepleError:
            assert (cls.status, cls.exit_code) == (base.status, base.exit_code)


def test_status_and_reason_are_unique() -> None:
    pairs = [(cls.status, cls.reason) for cls in OURS]
    assert len(set(pairs)) == len(pairs) >= 15


def test_every_failing_grpc_status_has_a_class_of_its_own() -> None:
    # UNKNOWN is the base; these two say what others say better, so nothing raises them.
    left_out = {"OK", "UNKNOWN", "OUT_OF_RANGE", "UNIMPLEMENTED"}
    assert {cls.status for cls in OURS} - {"UNKNOWN"} == set(grpc.StatusCode.__members__) - left_out


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("INVALID_ARGUMENT", "SOMETHING_NEWER", "InvalidArgumentError"),
        ("INVALID_ARGUMENT", "", "InvalidArgumentError"),
        ("INVALID_ARGUMENT", "MODEL_MISMATCH", "InvalidArgumentError"),
        ("FAILED_PRECONDITION", "SOMETHING_NEWER", "FailedPreconditionError"),
        ("DATA_LOSS", "", "DataLossError"),
        ("ABORTED", "", "AbortedError"),
        ("UNIMPLEMENTED", "", "SteepleError"),
        ("NO_STATUS_AT_ALL", "NOT_FOUND", "SteepleError"),
    ],
)
def test_what_is_not_known_falls_back(status: str, reason: str, expected: str) -> None:
    assert error_class(status, reason).__name__ == expected


def test_exit_codes_leave_success_and_unknown_alone() -> None:
    codes = {cls.exit_code for cls in OURS}
    assert not codes & {0, 3}  # identified, UNKNOWN
    assert all(1 <= code <= 130 for code in codes)


def test_the_message_and_the_facts_are_kept() -> None:
    error = InvalidArgumentError("page_size must not be negative", field="page_size")
    assert str(error) == error.message == "page_size must not be negative"
    assert error.metadata == {"field": "page_size"}


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    documented = re.findall(r"^    (\W*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    stack: list[str] = []
    parents = {}
    for indent, name in documented:
        depth = len(indent) // 4
        del stack[depth:]
        parents[name] = stack[-1] if stack else "Exception"
        stack.append(name)
    assert parents == {cls.__name__: (cls.__base__ or object).__name__ for cls in OURS}
    assert sorted(errors.__all__) == sorted([*parents, "error_class"])
