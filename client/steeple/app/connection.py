"""The server: a client from the settings, and what is wrong when it cannot be used."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from steeple.app.secrets import SecretStore
from steeple.app.settings import AppSettings
from steeple.client import Client


class Trouble(enum.StrEnum):
    """What is wrong with a connection. All but the last two keep the server from answering."""

    NO_SERVER = "no_server"
    BAD_ADDRESS = "bad_address"
    NAME_UNKNOWN = "name_unknown"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    NO_NETWORK = "no_network"
    TLS_NEEDED = "tls_needed"
    TLS_NOT_SPOKEN = "tls_not_spoken"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_OF_ANOTHER_NAME = "certificate_of_another_name"
    BAD_ROOT_CERTIFICATES = "bad_root_certificates"
    NO_STEEPLE_SERVER = "no_steeple_server"
    NOT_READY = "not_ready"
    KEY_MISSING = "key_missing"
    KEY_REFUSED = "key_refused"
    KEY_NOT_COVERING = "key_not_covering"
    RELEASE_NOT_SERVED = "release_not_served"
    OTHER = "other"
    KEY_IN_CLEAR = "key_in_clear"
    """A warning: the key goes over the network without TLS."""
    SLOW = "slow"
    """A warning: a round trip takes more of the latency budget than is left for it."""


class Stage(enum.StrEnum):
    """What is looked at, in this order."""

    ADDRESS = "address"
    NETWORK = "network"
    ENCRYPTION = "encryption"
    SERVER = "server"
    KEY = "key"
    RELEASE = "release"


@dataclass(frozen=True)
class Step:
    """What was found of one thing.

    Attributes:
        stage: What was looked at.
        passed: Whether it is as it should be.
        found: What was found, in English.
        trouble: What is wrong; None if nothing.
        advice: What to do about it, in English; empty if nothing.
    """

    stage: Stage
    passed: bool
    found: str
    trouble: Trouble | None = None
    advice: str = ""


@dataclass(frozen=True)
class ConnectionReport:
    """What :func:`check_connection` found.

    Attributes:
        steps: Up to the first that did not pass.
        round_trip_ms: Of a small call; None if there was none.
        server_version: Of Steeple, there; empty if the key may not ask.
    """

    steps: tuple[Step, ...]
    round_trip_ms: float | None = None
    server_version: str = ""

    @property
    def usable(self) -> bool:
        """Whether the server can answer queries."""
        return all(step.passed for step in self.steps)


def connect(settings: AppSettings, secrets: SecretStore) -> Client | None:
    """A client of the server that the settings name; None if they name none.

    Raises:
        InvalidArgumentError: If the root certificates cannot be read, or the key is none.
        FailedPreconditionError: If the secrets cannot be read.
    """
    raise NotImplementedError


def check_connection(settings: AppSettings, key: str | None, *, timeout: float = 5.0) -> ConnectionReport:
    """Looks at the way to the server, step by step.

    Args:
        settings: That name the server; they need not be saved.
        key: Of the server; None for none.
        timeout: Seconds for each step.
    """
    raise NotImplementedError
