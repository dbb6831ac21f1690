"""TLS: the server's certificate, read again when its files change."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.logs import facts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CertificateFiles:
    """PEM files.

    Attributes:
        certificate: Of the server, and of those between it and the root, in this order.
        key: The private key of the first, not encrypted.
        client_ca: Certificates that those of clients must come from; None: clients need none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """What a gRPC server listens with. Before each handshake it looks whether the files have changed.

        Raises:
            InvalidArgumentError: If a file cannot be read, or the key is not that of the certificate.
        """
        certificates = _Certificates(self)
        # The stubs do not know that the function may return None, which gRPC documents.
        changed = cast("Callable[[], grpc.ServerCertificateConfiguration]", certificates.changed)
        return grpc.dynamic_ssl_server_credentials(
            certificates.first, changed, require_client_authentication=self.client_ca is not None
        )


class _Certificates:
    """The certificate in use, and whether the files have another."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._lock = threading.Lock()  # handshakes come on several threads
        self._stamps = self._stamp()
        self._failed: tuple[object, ...] | None = None
        self.first = self._read()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What the files have if it is new and can be used; else None, and the one in use stays."""
        with self._lock:
            try:
                stamps = self._stamp()
                if stamps in (self._stamps, self._failed):
                    return None
                self._failed = stamps
                read = self._read()
            except InvalidArgumentError as error:
                # Such as a certificate that was replaced while its key was not yet.
                log.warning("the renewed certificate cannot be used; the old one stays", extra=facts(error=error))
                return None
            self._stamps = stamps
            log.info("the certificate was renewed", extra=facts(file=self._files.certificate))
            return read

    def _stamp(self) -> tuple[object, ...]:
        stamps: list[object] = []
        for path in (self._files.certificate, self._files.key, self._files.client_ca):
            if path is not None:
                try:
                    found = path.stat()
                except OSError as error:
                    raise _unreadable(path, error) from error
                stamps.append((found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
        return tuple(stamps)

    def _read(self) -> grpc.ServerCertificateConfiguration:
        files = self._files
        certificate, key = _bytes(files.certificate), _bytes(files.key)
        roots = None if files.client_ca is None else _bytes(files.client_ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # gRPC would take anything and fail at the first handshake.
            context.load_cert_chain(files.certificate, files.key, password="")
            if roots is not None:
                context.load_verify_locations(cadata=roots.decode("ascii"))
        except (ssl.SSLError, OSError, ValueError) as error:
            client = "" if files.client_ca is None else f" (or the client certificates {files.client_ca})"
            raise InvalidArgumentError(
                f"the certificate {files.certificate} and the key {files.key}{client} cannot be used: {error}; both "
                "must be PEM, the key that of the certificate, and not encrypted"
            ) from error
        return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=roots)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InvalidArgumentError:
    return InvalidArgumentError(f"{path} cannot be read: {error.strerror or error}")
