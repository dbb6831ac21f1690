"""What can be wrong with a connection, and what the person can do about it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


class Trouble(enum.StrEnum):
    """What is wrong. All but the last two keep the server from answering."""

    NO_SERVER = "no_server"
    BAD_ADDRESS = "bad_address"
    NAME_UNKNOWN = "name_unknown"
    NO_NETWORK = "no_network"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    BAD_ROOT_CERTIFICATES = "bad_root_certificates"
    TLS_NEEDED = "tls_needed"
    TLS_NOT_SPOKEN = "tls_not_spoken"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_OF_ANOTHER_NAME = "certificate_of_another_name"
    NO_STEEPLE_SERVER = "no_steeple_server"
    NOT_READY = "not_ready"
    KEY_MISSING = "key_missing"
    KEY_REFUSED = "key_refused"
    KEY_NOT_COVERING = "key_not_covering"
    RELEASE_NOT_SERVED = "release_not_served"
    OTHER = "other"
    KEY_IN_CLEAR = "key_in_clear"
    """A warning: whoever is on the way can read the key."""
    SLOW = "slow"
    """A warning: a round trip takes more than half of the latency budget."""


ADVICE: Final[Mapping[Trouble, str]] = {
    Trouble.NO_SERVER: "Enter the address of a server, or use packs alone.",
    Trouble.BAD_ADDRESS: "Enter it as HOST:PORT, such as search.example.org:50051.",
    Trouble.NAME_UNKNOWN: "Look for a mistake in the server's name.",
    Trouble.NO_NETWORK: "Turn on Wi-Fi or mobile data.",
    Trouble.REFUSED: "Look for a mistake in the port, or ask whoever runs the server whether it is up.",
    Trouble.TIMED_OUT: "Try again; if that does not help, the network may block this port.",
    Trouble.BAD_ROOT_CERTIFICATES: "Choose the PEM file with the certificates to trust, or none.",
    Trouble.TLS_NEEDED: "Turn TLS on.",
    Trouble.TLS_NOT_SPOKEN: "Look for a mistake in the port. A server without TLS is for networks that you trust.",
    Trouble.CERTIFICATE_UNTRUSTED: "Ask whoever runs the server for the file of its root certificates, and choose it.",
    Trouble.CERTIFICATE_EXPIRED: "Look at the date of this device; if it is right, whoever runs the server must act.",
    Trouble.CERTIFICATE_OF_ANOTHER_NAME: "Use the name that the server's certificate has.",
    Trouble.NO_STEEPLE_SERVER: "Look for a mistake in the address: something else answers there.",
    Trouble.NOT_READY: "Wait a little: the server is starting.",
    Trouble.KEY_MISSING: "Enter the key that you were given for this server.",
    Trouble.KEY_REFUSED: "Enter the key again, or ask for a new one.",
    Trouble.KEY_NOT_COVERING: "Ask whoever runs the server for a key of scope device.",
    Trouble.RELEASE_NOT_SERVED: "Update the app, or ask whoever runs the server to serve this model release.",
    Trouble.OTHER: "Try again; if that does not help, show this to whoever runs the server.",
    Trouble.KEY_IN_CLEAR: "Anybody in between can read your key and your queries. Turn TLS on if the server can.",
    Trouble.SLOW: "Answers will be slow here. A smaller data budget may help.",
}
"""What to do about each, in English."""


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
        passed: Whether the server can be used as far as that goes.
        found: What was found, in English.
        trouble: What is wrong, or a warning if it passed; None if nothing.
        advice: What to do about it, in English; empty if nothing.
    """

    stage: Stage
    passed: bool
    found: str
    trouble: Trouble | None = None
    advice: str = ""


@dataclass(frozen=True)
class ConnectionReport:
    """What a check of the connection found.

    Attributes:
        steps: Up to the first that did not pass.
        round_trip_ms: Of a small call; None if there was none.
    """

    steps: tuple[Step, ...]
    round_trip_ms: float | None = None

    @property
    def usable(self) -> bool:
        """Whether the server can answer queries."""
        return all(step.passed for step in self.steps)


def failed(stage: Stage, trouble: Trouble, found: str) -> Step:
    """A step that did not pass, with the advice for it."""
    return Step(stage, False, found, trouble, ADVICE[trouble])
