"""Sockets and TLS on the way to a server, apart from gRPC, which says little about why it cannot connect."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Final

import grpc

from steeple.app.trouble import Stage, Step, Trouble, failed

_EXPIRED: Final = {9, 10}  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED
_OTHER_NAME: Final = {62, 64}  # _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH
_GRPC_ROOTS: Final = Path(grpc.__file__).parent / "_cython" / "_credentials" / "roots.pem"


def addresses_of(host: str, port: int, timeout: float) -> tuple[str, ...]:
    """The IP addresses of a host.

    Raises:
        socket.gaierror: If the name is unknown.
        TimeoutError: If nobody said within ``timeout`` seconds.
    """
    found: queue.Queue[tuple[str, ...] | OSError] = queue.Queue()

    def look() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(tuple(dict.fromkeys(str(info[4][0]) for info in infos)))
        except UnicodeError:  # of a name that no encoding of names has
            found.put(socket.gaierror(socket.EAI_NONAME, "no such name"))
        except OSError as error:
            found.put(error)

    # The call has no time limit of its own.
    threading.Thread(target=look, name="steeple-resolve", daemon=True).start()
    try:
        result = found.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, OSError):
        raise result
    return result


def is_this_host(addresses: tuple[str, ...]) -> bool:
    """Whether nothing that is sent to these IP addresses leaves this device."""
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses)


def reach(host: str, port: int, timeout: float) -> float:
    """Connects to a host.

    Returns:
        Milliseconds that it took.

    Raises:
        OSError: If that fails.
    """
    start = time.perf_counter()
    with socket.create_connection((host, port), timeout):
        return (time.perf_counter() - start) * 1e3


def shake_hands(host: str, port: int, root_certificates: str, timeout: float) -> Step:
    """Begins to talk TLS as gRPC would.

    Args:
        host: Of the server.
        port: Of the server.
        root_certificates: PEM file; empty: those that come with gRPC.
        timeout: Seconds.
    """
    roots = root_certificates or (str(_GRPC_ROOTS) if _GRPC_ROOTS.exists() else None)
    try:
        context = ssl.create_default_context(cafile=roots)
    except OSError as error:
        return failed(Stage.ENCRYPTION, Trouble.BAD_ROOT_CERTIFICATES, f"{roots}: {error.strerror or error}")
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as talking,
        ):
            return Step(Stage.ENCRYPTION, True, f"{talking.version()} with a certificate of {host}")
    except ssl.SSLCertVerificationError as error:
        trouble = Trouble.CERTIFICATE_UNTRUSTED
        if error.verify_code in _EXPIRED:
            trouble = Trouble.CERTIFICATE_EXPIRED
        elif error.verify_code in _OTHER_NAME:
            trouble = Trouble.CERTIFICATE_OF_ANOTHER_NAME
        return failed(Stage.ENCRYPTION, trouble, f"the certificate of {host} is refused: {error.verify_message}")
    except TimeoutError:
        return failed(Stage.ENCRYPTION, Trouble.TLS_NOT_SPOKEN, f"{host} does not answer to TLS")
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        return failed(Stage.ENCRYPTION, Trouble.TLS_NOT_SPOKEN, f"{host} does not talk TLS: {reason}")


def speaks_tls(host: str, port: int, timeout: float) -> bool:
    """Whether a server talks TLS, whoever it is. Nothing is sent but the greeting."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only asked whether there is a certificate
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False
