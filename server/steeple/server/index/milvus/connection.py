"""The way to Milvus."""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from pydantic import SecretStr

from steeple.errors import InvalidArgumentError
from steeple.server.index.milvus import failures
from steeple.server.index.milvus.contract import Contract, contract

_PORTS: Final = {"http": 19530, "tcp": 19530, "https": 443}
_OPTIONS: Final = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # After a restart of Milvus, be back soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A machine that went without a word is noticed.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
]


class MilvusConnection:
    """A channel to Milvus. Thread safe; it connects when first used, and anew after Milvus was away.

    A call that fails is not repeated: the caller knows whether that is harmless.

    Args:
        uri: As in ``http://milvus:19530`` or ``https://host/database``; https: over TLS.
        token: ``user:password`` or an API key; empty: none. No error and no log has it.
        timeout: Seconds that a call may take.

    Raises:
        InvalidArgumentError: If the URI is none.
        FailedPreconditionError: If the package pymilvus is not installed.
    """

    def __init__(self, uri: str, token: SecretStr | str = "", timeout: float = 10.0) -> None:
        self._contract = contract()
        parts = urlsplit(uri)
        try:
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            port = None
        if port is None or not parts.hostname:
            raise InvalidArgumentError("milvus_uri must read http://HOST:PORT or https://HOST:PORT")
        if parts.username or parts.password:
            raise InvalidArgumentError("milvus_uri must not have a password in it: set milvus_token")
        secret = token.get_secret_value() if isinstance(token, SecretStr) else token
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.address = f"{host}:{port}"
        """Host and port."""
        self.timeout = timeout
        """Seconds that a call may take, unless it says otherwise."""
        self._metadata: list[tuple[str, str]] = []
        if secret:
            self._metadata.append(("authorization", base64.b64encode(secret.encode()).decode()))
        if database := parts.path.strip("/"):
            self._metadata.append(("dbname", database))
        if parts.scheme == "https":
            self._channel = grpc.secure_channel(self.address, grpc.ssl_channel_credentials(), _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(self.address, _OPTIONS)
        self._stub = self._contract.service.MilvusServiceStub(self._channel)

    def __repr__(self) -> str:
        return f"MilvusConnection({self.address!r})"

    @property
    def contract(self) -> Contract:
        """Milvus's messages."""
        return self._contract

    def call(self, method: str, request: Any, doing: str, *, timeout: float | None = None) -> Any:  # noqa: ANN401 - untyped messages
        """Calls Milvus and checks the status in its answer.

        Args:
            method: Of its service, as in ``Search``.
            request: The message.
            doing: What it is for, for errors.
            timeout: Seconds; None: the connection's.

        Raises:
            UnavailableError: If Milvus cannot be reached, is not ready, or does not answer in time.
            FailedPreconditionError: If it refuses the token, or (MissingError) has no such collection.
            ResourceExhaustedError: If a quota or rate is used up.
            InternalError: If it finds the request malformed.
        """
        try:
            answer = getattr(self._stub, method)(request, timeout=timeout or self.timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise failures.of_call(error, doing, self.address) from None
        failure = failures.of_status(answer if method in _PLAIN else answer.status, doing)
        if failure is not None:
            raise failure
        return answer

    def version(self) -> str:
        """Of Milvus."""
        answer = self.call("GetVersion", self._contract.milvus.GetVersionRequest(), "tell its version")
        return str(answer.version)

    def close(self) -> None:
        """Ends it; calls that run fail."""
        self._channel.close()


_PLAIN: Final = frozenset(
    {
        "CreateCollection",
        "DropCollection",
        "LoadCollection",
        "ReleaseCollection",
        "CreateIndex",
        "CreateAlias",
        "AlterAlias",
        "DropAlias",
    }
)  # they answer with nothing but a status
