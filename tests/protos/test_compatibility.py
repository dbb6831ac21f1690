"""What applications were built against stays: the contract has all that ``protos/baseline.binpb`` has, unchanged.

The baseline is the last release's contract, as protoc describes it (``make proto-baseline``). ``make proto-breaking``
asks buf as well; this needs neither npm nor the history of the repository.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

PROTOS = Path(__file__).parent.parent.parent / "protos"
PACKAGE = "steeple.v1"

Facts = dict[str, str]
"""What must stay, by what it is of."""


def ours(files: FileDescriptorSet) -> list[FileDescriptorProto]:
    return [file for file in files.file if file.package == PACKAGE]


@pytest.fixture(scope="module")
def baseline() -> list[FileDescriptorProto]:
    return ours(FileDescriptorSet.FromString((PROTOS / "baseline.binpb").read_bytes()))


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    output = tmp_path_factory.mktemp("protos") / "descriptors.binpb"
    sources = sorted(str(path) for path in PROTOS.glob("steeple/v1/*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(PROTOS), f"--descriptor_set_out={output}", *sources]
    subprocess.run(command, check=True)
    return ours(FileDescriptorSet.FromString(output.read_bytes()))


def facts(files: list[FileDescriptorProto]) -> Facts:
    """Numbers, names and types of all that an application may use."""
    return dict(pair for file in files for pair in _of_file(file))


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for message in file.message_type:
        yield from _of_message(message, message.name)
    for enum in file.enum_type:
        yield from _of_enum(enum, enum.name)
    for service in file.service:
        yield from _of_service(service)


def _of_message(message: DescriptorProto, name: str) -> Iterator[tuple[str, str]]:
    yield f"message {name}", "there"
    for field in message.field:
        kind = FieldDescriptorProto.Type.Name(field.type)
        label = FieldDescriptorProto.Label.Name(field.label)
        union = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
        yield f"field {field.number} of {name}", f"{field.name}: {label} {kind} {field.type_name} {union}".rstrip()
    for enum in message.enum_type:
        yield from _of_enum(enum, f"{name}.{enum.name}")
    for nested in message.nested_type:
        yield from _of_message(nested, f"{name}.{nested.name}")


def _of_enum(enum: EnumDescriptorProto, name: str) -> Iterator[tuple[str, str]]:
    for value in enum.value:
        yield f"value {value.number} of {name}", value.name


def _of_service(service: ServiceDescriptorProto) -> Iterator[tuple[str, str]]:
    for method in service.method:
        takes = f"{'stream ' if method.client_streaming else ''}{method.input_type}"
        gives = f"{'stream ' if method.server_streaming else ''}{method.output_type}"
        yield f"method {service.name}.{method.name}", f"({takes}) returns ({gives})"


def broken(before: list[FileDescriptorProto], after: list[FileDescriptorProto]) -> list[str]:
    """What is gone or another, a line each."""
    now = facts(after)
    return [
        f"{what}: was {was}, is {now.get(what, 'gone')}" for what, was in facts(before).items() if now.get(what) != was
    ]


def test_nothing_of_the_baseline_is_gone_or_changed(
    baseline: list[FileDescriptorProto], current: list[FileDescriptorProto]
) -> None:
    assert broken(baseline, current) == [], "add a new field or method instead, and leave the old one"
    assert len(facts(baseline)) > 200


def _of(files: list[FileDescriptorProto], name: str) -> DescriptorProto:
    return next(message for file in files for message in file.message_type if message.name == name)


def _renumber(files: list[FileDescriptorProto]) -> None:
    _of(files, "Landmark").field[1].number = 77


def _rename(files: list[FileDescriptorProto]) -> None:
    _of(files, "Landmark").field[1].name = "title"


def _retype(files: list[FileDescriptorProto]) -> None:
    _of(files, "Landmark").field[1].type = FieldDescriptorProto.TYPE_BYTES


def _repeat(files: list[FileDescriptorProto]) -> None:
    _of(files, "Landmark").field[1].label = FieldDescriptorProto.LABEL_REPEATED


def _remove_a_method(files: list[FileDescriptorProto]) -> None:
    del next(file for file in files if file.service).service[0].method[0]


def _stream(files: list[FileDescriptorProto]) -> None:
    next(file for file in files if file.service).service[0].method[0].server_streaming = True


def _rename_a_value(files: list[FileDescriptorProto]) -> None:
    next(file for file in files if file.enum_type).enum_type[0].value[1].name = "OTHER"


def _leave_a_union(files: list[FileDescriptorProto]) -> None:
    _of(files, "Query").field[0].ClearField("oneof_index")


@pytest.mark.parametrize(
    "change",
    [_renumber, _rename, _retype, _repeat, _remove_a_method, _stream, _rename_a_value, _leave_a_union],
    ids=lambda change: change.__name__,
)
def test_a_breaking_change_is_noticed(
    baseline: list[FileDescriptorProto], change: Callable[[list[FileDescriptorProto]], None]
) -> None:
    changed = [FileDescriptorProto.FromString(file.SerializeToString()) for file in baseline]
    assert broken(baseline, changed) == []
    change(changed)
    assert len(broken(baseline, changed)) == 1


def test_an_addition_is_none(baseline: list[FileDescriptorProto]) -> None:
    changed = [FileDescriptorProto.FromString(file.SerializeToString()) for file in baseline]
    _of(changed, "Landmark").field.add(name="more", number=77, type=FieldDescriptorProto.TYPE_STRING)
    changed[0].message_type.add(name="New")
    assert broken(baseline, changed) == []
