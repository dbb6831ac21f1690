"""An identity provider with pages that people are sent to, and which vouches at once for whoever it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.identity_provider import Provider

SECRET = "provider-and-ours"  # noqa: S105 - of tests


class Signs:
    """What the provider does.

    Attributes:
        subject: Whom it vouches for; empty: nobody.
        held: Where browsers were to go back to, of an answer that is kept; None: answers are given.
        nonce: That its tokens have instead of the one it was given; empty: that one.
        issuer: Its URL.
        codes: Given, with what they were asked for.
        refused: Why tokens were refused.
    """

    def __init__(self) -> None:
        self.subject = "sub-ada"
        self.held: list[str] | None = None
        self.nonce = ""
        self.issuer = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        self._keys = Provider()

    def documents(self) -> dict[str, Any]:
        """By path."""
        self._keys.issuer = self._keys.name = self.issuer
        documents: dict[str, Any] = self._keys.documents()
        documents["/.well-known/openid-configuration"] |= {
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
        }
        return documents

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes back to."""
        answer = {"state": query["state"]}
        if self.subject:
            answer["code"] = f"code-{len(self.codes)}"
            self.codes[answer["code"]] = query
        else:
            answer["error"] = "access_denied"
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, str] | None:
        """The answer to who has come back with a code; None: it is refused."""
        asked = self.codes.pop(form.get("code", ""), None)
        known = base64.b64encode(f"steeple:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        right = {
            "code": asked is not None,
            "secret": authorization == f"Basic {known}",
            "verifier": asked is not None
            and (asked["code_challenge"], asked["code_challenge_method"]) == (challenge, "S256"),
            "redirect": asked is not None and asked["redirect_uri"] == form.get("redirect_uri"),
        }
        self.refused += [name for name, good in right.items() if not good]
        if asked is None or self.refused:
            return None
        self._keys.now = int(time.time())
        token = self._keys.token(sub=self.subject, nonce=self.nonce or asked["nonce"])
        return {"access_token": "unused", "token_type": "Bearer", "id_token": token}


@contextmanager
def provider() -> Iterator[Signs]:
    """Serves one on the loopback interface."""
    signs = Signs()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                back = signs.authorize({name: values[0] for name, values in parse_qs(parts.query).items()})
                if signs.held is not None:
                    signs.held.append(back)
                    self._answer(200, "kept")
                    return
                self.send_response(302)
                self.send_header("Location", back)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._answer(200, signs.documents()[parts.path])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            told = signs.token(form, self.headers.get("Authorization", ""))
            self._answer(400 if told is None else 200, told or {"error": "invalid_grant"})

        def _answer(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    signs.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield signs
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
