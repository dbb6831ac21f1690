#!/bin/sh
# Makes protos/steeple/v1/*_pb2* from the .proto files. The stubs of grpcio-tools 1.64 are the newest
# that both current grpcio and python-for-android's recipe (grpcio 1.64) import.
set -eu
cd "$(dirname "$0")/../protos"
python=${PYTHON:?set PYTHON to an interpreter with grpcio-tools 1.64 and mypy-protobuf 3.6}
PATH="$(dirname "$python"):$PATH"
rm -f steeple/v1/*_pb2*
"$python" -m grpc_tools.protoc -I . --python_out=. --mypy_out=quiet:. steeple/v1/*.proto
"$python" -m grpc_tools.protoc -I . --grpc_python_out=. --mypy_grpc_out=quiet:. steeple/v1/*_service.proto
