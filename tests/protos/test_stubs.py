"""The generated modules are what the .proto files make, whatever version of protoc made them."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import grpc
import pytest
from google.protobuf import descriptor_pb2

from steeple import v1

FOLDER = Path(v1.__file__).parent
ROOT = FOLDER.parent.parent
PROTOS = sorted(f"steeple/v1/{path.name}" for path in FOLDER.glob("*.proto"))
SERVICES = [proto for proto in PROTOS if proto.endswith("_service.proto")]
MULTI_CALLABLES = {
    (False, False): grpc.UnaryUnaryMultiCallable,
    (False, True): grpc.UnaryStreamMultiCallable,
    (True, False): grpc.StreamUnaryMultiCallable,
    (True, True): grpc.StreamStreamMultiCallable,
}
REGENERATE = "run `make protos`"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """What the installed protoc makes of the .proto files, by file name."""
    output = tmp_path_factory.mktemp("protos") / "descriptors.binpb"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT), f"--descriptor_set_out={output}", *PROTOS]
    subprocess.run(command, check=True, cwd=ROOT)
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    return {file.name: file for file in descriptors.file}


def test_there_is_a_module_for_each_file_and_a_file_for_each_module() -> None:
    expected = {Path(proto).stem + "_pb2" for proto in PROTOS} | {Path(proto).stem + "_pb2_grpc" for proto in SERVICES}
    assert {path.stem for path in FOLDER.glob("*_pb2*.py")} == expected
    assert {path.stem for path in FOLDER.glob("*_pb2*.pyi")} == expected
    assert len(PROTOS) >= 5


@pytest.mark.parametrize("proto", PROTOS)
def test_messages_are_current(proto: str, compiled: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    generated = descriptor_pb2.FileDescriptorProto()
    module(proto, "_pb2").DESCRIPTOR.CopyToProto(generated)
    assert comparable(generated) == comparable(compiled[proto]), REGENERATE


@pytest.mark.parametrize("proto", PROTOS)
def test_type_stubs_are_current(proto: str, compiled: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    text = (ROOT / proto.replace(".proto", "_pb2.pyi")).read_text(encoding="utf-8")
    file = compiled[proto]
    fields = {
        f"{field.name.upper()}_FIELD_NUMBER"
        for kind in file.message_type
        for field in (*kind.field, *(field for nested in kind.nested_type for field in nested.field))
    }
    assert set(re.findall(r"^\s+(\w+_FIELD_NUMBER):", text, re.MULTILINE)) == fields, REGENERATE
    classes = {kind.name for kind in file.message_type} | {kind.name for kind in file.enum_type}
    assert {name for name in re.findall(r"^class (\w+)\(", text, re.MULTILINE) if name[0] != "_"} == classes, REGENERATE


@pytest.mark.parametrize("proto", SERVICES)
def test_services_are_current(proto: str, compiled: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    grpc_module = module(proto, "_pb2_grpc")
    typed = (ROOT / proto.replace(".proto", "_pb2_grpc.pyi")).read_text(encoding="utf-8")
    for service in compiled[proto].service:
        methods = {method.name for method in service.method}
        servicer = getattr(grpc_module, f"{service.name}Servicer")
        assert {name for name in vars(servicer) if name[0] != "_"} == methods, REGENERATE
        assert callable(getattr(grpc_module, f"add_{service.name}Servicer_to_server"))
        assert set(re.findall(r"^    def ([A-Z]\w+)\(", typed, re.MULTILINE)) == methods, REGENERATE
        with grpc.insecure_channel("localhost:1") as channel:  # nothing is sent
            stub = getattr(grpc_module, f"{service.name}Stub")(channel)
        assert set(vars(stub)) == methods, REGENERATE
        source = (ROOT / proto.replace(".proto", "_pb2_grpc.py")).read_text(encoding="utf-8")
        for method in service.method:
            kind = MULTI_CALLABLES[method.client_streaming, method.server_streaming]
            assert isinstance(getattr(stub, method.name), kind), REGENERATE
            assert f"'/steeple.v1.{service.name}/{method.name}'" in source


def test_a_changed_file_is_noticed(compiled: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    changed = descriptor_pb2.FileDescriptorProto()
    changed.CopyFrom(compiled["steeple/v1/features.proto"])
    changed.message_type[0].field[0].number += 100
    assert comparable(changed) != comparable(compiled["steeple/v1/features.proto"])


def module(proto: str, suffix: str) -> ModuleType:
    return importlib.import_module(proto.removesuffix(".proto").replace("/", ".") + suffix)


def comparable(file: descriptor_pb2.FileDescriptorProto) -> descriptor_pb2.FileDescriptorProto:
    """A copy without what differs between versions and outputs of protoc: JSON names and source positions."""
    copy = descriptor_pb2.FileDescriptorProto()
    copy.CopyFrom(file)
    copy.ClearField("source_code_info")
    for kind in copy.message_type:
        forget_json_names(kind)
    return copy


def forget_json_names(kind: descriptor_pb2.DescriptorProto) -> None:
    for field in kind.field:
        field.ClearField("json_name")
    for nested in kind.nested_type:
        forget_json_names(nested)
