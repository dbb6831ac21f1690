"""The gRPC API: ``steeple.v1`` served by ``grpc.aio`` on top of the engine."""
