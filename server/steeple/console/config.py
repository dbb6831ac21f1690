"""What a console has to know: which server it is of, and where browsers find it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from steeple.console.identity_provider import Provider
from steeple.errors import InvalidArgumentError

_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class ConsoleConfig:
    """A console.

    Attributes:
        target: gRPC target of the server, as the SDK takes it.
        host: To listen on.
        port: To listen on; 0: any free one.
        hosts: Names that browsers may call it by, without ports; those of this host always may. What came by another
            name is refused, or a page elsewhere could have its own name point here.
        certificate: PEM file of its certificate chain; None: it talks plain HTTP.
        private_key: PEM file of the certificate's private key.
        behind_tls: Whether something before it talks TLS with browsers.
        provider: Through which people may sign in; None: through none.
        tiles_url: Of a map's tiles, with ``{z}``, ``{x}`` and ``{y}``; empty: maps are plain, and no request leaves for
            another host.

    Raises:
        InvalidArgumentError: If one of them cannot be used.
    """

    target: str
    host: str = "127.0.0.1"
    port: int = 0
    hosts: tuple[str, ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    behind_tls: bool = False
    provider: Provider | None = None
    tiles_url: str = ""

    def __post_init__(self) -> None:
        if self.tiles_url:
            parts = urlsplit(self.tiles_url)
            holes = all(hole in self.tiles_url for hole in ("{z}", "{x}", "{y}"))
            if parts.scheme not in ("http", "https") or not parts.hostname or not holes or "{" in parts.netloc:
                raise InvalidArgumentError(
                    "console_tiles_url must read like https://tiles.example.org/{z}/{x}/{y}.png, not "
                    f"{self.tiles_url!r}",
                    field="console_tiles_url",
                )

    @property
    def secure(self) -> bool:
        """Whether browsers reach it through TLS."""
        return self.certificate is not None or self.behind_tls

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names that browsers may call it by, lower case, without ports."""
        own = () if self.host in ("", "0.0.0.0", "::") else (f"[{self.host}]" if ":" in self.host else self.host,)  # noqa: S104 - compared
        return frozenset(name.lower() for name in (*_LOOPBACK_NAMES, *own, *self.hosts))

    @property
    def tiles_origin(self) -> str:
        """Scheme and host of the tiles, for the policy that lets browsers fetch them; empty without."""
        if not self.tiles_url:
            return ""
        parts = urlsplit(self.tiles_url)
        return f"{parts.scheme}://{parts.netloc}"
