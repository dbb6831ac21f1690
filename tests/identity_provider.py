"""An identity provider, and whatever else a web server may answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key

from steeple.errors import UnavailableError

ISSUER, CLIENT = "https://id.example.org", "steeple"
NOW = 1_800_000_000

Pages = dict[str, tuple[int, bytes]]
"""Status and body, by path. What has moved has moved to ``/good``."""


class Provider:
    """An identity provider: its keys, and how often it was asked."""

    def __init__(self, issuer: str = ISSUER, now: int = NOW) -> None:
        self.issuer = self.name = issuer
        self.now = now
        self.keys: list[Key] = [ECKey.generate_key("P-256", {"kid": "first"})]
        self.others: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.down = False

    def fetch(self, url: str) -> dict[str, Any]:
        self.asked.append(url)
        if self.down:
            raise UnavailableError("it is down")
        return self.documents()[url.removeprefix(self.issuer)]

    def documents(self) -> dict[str, dict[str, Any]]:
        """By path."""
        return {
            "/.well-known/openid-configuration": {"issuer": self.name, "jwks_uri": f"{self.issuer}/keys"},
            "/keys": {"keys": [*self.others, *(key.as_dict(private=False) for key in self.keys)]},
        }

    def pages(self) -> Pages:
        """The same, as they are served."""
        return {path: (200, json.dumps(document).encode()) for path, document in self.documents().items()}

    def token(self, key: Key | None = None, alg: str = "ES256", kid: str | None = "first", **claims: Any) -> str:
        """An ID token for us that ends in five minutes, unless ``claims`` say otherwise; None leaves one out."""
        times = {"iat": self.now, "exp": self.now + 300}
        made = {"iss": self.issuer, "aud": CLIENT, "sub": "sub-1", "nonce": "n", **times, **claims}
        header = {"alg": alg} | ({} if kid is None else {"kid": kid})
        left = {name: value for name, value in made.items() if value is not None}
        return jwt.encode(header, left, key or self.keys[0], algorithms=[alg])


@contextmanager
def site_of(pages: Pages) -> Iterator[str]:
    """Serves pages, which may change meanwhile, on the loopback interface; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages[self.path]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/good")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
