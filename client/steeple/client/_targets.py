"""What a client is told to reach: one address, or several between which calls are spread."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final

from steeple.errors import InvalidArgumentError, UnavailableError

_SEVERAL: Final = ("dns:", "ipv4:", "ipv6:", "xds:")
_DEFAULT_PORT: Final = 50051


@dataclass(frozen=True)
class Target:
    """Where calls go.

    Attributes:
        text: As it was given.
        addresses: Hosts and ports of a list; empty: gRPC itself knows what to do with the text.
        spread: Whether calls are spread over the addresses.
    """

    text: str
    addresses: tuple[tuple[str, int], ...]
    spread: bool

    @staticmethod
    def parse(text: str) -> Target:
        """Reads ``HOST:PORT``, ``HOST:PORT,HOST:PORT,...``, or a target of gRPC's such as ``dns:///HOST:PORT``.

        Raises:
            InvalidArgumentError: If it is a list of something else.
        """
        if text.startswith(_SEVERAL):
            return Target(text, (), spread=True)
        if "," not in text:
            return Target(text, (), spread=False)
        return Target(text, tuple(_address(each.strip(), text) for each in text.split(",")), spread=True)

    @property
    def authority(self) -> str | None:
        """What the servers of a list are called, and what their certificate must be of: the first of them."""
        if not self.addresses:
            return None
        host, port = self.addresses[0]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def for_grpc(self) -> str:
        """A target of gRPC's. Names of a list are looked up now.

        Raises:
            UnavailableError: If none of them is known.
        """
        if not self.addresses:
            return self.text
        found = [address for host, port in self.addresses for address in _looked_up(host, port)]
        # gRPC takes addresses of one kind.
        for family, scheme in ((socket.AF_INET, "ipv4"), (socket.AF_INET6, "ipv6")):
            if of_kind := [text for kind, text in found if kind is family]:
                return f"{scheme}:{','.join(dict.fromkeys(of_kind))}"
        raise UnavailableError(f"none of the servers {self.text} is known; check their names and the network")


def _address(text: str, whole: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, str(_DEFAULT_PORT)
    if not host or "/" in host or not (port.isascii() and port.isdecimal() and 0 < int(port) <= 65535):
        raise InvalidArgumentError(
            f"several servers are given as HOST:PORT,HOST:PORT or as dns:///HOST:PORT; {text!r} of {whole!r} is neither"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _looked_up(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # the others may do
            return []
        return [(family, _joined(str(where[0]), port)) for family, _, _, _, where in found]
    return [(socket.AF_INET if address.version == 4 else socket.AF_INET6, _joined(host, port))]


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
