"""The contract of Steeple: the protocol messages and services of ``steeple.v1``.

The ``*_pb2`` modules beside the ``.proto`` files are generated from them by ``make protos``.
"""
